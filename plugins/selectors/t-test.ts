import { classColumns, classificationTask, panelOf, requireFinite } from '../_cells.ts';
import { defineSelector, Task, z } from '../contract.ts';

/** Genes by Welch's t-test of each class against the rest, the classes taking turns. */
export default defineSelector({
  id: 't-test',
  version: 1,
  summary: "Welch's t-test of each class against the rest (scanpy rank_genes_groups); classes take turns",
  cites: ['10.1093/biomet/34.1-2.28', '10.1186/s13059-017-1382-0'],
  params: z.strictObject({
    tasks: z.array(Task),
    overestimate_variance: z.boolean().default(false).describe('count the rest as no larger than the class (t-test_overestim_var)'),
  }),
  run: async (context, { data, split }, { tasks, overestimate_variance }) => {
    const task = classificationTask(tasks, 't-test');
    requireFinite(data);
    const { oneVsRestRanking, welch } = await import('../../stats/differential.ts');
    const input = classColumns(data, split, task, 2);
    await context.breathe();
    const { genes, scores } = oneVsRestRanking(welch(input, { overestimate: overestimate_variance }), 'p');
    return { panel: panelOf(data, genes, scores, task.column) };
  },
});
