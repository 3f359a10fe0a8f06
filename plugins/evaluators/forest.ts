import type { ForestTarget } from '../../stats/forest-tree.ts';
import { breather } from '../_cells.ts';
import { defineEvaluator, Task, z } from '../contract.ts';
import { type Blocks, judge } from './_classify.ts';

/** A random forest on the panel's genes, with scikit-learn's defaults. */
export default defineEvaluator({
  id: 'forest',
  version: 2,
  summary: 'Random forest on the panel (100 trees, Gini, sqrt of the genes per split, soft voting); a regression forest for numbers',
  cites: ['10.1023/A:1010933404324'],
  seeded: true,
  params: z.strictObject({
    tasks: z.array(Task),
    k: z.int().positive(),
    trees: z.int().positive().default(100),
  }),
  run: async (context, inputs, { tasks, k, trees }) => {
    const { fitForest, predictForest } = await import('../../stats/forest.ts');
    const breathe = breather(context);
    const fit = async ({ learn, learnRows, test, features }: Blocks, target: ForestTarget): Promise<Float64Array> => {
      const problem = { block: learn, rows: learnRows, features, target };
      const forest = await fitForest(problem, { trees, seed: context.seed }, async (done) => {
        context.progress(done / trees, `tree ${done} of ${trees}`);
        await breathe();
      });
      return predictForest(forest, test);
    };
    const model = {
      classify: (blocks: Blocks, codes: Int32Array, classCount: number) => fit(blocks, { kind: 'classes', codes, classCount }),
      regress: (blocks: Blocks, values: Float64Array) => fit(blocks, { kind: 'values', values }),
    };
    return judge(model, inputs, { tasks, k, step: 'forest', context });
  },
});
