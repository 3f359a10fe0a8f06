import type { DenseMatrix, Matrix } from '../data/matrix.ts';
import { geneMoments } from './gene-moments.ts';

/** How counts become log values: `target` is the total of each cell afterwards, null for the median over cells with counts, undefined to leave totals alone. */
export interface Normalization {
  readonly target?: number | null;
  readonly log1p?: boolean;
}

/** Sum of each row in float64. */
export function rowTotals(matrix: Matrix): Float64Array {
  const totals = new Float64Array(matrix.rows);
  for (let i = 0; i < matrix.rows; i++) {
    const [a, b] = rowSpan(matrix, i);
    let s = 0;
    for (let p = a; p < b; p++) s += matrix.data[p];
    totals[i] = s;
  }
  return totals;
}

/** Small whole counts of one cell share their result; this many are remembered. */
const REMEMBERED = 128;

/** scanpy's normalize_total and log1p in one walk (float32 results; cells without counts stay zero); structure arrays are shared with the input. */
export function normalizeCounts(matrix: Matrix, { target, log1p = false }: Normalization): Matrix {
  const totals = target === undefined ? undefined : rowTotals(matrix);
  const goal = target === null && totals ? medianPositive(totals) : target;
  const out = new Float32Array(matrix.data.length);
  const memo = new Float32Array(REMEMBERED);
  const known = new Int32Array(REMEMBERED).fill(-1);
  const { data } = matrix;
  for (let i = 0; i < matrix.rows; i++) {
    const [a, b] = rowSpan(matrix, i);
    const factor = totals && goal && totals[i] > 0 ? Math.fround(totals[i] / goal) : 1;
    for (let p = a; p < b; p++) {
      const x = data[p];
      if (x === 0) continue;
      const small = x > 0 && x < REMEMBERED && Math.floor(x) === x;
      if (small && known[x] === i) {
        out[p] = memo[x];
        continue;
      }
      const y = Math.fround(x / factor);
      out[p] = log1p ? Math.log1p(y) : y;
      if (small) {
        known[x] = i;
        memo[x] = out[p];
      }
    }
  }
  return { ...matrix, data: out };
}

/** The median total over the cells that have counts. */
export const medianTotal = (matrix: Matrix): number => medianPositive(rowTotals(matrix));

function medianPositive(totals: Float64Array): number {
  const s = totals.filter((t) => t > 0).sort();
  const h = s.length >> 1;
  return s.length === 0 ? 1 : s.length % 2 ? s[h] : (s[h - 1] + s[h]) / 2;
}

/** 1 where the value is above zero, else 0. */
export function binarize(matrix: Matrix): Matrix {
  const { data } = matrix;
  const out = new Float32Array(data.length);
  for (let p = 0; p < data.length; p++) out[p] = data[p] > 0 ? 1 : 0;
  return { ...matrix, data: out };
}

/** A dense matrix whose genes have mean 0 and sd 1 (n-1; a constant gene is only centred), clipped to [-max, max], as scanpy 1.11's scale; `rows` are the cells that give mean and sd. */
export function scaleGenes(
  matrix: Matrix,
  max = Number.POSITIVE_INFINITY,
  rows?: ArrayLike<number>,
): { readonly matrix: DenseMatrix; readonly mean: Float64Array; readonly sd: Float64Array } {
  const { rows: n, cols } = matrix;
  const { mean, variance } = geneMoments(matrix, rows);
  const sd = variance.map((v) => (v === 0 ? 1 : Math.sqrt(v)));
  const zero = Float32Array.from(mean, (m, j) => clip(-m / sd[j], max));
  const data = new Float32Array(n * cols);
  for (let i = 0; i < n; i++) {
    const base = i * cols;
    const [a, b] = rowSpan(matrix, i);
    if (matrix.kind === 'csr') data.set(zero, base);
    for (let p = a; p < b; p++) {
      const j = matrix.kind === 'csr' ? matrix.indices[p] : p - a;
      data[base + j] = clip((matrix.data[p] - mean[j]) / sd[j], max);
    }
  }
  return { matrix: { kind: 'dense', rows: n, cols, data }, mean, sd };
}

function clip(x: number, max: number): number {
  return x > max ? max : x < -max ? -max : x;
}

function rowSpan(matrix: Matrix, row: number): [number, number] {
  return matrix.kind === 'csr' ? [matrix.indptr[row], matrix.indptr[row + 1]] : [row * matrix.cols, (row + 1) * matrix.cols];
}
