import type { StepContext } from '../../core/plugin.ts';
import { type CscMatrix, toCsc } from '../../data/matrix.ts';
import { breather, type ClassCells, classCells, learningCells, panelOf, valuedCells } from '../_cells.ts';
import { type Dataset, type Memory, type Selection, type Split, type Task, z } from '../contract.ts';

/** How many genes mRMR chooses one by one. */
export const limit = z
  .int()
  .positive()
  .default(256)
  .describe('how many genes are chosen greedily (at least the largest k); the others follow by relevance');

/** Memory of mRMR itself: the learning cells by columns, and one more column. */
export const mrmrMemory: Memory = {
  formula: '8 bytes x values of the learning cells + 16 bytes x (genes x classes + cells)',
  bytes: ({ cells, genes, values, classes }) => 8 * values + 16 * (genes * Math.max(1, classes) + cells),
};

/** The learning cells of a task by columns, with what is to be learned. */
export type Learning = { readonly matrix: CscMatrix } & (
  | { readonly kind: 'classes'; readonly cells: ClassCells }
  | { readonly kind: 'values'; readonly values: Float64Array }
);

/** Gathers the learning cells of a task of either kind. */
export function learningOf(data: Dataset, split: Split, task: Task): Learning {
  if (task.kind === 'classification') {
    const cells = classCells(data, split, task);
    return { kind: 'classes', cells, matrix: toCsc(data.X, cells.rows) };
  }
  const { rows, values } = valuedCells(data, learningCells(split), task);
  return { kind: 'values', values, matrix: toCsc(data.X, rows) };
}

/** Orders genes by mRMR on a given relevance, telling progress. */
export async function greedily(
  context: StepContext,
  data: Dataset,
  { matrix, relevance, limit: most, task }: { matrix: CscMatrix; relevance: Float64Array; limit: number; task: Task },
): Promise<Selection> {
  const { mrmr } = await import('../../stats/mrmr.ts');
  const breathe = breather(context);
  const steps = Math.min(most, matrix.cols);
  const { genes, scores, chosen } = await mrmr(matrix, relevance, {
    limit: most,
    onGene: async (done) => {
      context.progress(done / steps, `gene ${done} of ${steps}`);
      await breathe();
    },
  });
  return { panel: panelOf(data, genes, scores, task.column), facts: { chosen_greedily: chosen } };
}
