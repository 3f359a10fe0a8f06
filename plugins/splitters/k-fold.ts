import { DataError, defineSplitter, Task, z } from '../contract.ts';

const params = z
  .strictObject({
    folds: z.int().min(2).max(100).default(5).describe('How many folds.'),
    fold: z.int().min(0).default(0).describe('Which fold is the test part, from 0; sweep it for a whole cross-validation.'),
    validation: z.boolean().default(true).describe('Take the fold after the test fold for validation (5 folds: 3:1:1).'),
    stratify: z.boolean().default(true).describe('Spread each class of the first task evenly; cells without a label count as a class.'),
    shuffle: z
      .int()
      .min(0)
      .optional()
      .describe("Seed of the shuffle; default the step's seed. Give one when seeds differ between folds of one cross-validation."),
    tasks: z.array(Task).default([]).describe('Given by the engine: the columns to predict.'),
  })
  .check((given) => {
    const { folds, fold, validation } = given.value;
    if (fold >= folds)
      given.issues.push({
        code: 'custom',
        input: given.value,
        path: ['fold'],
        message: `fold is ${fold}; with ${folds} folds it must be 0 to ${folds - 1}`,
      });
    if (validation && folds < 3)
      given.issues.push({
        code: 'custom',
        input: given.value,
        path: ['folds'],
        message: `${folds} folds leave nothing to train on beside validation and test; take at least 3, or validation: false`,
      });
  });

/** One fold of a cross-validation. */
export default defineSplitter({
  id: 'k-fold',
  version: 1,
  summary: 'One fold of a cross-validation: test on it, validate on the next.',
  params,
  run: async (context, { data }, p) => {
    const { assignFolds } = await import('../../stats/split.ts');
    const { Random } = await import('../../stats/random.ts');
    const { strataOf } = await import('./_strata.ts');
    const n = data.X.rows;
    if (n < p.folds)
      throw new DataError(`There are fewer cells (${n}) than folds (${p.folds})`, {
        context: { cells: n, folds: p.folds },
        mend: 'Use fewer folds.',
      });
    const strata = p.stratify ? strataOf(data, p.tasks, context) : undefined;
    const fold = assignFolds(n, p.folds, Random.of(p.shuffle ?? context.seed, 'folds'), strata);
    const next = p.validation ? (p.fold + 1) % p.folds : -1;
    const rows = (wanted: (f: number) => boolean): Uint32Array => Uint32Array.from(Array.from(fold.keys()).filter((i) => wanted(fold[i])));
    const split = { train: rows((f) => f !== p.fold && f !== next), validation: rows((f) => f === next), test: rows((f) => f === p.fold) };
    return {
      split,
      facts: { train: split.train.length, validation: split.validation.length, test: split.test.length, stratified: strata !== undefined },
    };
  },
});
