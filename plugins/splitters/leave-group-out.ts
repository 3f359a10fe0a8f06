import { DataError, defineSplitter, Task, z } from '../contract.ts';

const params = z.strictObject({
  column: z.string().describe('obs column of the groups, e.g. patient or batch.'),
  group: z.union([z.string(), z.number()]).describe('The group to test on.'),
  validation: z.number().min(0).lt(1).default(0).describe('Share of the other cells to watch the training with.'),
  stratify: z.boolean().default(true).describe('Draw the validation cells class by class of the first task.'),
  tasks: z.array(Task).default([]).describe('Given by the engine: the columns to predict.'),
});

/** Tests on one group of cells that the training never sees. */
export default defineSplitter({
  id: 'leave-group-out',
  version: 1,
  summary: 'Test on one group of cells (a patient, a batch) and learn from the others.',
  params,
  run: async (context, { data }, p) => {
    const { labels } = await import('../../data/dataset.ts');
    const { splitByShares } = await import('../../stats/split.ts');
    const { Random } = await import('../../stats/random.ts');
    const { nearest } = await import('../../core/nearest.ts');
    const { strataOf } = await import('./_strata.ts');
    const { codes, classes } = labels(data.obs, p.column);
    const wanted = classes.indexOf(String(p.group));
    if (wanted < 0) {
      const near = nearest(String(p.group), classes);
      throw new DataError(`There is no group "${p.group}" in the column "${p.column}"`, {
        context: { column: p.column, group: p.group },
        mend: `${near ? `Did you mean "${near}"? ` : ''}Groups there: ${classes.slice(0, 20).join(', ')}${classes.length > 20 ? ', …' : ''}.`,
      });
    }
    const all = Array.from(codes.keys());
    const others = Uint32Array.from(all.filter((i) => codes[i] >= 0 && codes[i] !== wanted));
    if (others.length === 0)
      throw new DataError(`The column "${p.column}" has no other group than "${p.group}"`, {
        context: { column: p.column },
        mend: 'Take another column.',
      });
    const strata = p.validation > 0 && p.stratify ? strataOf(data, p.tasks, context) : undefined;
    const inner = splitByShares(
      others.length,
      { train: 1 - p.validation, validation: p.validation, test: 0 },
      Random.of(context.seed, 'split'),
      strata && Int32Array.from(others, (i) => strata[i]),
    );
    const split = {
      train: inner.train.map((i) => others[i]),
      validation: inner.validation.map((i) => others[i]),
      test: Uint32Array.from(all.filter((i) => codes[i] === wanted)),
    };
    return {
      split,
      facts: { train: split.train.length, validation: split.validation.length, test: split.test.length, group: String(p.group) },
    };
  },
});
