import { breather } from '../_cells.ts';
import { defineEvaluator, Task, z } from '../contract.ts';
import { type Blocks, judge } from './_classify.ts';

/** k nearest neighbours on the panel's genes, exact. */
export default defineEvaluator({
  id: 'knn',
  version: 1,
  summary: 'Nearest neighbours on the panel (5, Euclidean, uniform votes, exact); the mean of the neighbours for numbers',
  cites: ['10.1109/TIT.1967.1053964'],
  params: z.strictObject({
    tasks: z.array(Task),
    k: z.int().positive(),
    neighbours: z.int().positive().default(5),
    scale: z
      .boolean()
      .default(false)
      .describe('z-score each gene by the learning cells first; by default the values are taken as they are'),
  }),
  run: async (context, inputs, { tasks, k, neighbours, scale }) => {
    const { nearestNeighbours, vote } = await import('../../stats/knn.ts');
    const breathe = breather(context);
    const find = async ({ learn, learnRows, test, testRows, features }: Blocks): Promise<{ nearest: Uint32Array; count: number }> => {
      const count = Math.min(neighbours, learnRows);
      const onBlock = async (done: number): Promise<void> => {
        context.progress(done / testRows);
        await breathe();
      };
      const references = { block: learn, rows: learnRows, features };
      return { nearest: await nearestNeighbours(references, { block: test, rows: testRows, features }, { k: count, onBlock }), count };
    };
    const model = {
      classify: async (blocks: Blocks, codes: Int32Array, classCount: number) => {
        const { nearest, count } = await find(blocks);
        return vote(nearest, codes, { k: count, classCount });
      },
      regress: async (blocks: Blocks, values: Float64Array) => {
        const { nearest, count } = await find(blocks);
        const out = new Float64Array(blocks.testRows);
        nearest.forEach((row, i) => (out[Math.floor(i / count)] += values[row] / count));
        return out;
      },
    };
    return judge(model, inputs, { tasks, k, step: 'knn', scale, context });
  },
});
