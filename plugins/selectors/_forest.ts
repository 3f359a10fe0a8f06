import type { StepContext } from '../../core/plugin.ts';
import type { CscMatrix } from '../../data/matrix.ts';
import type { ForestTarget } from '../../stats/forest-tree.ts';
import type { ForestOptions } from '../../stats/forest.ts';
import type { ClassCells } from '../_cells.ts';
import { breather } from '../_cells.ts';
import type { Memory } from '../contract.ts';

/** Memory of a forest on all genes: every cell and gene as a code. */
export const forestMemory: Memory = {
  formula: '2 bytes x cells x genes (4 above 65,535 cells) + 16 bytes x values of the learning cells + 200 bytes x cells',
  bytes: ({ cells, genes, values }) => (cells > 65_535 ? 4 : 2) * cells * genes + 16 * values + 200 * cells,
};

/** What a forest learns of a classification task. */
export const classTarget = ({ codes, classCount }: Pick<ClassCells, 'codes' | 'classCount'>): ForestTarget => ({
  kind: 'classes',
  codes,
  classCount,
});

/** Impurity importances of a random forest on all genes, telling progress in [0, `share`]. */
export async function importancesOf(
  context: StepContext,
  matrix: CscMatrix,
  target: ForestTarget,
  { trees = 100, share = 1, ...options }: Omit<ForestOptions, 'seed'> & { share?: number },
): Promise<Float64Array> {
  const [{ codeSparseColumns }, { forestImportances }] = await Promise.all([
    import('../../stats/forest-columns.ts'),
    import('../../stats/forest.ts'),
  ]);
  const breathe = breather(context);
  await context.breathe();
  const columns = codeSparseColumns(matrix);
  return forestImportances(columns, target, { ...options, trees, seed: context.seed }, async (done) => {
    context.progress((share * done) / trees, `tree ${done} of ${trees}`);
    await breathe();
  });
}
