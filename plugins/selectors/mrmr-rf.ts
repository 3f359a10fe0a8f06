import { onlyTask, requireFinite } from '../_cells.ts';
import { defineSelector, Task, z } from '../contract.ts';
import { classTarget, forestMemory, importancesOf } from './_forest.ts';
import { greedily, learningOf, limit } from './_mrmr.ts';

/** Genes by mRMR, relevance being the importance in a shallow random forest. */
export default defineSelector({
  id: 'mrmr-rf',
  version: 1,
  summary: 'Minimum redundancy, maximum relevance: forest importance over mean correlation with the genes chosen before',
  cites: ['10.1142/S0219720005001004', 'arXiv:1908.05376', '10.1023/A:1010933404324'],
  seeded: true,
  memory: forestMemory,
  params: z.strictObject({
    tasks: z.array(Task),
    limit,
    trees: z.int().positive().default(100),
    max_depth: z.int().positive().default(5).describe('splits on the way to a leaf at most'),
  }),
  run: async (context, { data, split }, { tasks, limit: most, trees, max_depth }) => {
    const task = onlyTask(tasks, 'mrmr-rf');
    requireFinite(data);
    const learning = learningOf(data, split, task);
    const { matrix } = learning;
    const target = learning.kind === 'classes' ? classTarget(learning.cells) : learning;
    const tried = Math.max(1, Math.floor(Math.sqrt(matrix.cols)));
    const relevance = await importancesOf(context, matrix, target, { trees, tried, maxDepth: max_depth });
    return greedily(context, data, { matrix, relevance, limit: most, task });
  },
});
