import type { CscMatrix } from '../../data/matrix.ts';
import { takeRows, toCsc } from '../../data/matrix.ts';
import { breather, classColumns, learningCells, onlyTask, panelOf, requireFinite, valuedCells } from '../_cells.ts';
import { type Dataset, defineSelector, type Split, Task, z } from '../contract.ts';

/** Genes by mRMR: relevant to the task (F), and little correlated with those chosen before. */
export default defineSelector({
  id: 'mrmr-f',
  version: 1,
  summary: 'Minimum redundancy, maximum relevance: F statistic over mean correlation with the genes chosen before',
  cites: ['10.1142/S0219720005001004', 'arXiv:1908.05376'],
  params: z.strictObject({
    tasks: z.array(Task),
    limit: z
      .int()
      .positive()
      .default(256)
      .describe('how many genes are chosen greedily (at least the largest k); the others follow by relevance'),
  }),
  run: async (context, { data, split }, { tasks, limit }) => {
    const task = onlyTask(tasks, 'mrmr-f');
    requireFinite(data);
    const { mrmr } = await import('../../stats/mrmr.ts');
    const { matrix, relevance } = await relevanceOf(data, split, task);
    const breathe = breather(context);
    const { genes, scores, chosen } = await mrmr(matrix, relevance, {
      limit,
      onGene: async (done) => {
        context.progress(done / Math.min(limit, matrix.cols), `gene ${done} of ${Math.min(limit, matrix.cols)}`);
        await breathe();
      },
    });
    return { panel: panelOf(data, genes, scores, task.column), facts: { chosen_greedily: chosen } };
  },
});

async function relevanceOf(data: Dataset, split: Split, task: Task): Promise<{ matrix: CscMatrix; relevance: Float64Array }> {
  const { anovaF, correlationF } = await import('../../stats/mrmr.ts');
  if (task.kind === 'classification') {
    const input = classColumns(data, split, task);
    return { matrix: input.matrix, relevance: anovaF(input) };
  }
  const { rows, values } = valuedCells(data, learningCells(split), task);
  const matrix = toCsc(takeRows(data.X, rows));
  return { matrix, relevance: correlationF(matrix, values) };
}
