import { DataError } from '../core/errors.ts';
import type { Matrix } from '../data/matrix.ts';
import { dispersionRanking } from './hvg-dispersion.ts';
import { varianceRanking } from './hvg-variance.ts';

/** The four ways of scanpy's highly_variable_genes. */
export type HvgFlavor = 'seurat' | 'seurat_v3' | 'seurat_v3_paper' | 'cell_ranger';

/** Genes by how variable they are, with the columns that scanpy stores in var. */
export interface HvgResult {
  /** All genes, best first; NaN scores last. */
  readonly order: Uint32Array;
  /** Per gene: dispersions_norm (seurat, cell_ranger) or variances_norm (seurat_v3), mean over batches. */
  readonly scores: Float64Array;
  /** Per gene: scanpy's `means`. */
  readonly means: Float64Array;
  /** Per gene: scanpy's `dispersions` (seurat, cell_ranger) or `variances` (seurat_v3). */
  readonly spread: Float64Array;
  /** Per gene: median over batches of the place among the first `top`, NaN beyond (seurat_v3); else all NaN. */
  readonly ranks: Float64Array;
  /** Per gene: in how many batches it is highly variable. */
  readonly batchCounts: Uint32Array;
  /** Per gene: 1 when scanpy would flag it for this `top` (ties at the cut included) or, without `top`, for its default cut-offs. */
  readonly selected: Uint8Array;
}

/** Settings of a ranking. */
export interface HvgOptions {
  readonly flavor: HvgFlavor;
  readonly top?: number;
  /** Batch code of each row of the matrix; rows with a code below 0 are left out. */
  readonly batches?: Int32Array;
  readonly nBatches?: number;
  /** Row numbers to look at, e.g. the train cells; default all. */
  readonly rows?: ArrayLike<number>;
  /** Gene names, which break ties between batches as scanpy does; default by position. */
  readonly names?: readonly string[];
  /** Cut-offs of seurat and cell_ranger without `top`; default those of scanpy. */
  readonly cutoffs?: {
    readonly minMean?: number;
    readonly maxMean?: number;
    readonly minDispersion?: number;
    readonly maxDispersion?: number;
  };
}

/** Ranks all genes by variability as scanpy 1.11 does: seurat and cell_ranger read `log` (ln(1+x) of normalised counts), the seurat_v3 flavors read raw `counts`. */
export function hvgRanking(input: { counts?: Matrix; log?: Matrix }, options: HvgOptions): HvgResult {
  const { flavor } = options;
  const wantsCounts = flavor === 'seurat_v3' || flavor === 'seurat_v3_paper';
  const matrix = wantsCounts ? input.counts : input.log;
  if (!matrix) {
    throw new DataError(`Highly variable genes of flavor ${flavor} need ${wantsCounts ? 'raw counts' : 'log-normalised values'}`, {
      context: { flavor },
      mend: wantsCounts ? 'Give counts, or take flavor seurat.' : 'Normalise with log1p first, or take flavor seurat_v3.',
    });
  }
  const groups = rowGroups(matrix.rows, options);
  if (groups.some((g) => g.length < 2)) {
    throw new DataError('Highly variable genes need at least 2 cells in each batch', {
      context: { cells: Math.min(...groups.map((g) => g.length)), flavor },
      mend: 'Leave `batch` out, or drop batches this small.',
    });
  }
  return wantsCounts ? varianceRanking(matrix, groups, options) : dispersionRanking(matrix, groups, options);
}

/** Rows of each batch, empty batches left out; one group without batches. */
function rowGroups(n: number, { rows, batches, nBatches }: HvgOptions): ArrayLike<number>[] {
  const all = rows ?? Uint32Array.from({ length: n }, (_, i) => i);
  if (!batches) return [all];
  const groups: number[][] = [];
  for (let b = 0; b < (nBatches ?? 0); b++) groups.push([]);
  for (let r = 0; r < all.length; r++) {
    const b = batches[all[r]];
    if (b >= 0) (groups[b] ??= []).push(all[r]);
  }
  return groups.filter((g) => g && g.length > 0);
}
