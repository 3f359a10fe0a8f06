import type { CsrMatrix, Matrix } from '../data/matrix.ts';

/** Per-gene moments over some cells, in float64; variance has n-1 in the denominator. */
export interface GeneMoments {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
}

/**
 * Means and variances per gene, in one pass over the stored values, from sums of squares in float64 as scanpy
 * does it; a variance below 1e-13 of the mean square counts as 0. `rows` restricts the cells, `change` is applied to each value and must
 * keep 0 at 0.
 */
export function geneMoments(matrix: Matrix, rows?: ArrayLike<number>, change?: (x: number) => number): GeneMoments {
  const n = rows?.length ?? matrix.rows;
  const d = matrix.cols;
  // Sum and sum of squares of a gene side by side: one place in memory to visit for each value.
  const sums = new Float64Array(2 * d);
  if (change) changedSums(matrix, rows, change, sums);
  else plainSums(matrix, rows, sums);
  const mean = new Float64Array(d);
  const variance = new Float64Array(d);
  for (let j = 0; j < d; j++) {
    mean[j] = sums[2 * j] / n;
    const square = sums[2 * j + 1];
    const spread = square - n * mean[j] * mean[j];
    variance[j] = n > 1 && !(spread <= 1e-13 * square) ? spread / (n - 1) : 0;
  }
  return { mean, variance };
}

/** Per gene: in how many of the cells it is above zero. */
export function expressingCells(matrix: Matrix, rows: ArrayLike<number>): Uint32Array {
  const cells = new Uint32Array(matrix.cols);
  for (let r = 0; r < rows.length; r++) {
    const [a, b] = span(matrix, rows[r]);
    for (let p = a; p < b; p++) cells[matrix.kind === 'csr' ? matrix.indices[p] : p - a] += Number(matrix.data[p] > 0);
  }
  return cells;
}

function span(matrix: Matrix, row: number): [number, number] {
  return matrix.kind === 'csr' ? [matrix.indptr[row], matrix.indptr[row + 1]] : [row * matrix.cols, (row + 1) * matrix.cols];
}

function plainSums(matrix: Matrix, rows: ArrayLike<number> | undefined, sums: Float64Array): void {
  const n = rows?.length ?? matrix.rows;
  for (let r = 0; r < n; r++) {
    const [a, b] = span(matrix, rows ? rows[r] : r);
    if (matrix.kind === 'csr') addSparse(matrix, a, b, sums);
    else addDense(matrix.data, a, b, sums);
  }
}

function addSparse({ data, indices }: CsrMatrix, start: number, end: number, sums: Float64Array): void {
  for (let p = start; p < end; p++) {
    const x = data[p];
    const at = indices[p] << 1;
    sums[at] += x;
    sums[at + 1] += x * x;
  }
}

function addDense(data: Float32Array, start: number, end: number, sums: Float64Array): void {
  for (let p = start, at = 0; p < end; p++, at += 2) {
    const x = data[p];
    sums[at] += x;
    sums[at + 1] += x * x;
  }
}

/** The values of a cell repeat (the log of one count, of two, ...), so that most are looked up rather than changed again. */
function changedSums(matrix: Matrix, rows: ArrayLike<number> | undefined, change: (x: number) => number, sums: Float64Array): void {
  const { data } = matrix;
  const indices = matrix.kind === 'csr' ? matrix.indices : undefined;
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  const known = new Uint32Array(1024);
  const results = new Float64Array(1024);
  const n = rows?.length ?? matrix.rows;
  for (let r = 0; r < n; r++) {
    const [a, b] = span(matrix, rows ? rows[r] : r);
    for (let p = a; p < b; p++) {
      const word = bits[p];
      if (word === 0) continue;
      const at = Math.imul(word, 0x9e3779b1) >>> 22;
      if (known[at] !== word) {
        known[at] = word;
        results[at] = change(data[p]);
      }
      const x = results[at];
      const j = indices ? indices[p] : p - a;
      sums[2 * j] += x;
      sums[2 * j + 1] += x * x;
    }
  }
}
