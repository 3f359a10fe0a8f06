import { classColumns, classificationTask, panelOf, requireFinite } from '../_cells.ts';
import { defineSelector, Task, z } from '../contract.ts';

/** Genes by COSG's cosine specificity for each class, the classes taking turns. */
export default defineSelector({
  id: 'cosg',
  version: 1,
  summary: 'Cosine similarity of each gene with each class, made specific (COSG 1.2); classes take turns',
  cites: ['10.1093/bib/bbab579'],
  params: z.strictObject({
    tasks: z.array(Task),
    mu: z.number().positive().default(1).describe('weight of the other classes'),
    remove_lowly_expressed: z.boolean().default(true).describe('put genes seen in too few cells of a class last in that class'),
    expressed_pct: z.number().min(0).max(1).default(0.1).describe('that share of cells'),
  }),
  run: async (context, { data, split }, { tasks, mu, remove_lowly_expressed, expressed_pct }) => {
    const task = classificationTask(tasks, 'cosg');
    requireFinite(data);
    const [{ cosg }, { oneVsRestRanking }] = await Promise.all([import('../../stats/cosg.ts'), import('../../stats/differential.ts')]);
    const input = classColumns(data, split, task);
    await context.breathe();
    const tests = cosg(input, { mu, removeLowlyExpressed: remove_lowly_expressed, expressedPct: expressed_pct });
    const { genes, scores } = oneVsRestRanking(tests, 'score');
    return { panel: panelOf(data, genes, scores, task.column) };
  },
});
