import { DataError } from '../core/errors.ts';
import type { Matrix } from '../data/matrix.ts';
import { geneMoments } from './gene-moments.ts';
import type { HvgOptions, HvgResult } from './hvg.ts';
import { loess } from './loess.ts';

/** Flavors seurat_v3 and seurat_v3_paper: variance of clipped standardised counts (Stuart 2019), ranked over batches as scanpy does. */
export function varianceRanking(matrix: Matrix, groups: readonly ArrayLike<number>[], options: HvgOptions): HvgResult {
  checkCounts(matrix, groups);
  const d = matrix.cols;
  const top = options.top ?? d;
  const perBatch = groups.map((rows) =>
    standardisedVariance(matrix, groups.length === 1 && rows.length === matrix.rows ? undefined : rows),
  );
  const scores = new Float64Array(d);
  for (const b of perBatch) for (let j = 0; j < d; j++) scores[j] += b.norm[j] / perBatch.length;
  const { ranks, batchCounts } = medianRanks(
    perBatch.map((b) => b.norm),
    d,
    top,
  );
  const paper = options.flavor === 'seurat_v3_paper';
  const byRank = (a: number, b: number): number => {
    const [x, y] = [ranks[a], ranks[b]];
    if (Number.isNaN(x) || Number.isNaN(y)) return (Number.isNaN(x) ? 1 : 0) - (Number.isNaN(y) ? 1 : 0);
    return x - y;
  };
  const byCount = (a: number, b: number): number => batchCounts[b] - batchCounts[a];
  const [first, second] = paper ? [byCount, byRank] : [byRank, byCount];
  const order = Uint32Array.from({ length: d }, (_, j) => j).sort(
    (a, b) => first(a, b) || second(a, b) || (Number.isNaN(ranks[a]) ? scores[b] - scores[a] : 0) || a - b,
  );
  const selected = new Uint8Array(d);
  for (const j of order.subarray(0, top)) selected[j] = 1;
  const all = groups.length === 1 ? perBatch[0] : overall(matrix, options.rows);
  return { order, scores, means: all.mean, spread: all.variance, ranks, batchCounts, selected };
}

function overall(matrix: Matrix, rows: ArrayLike<number> | undefined): { mean: Float64Array; variance: Float64Array } {
  return geneMoments(matrix, rows);
}

function checkCounts(matrix: Matrix, groups: readonly ArrayLike<number>[]): void {
  for (const rows of groups) {
    for (let r = 0; r < rows.length; r++) {
      const i = rows[r];
      const a = matrix.kind === 'csr' ? matrix.indptr[i] : i * matrix.cols;
      const b = matrix.kind === 'csr' ? matrix.indptr[i + 1] : a + matrix.cols;
      for (let p = a; p < b; p++) {
        const x = matrix.data[p];
        if (x >= 0 && Math.floor(x) === x && x < Number.POSITIVE_INFINITY) continue;
        const gene = matrix.kind === 'csr' ? matrix.indices[p] : p - a;
        throw new DataError(`Flavor seurat_v3 needs raw counts, and the matrix holds ${x < 0 ? 'a negative' : 'a fractional'} value`, {
          context: { value: x, gene, cell: i },
          mend: 'Give raw counts (X or layers["counts"]), or take flavor seurat on log-normalised data.',
        });
      }
    }
  }
}

interface Standardised {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  readonly norm: Float64Array;
}

/** Variance after dividing by the sd expected at the gene's mean, values clipped at sqrt(n) sds; methods.md section 2. */
function standardisedVariance(matrix: Matrix, rows: ArrayLike<number> | undefined): Standardised {
  const n = rows?.length ?? matrix.rows;
  const d = matrix.cols;
  const { mean, variance } = geneMoments(matrix, rows);
  const varied: number[] = [];
  for (let j = 0; j < d; j++) if (variance[j] > 0) varied.push(j);
  const fit = loess(
    Float64Array.from(varied, (j) => Math.log10(mean[j])),
    Float64Array.from(varied, (j) => Math.log10(variance[j])),
    { span: 0.3 },
  );
  const regular = new Float64Array(d).fill(1);
  for (let i = 0; i < varied.length; i++) regular[varied[i]] = 10 ** (fit[i] / 2);
  const clip = regular.map((sd, j) => sd * Math.sqrt(n) + mean[j]);
  const excess = clippedExcess(matrix, rows, { clip, mean });
  // n m² + Σ min(x,c)² - 2m Σ min(x,c) is the sum of squares about the mean, less what clipping takes away
  const norm = regular.map((sd, j) => ((n - 1) * variance[j] - excess[j]) / ((n - 1) * sd * sd));
  return { mean, variance, norm };
}

/** Per gene: the sum over x > c of (x - c)(x + c - 2m). */
function clippedExcess(
  matrix: Matrix,
  rows: ArrayLike<number> | undefined,
  { clip, mean }: { clip: Float64Array; mean: Float64Array },
): Float64Array {
  const excess = new Float64Array(matrix.cols);
  const n = rows?.length ?? matrix.rows;
  for (let r = 0; r < n; r++) {
    const i = rows ? rows[r] : r;
    const a = matrix.kind === 'csr' ? matrix.indptr[i] : i * matrix.cols;
    const b = matrix.kind === 'csr' ? matrix.indptr[i + 1] : a + matrix.cols;
    for (let p = a; p < b; p++) {
      const j = matrix.kind === 'csr' ? matrix.indices[p] : p - a;
      const x = matrix.data[p];
      if (x > clip[j]) excess[j] += (x - clip[j]) * (x + clip[j] - 2 * mean[j]);
    }
  }
  return excess;
}

/** Median over batches of each gene's place, counting only places below `top`, and in how many batches it has one. */
function medianRanks(norms: readonly Float64Array[], d: number, top: number): { ranks: Float64Array; batchCounts: Uint32Array } {
  const places = norms.map((norm) => {
    const order = Uint32Array.from(norm, (_, j) => j).sort((a, b) => norm[b] - norm[a] || a - b);
    const place = new Uint32Array(d);
    for (let i = 0; i < d; i++) place[order[i]] = i;
    return place;
  });
  const ranks = new Float64Array(d).fill(Number.NaN);
  const batchCounts = new Uint32Array(d);
  for (let j = 0; j < d; j++) {
    const good = places
      .map((p) => p[j])
      .filter((p) => p < top)
      .sort((a, b) => a - b);
    batchCounts[j] = good.length;
    const h = good.length >> 1;
    if (good.length > 0) ranks[j] = good.length % 2 ? good[h] : (good[h - 1] + good[h]) / 2;
  }
  return { ranks, batchCounts };
}
