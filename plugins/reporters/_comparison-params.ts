import { z } from '../contract.ts';

/** Params of the reporters that compare selectors. */
export const comparisonParams = {
  lower_is_better: z.array(z.string()).default([]).describe('further metrics of which less is better'),
  test_share: z
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe('share of the cells that each seed tests, for the corrected test; default as the confusion tables count them, else 0.2'),
};
