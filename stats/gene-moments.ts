import type { Matrix } from '../data/matrix.ts';

/** Per-gene moments over some cells, in float64; variance has n-1 in the denominator. */
export interface GeneMoments {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  /** Cells in which the gene is above zero. */
  readonly cells: Uint32Array;
}

/** Means, variances (two passes over the stored values) and numbers of expressing cells per gene; `rows` restricts the cells, `change` is applied to each value and must keep 0 at 0. */
export function geneMoments(matrix: Matrix, rows?: ArrayLike<number>, change?: (x: number) => number): GeneMoments {
  const n = rows?.length ?? matrix.rows;
  const d = matrix.cols;
  const mean = new Float64Array(d);
  const variance = new Float64Array(d);
  const cells = new Uint32Array(d);
  const seen = new Uint32Array(d);
  const values = change ? changed(matrix, rows, change) : matrix.data;
  const source = { matrix, rows, n, values };
  firstPass(source, mean, cells, seen);
  for (let j = 0; j < d; j++) mean[j] /= n;
  secondPass(source, mean, variance);
  for (let j = 0; j < d; j++) {
    const v = (variance[j] + (n - seen[j]) * mean[j] * mean[j]) / (n - 1);
    variance[j] = n > 1 ? v : 0;
  }
  return { mean, variance, cells };
}

interface Source {
  readonly matrix: Matrix;
  readonly rows: ArrayLike<number> | undefined;
  readonly n: number;
  readonly values: Float32Array;
}

function changed(matrix: Matrix, rows: ArrayLike<number> | undefined, change: (x: number) => number): Float32Array {
  const out = new Float32Array(matrix.data.length);
  if (!rows) {
    for (let p = 0; p < out.length; p++) out[p] = change(matrix.data[p]);
    return out;
  }
  for (let r = 0; r < rows.length; r++) {
    const [a, b] = span(matrix, rows[r]);
    for (let p = a; p < b; p++) out[p] = change(matrix.data[p]);
  }
  return out;
}

function span(matrix: Matrix, row: number): [number, number] {
  return matrix.kind === 'csr' ? [matrix.indptr[row], matrix.indptr[row + 1]] : [row * matrix.cols, (row + 1) * matrix.cols];
}

function firstPass({ matrix, rows, n, values }: Source, sum: Float64Array, cells: Uint32Array, seen: Uint32Array): void {
  for (let r = 0; r < n; r++) {
    const [a, b] = span(matrix, rows ? rows[r] : r);
    if (matrix.kind === 'csr') {
      const { indices } = matrix;
      for (let p = a; p < b; p++) {
        const j = indices[p];
        const x = values[p];
        sum[j] += x;
        seen[j]++;
        if (x <= 0) cells[j]++;
      }
    } else {
      for (let p = a, j = 0; p < b; p++, j++) {
        sum[j] += values[p];
        if (values[p] > 0) cells[j]++;
      }
    }
  }
  if (matrix.kind === 'dense') seen.fill(n);
  // up to here `cells` of a sparse matrix holds the stored values that are not above zero: there are few
  else for (let j = 0; j < cells.length; j++) cells[j] = seen[j] - cells[j];
}

function secondPass({ matrix, rows, n, values }: Source, mean: Float64Array, squares: Float64Array): void {
  for (let r = 0; r < n; r++) {
    const [a, b] = span(matrix, rows ? rows[r] : r);
    if (matrix.kind === 'csr') {
      const { indices } = matrix;
      for (let p = a; p < b; p++) {
        const j = indices[p];
        const x = values[p] - mean[j];
        squares[j] += x * x;
      }
    } else {
      for (let p = a, j = 0; p < b; p++, j++) {
        const x = values[p] - mean[j];
        squares[j] += x * x;
      }
    }
  }
}
