import { onlyTask, requireFinite } from '../_cells.ts';
import { defineSelector, Task, z } from '../contract.ts';
import { greedily, learningOf, limit, mrmrMemory } from './_mrmr.ts';

/** Genes by mRMR: relevant to the task (F), and little correlated with those chosen before. */
export default defineSelector({
  id: 'mrmr-f',
  version: 1,
  summary: 'Minimum redundancy, maximum relevance: F statistic over mean correlation with the genes chosen before',
  cites: ['10.1142/S0219720005001004', 'arXiv:1908.05376'],
  memory: mrmrMemory,
  params: z.strictObject({ tasks: z.array(Task), limit }),
  run: async (context, { data, split }, { tasks, limit: most }) => {
    const task = onlyTask(tasks, 'mrmr-f');
    requireFinite(data);
    const { anovaF, correlationF } = await import('../../stats/mrmr.ts');
    const learning = learningOf(data, split, task);
    const { matrix } = learning;
    await context.breathe();
    const relevance = learning.kind === 'classes' ? anovaF(learning.cells) : correlationF(matrix, learning.values);
    return greedily(context, data, { matrix, relevance, limit: most, task });
  },
});
