import { classColumns, classificationTask, panelOf, requireFinite } from '../_cells.ts';
import { defineSelector, Task, z } from '../contract.ts';

/** Genes by Wilcoxon's rank-sum test of each class against the rest, the classes taking turns. */
export default defineSelector({
  id: 'wilcoxon',
  version: 1,
  summary: 'Rank-sum test of each class against the rest (scanpy rank_genes_groups); classes take turns',
  cites: ['10.2307/3001968', '10.1186/s13059-017-1382-0'],
  params: z.strictObject({
    tasks: z.array(Task),
    tie_correct: z.boolean().default(false).describe('correct the variance for ties'),
  }),
  run: async (context, { data, split }, { tasks, tie_correct }) => {
    const task = classificationTask(tasks, 'wilcoxon');
    requireFinite(data);
    const { oneVsRestRanking, wilcoxon } = await import('../../stats/differential.ts');
    const input = classColumns(data, split, task);
    await context.breathe();
    const { genes, scores } = oneVsRestRanking(wilcoxon(input, { tieCorrect: tie_correct }), 'p');
    return { panel: panelOf(data, genes, scores, task.column) };
  },
});
