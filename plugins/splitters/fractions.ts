import { DataError, defineSplitter, Task, z } from '../contract.ts';

const params = z
  .strictObject({
    train: z.number().gt(0).lt(1).default(0.8).describe('Share of the cells to learn from.'),
    validation: z.number().min(0).lt(1).default(0).describe('Share of the cells to watch the training with.'),
    test: z.number().gt(0).lt(1).optional().describe('Share of the cells to judge with; default the rest.'),
    stratify: z
      .boolean()
      .default(true)
      .describe('Keep these shares within each class of the first task; cells without a label count as a class.'),
    tasks: z.array(Task).default([]).describe('Given by the engine: the columns to predict.'),
  })
  .check((given) => {
    const { train, validation, test } = given.value;
    const sum = Number((train + validation + (test ?? 0)).toFixed(9));
    if (test !== undefined && sum > 1)
      given.issues.push({
        code: 'custom',
        input: given.value,
        path: ['test'],
        message: `train + validation + test is ${sum}; it must not pass 1`,
      });
    if (test === undefined && sum >= 1)
      given.issues.push({
        code: 'custom',
        input: given.value,
        path: ['train'],
        message: `train + validation is ${sum}; nothing is left for test`,
      });
  });

/** Divides cells at random by shares, class by class. */
export default defineSplitter({
  id: 'fractions',
  version: 1,
  summary: 'Divide cells at random into train, validation and test, class by class.',
  params,
  run: async (context, { data }, p) => {
    const { splitByShares } = await import('../../stats/split.ts');
    const { Random } = await import('../../stats/random.ts');
    const { strataOf } = await import('./_strata.ts');
    const n = data.X.rows;
    const test = p.test ?? 1 - p.train - p.validation;
    const strata = p.stratify ? strataOf(data, p.tasks, context) : undefined;
    const split = splitByShares(n, { train: p.train, validation: p.validation, test }, Random.of(context.seed, 'split'), strata);
    const left = n - split.train.length - split.validation.length - split.test.length;
    if (left > 0)
      context.log(
        `${left} of ${n} cells belong to no part, since the shares add up to ${Number((p.train + p.validation + test).toFixed(6))}`,
      );
    if (split.train.length === 0 || split.test.length === 0) {
      throw new DataError('The split leaves no cells to learn from or to judge with', {
        context: { cells: n, train: split.train.length, test: split.test.length },
        mend: 'Use more cells, or other shares.',
      });
    }
    return {
      split,
      facts: { train: split.train.length, validation: split.validation.length, test: split.test.length, stratified: strata !== undefined },
    };
  },
});
