import { z } from '../contract.ts';

/** Params of the reporters that compare selectors. */
export const comparisonParams = {
  lower_is_better: z.array(z.string()).default([]).describe('further metrics of which less is better'),
  published: z.string().optional().describe('a CSV of published numbers to set beside ours (docs/report.md)'),
  test_share: z
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe('share of the cells that each seed tests, for the corrected test; default as the confusion tables count them, else 0.2'),
};

/** The files that those params name. */
export const comparisonFiles = ({ published }: { readonly published?: string | undefined }): string[] =>
  published === undefined ? [] : [published];
