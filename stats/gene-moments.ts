import type { Matrix } from '../data/matrix.ts';

/** Per-gene moments over some cells, in float64; variance has n-1 in the denominator. */
export interface GeneMoments {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  /** Cells in which the gene is above zero. */
  readonly cells: Uint32Array;
}

/**
 * Means, variances and numbers of expressing cells per gene; `rows` restricts the cells, `change` is applied to each value and must keep 0
 * at 0. Two passes over the stored values; one, from sums of squares in float64 as scanpy does it, where values are changed.
 */
export function geneMoments(matrix: Matrix, rows?: ArrayLike<number>, change?: (x: number) => number): GeneMoments {
  const n = rows?.length ?? matrix.rows;
  const d = matrix.cols;
  const mean = new Float64Array(d);
  const variance = new Float64Array(d);
  const cells = new Uint32Array(d);
  if (change) {
    changedSums({ matrix, rows, n }, change, { sums: mean, squares: variance, cells });
    for (let j = 0; j < d; j++) {
      mean[j] /= n;
      const spread = variance[j] - n * mean[j] * mean[j];
      variance[j] = n > 1 && spread > 1e-13 * variance[j] ? spread / (n - 1) : 0;
    }
    return { mean, variance, cells };
  }
  const seen = new Uint32Array(d);
  const source = { matrix, rows, n };
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
}

/** The values of a cell repeat (the log of one count, of two, ...), so that most are looked up rather than changed again. */
function changedSums(
  { matrix, rows, n }: Source,
  change: (x: number) => number,
  { sums, squares, cells }: { sums: Float64Array; squares: Float64Array; cells: Uint32Array },
): void {
  const { data } = matrix;
  const indices = matrix.kind === 'csr' ? matrix.indices : undefined;
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  const known = new Uint32Array(1024);
  const results = new Float64Array(1024);
  for (let r = 0; r < n; r++) {
    const [a, b] = span(matrix, rows ? rows[r] : r);
    for (let p = a; p < b; p++) {
      const word = bits[p];
      if (word === 0) continue;
      const at = (Math.imul(word, 0x9e3779b1) >>> 22) & 1023;
      let x = results[at];
      if (known[at] !== word) {
        x = change(data[p]);
        known[at] = word;
        results[at] = x;
      }
      const j = indices ? indices[p] : p - a;
      sums[j] += x;
      squares[j] += x * x;
      if (x > 0) cells[j]++;
    }
  }
}

function span(matrix: Matrix, row: number): [number, number] {
  return matrix.kind === 'csr' ? [matrix.indptr[row], matrix.indptr[row + 1]] : [row * matrix.cols, (row + 1) * matrix.cols];
}

function firstPass({ matrix, rows, n }: Source, sum: Float64Array, cells: Uint32Array, seen: Uint32Array): void {
  const values = matrix.data;
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

function secondPass({ matrix, rows, n }: Source, mean: Float64Array, squares: Float64Array): void {
  const values = matrix.data;
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
