import { z } from '../contract.ts';
import type { StepDefinition } from '../../core/plugin.ts';
import type { Split } from '../contract.ts';
import { DataError } from '../../core/errors.ts';

/**
 * Makes two splits of one for a halving: `learn`, whose train cells alone are learned from, and `judge`, which tests on the validation cells.
 * What decides between methods is then never seen by any of them, and the test cells by none.
 */
const inner: StepDefinition = {
  kind: 'splitter',
  id: 'inner',
  version: 1,
  summary: 'Of one split two: to learn from train cells only, and to judge on the validation cells.',
  params: z.strictObject({}),
  inputs: { split: { type: 'split' } },
  outputs: { learn: 'split', judge: 'split' },
  queue: 'cpu',
  seeded: false,
  run: async (_, { split }) => {
    const { train, validation, test } = split as Split;
    if (validation.length === 0)
      throw new DataError('A halving judges on validation cells, and the split has none', {
        context: { train: train.length, test: test.length },
        mend: 'Give the split a validation part, for example split: { train: 0.7, validation: 0.1, test: 0.2 }.',
      });
    const none = new Uint32Array(0);
    return {
      outputs: { learn: { train, validation: none, test }, judge: { train, validation: none, test: validation } },
      facts: { train: train.length, validation: validation.length },
    };
  },
};
export default inner;
