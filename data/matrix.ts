import { DataError } from '../core/errors.ts';

/** Compressed sparse rows, cells x genes. Column indices rise within a row; no entry is stored twice; stored zeros are allowed. */
export interface CsrMatrix {
  readonly kind: 'csr';
  readonly rows: number;
  readonly cols: number;
  /** rows + 1 offsets into `indices` and `data`. */
  readonly indptr: Uint32Array;
  readonly indices: Uint32Array;
  readonly data: Float32Array;
}

/** Row-major dense matrix, cells x genes. */
export interface DenseMatrix {
  readonly kind: 'dense';
  readonly rows: number;
  readonly cols: number;
  readonly data: Float32Array;
}

export type Matrix = CsrMatrix | DenseMatrix;

/** Compressed sparse columns: the transpose of a CSR matrix's layout, for work gene by gene. Row indices rise within a column. */
export interface CscMatrix {
  readonly kind: 'csc';
  readonly rows: number;
  readonly cols: number;
  readonly indptr: Uint32Array;
  readonly indices: Uint32Array;
  readonly data: Float32Array;
}

/** Lays a matrix, or some of its rows (numbered anew in the order given), out by columns, in O(non-zeros) and without another copy. */
export function toCsc(matrix: Matrix, rows?: ArrayLike<number>): CscMatrix {
  const { cols } = matrix;
  const n = rows?.length ?? matrix.rows;
  const indptr = new Uint32Array(cols + 1);
  for (let r = 0; r < n; r++) {
    const [start, end] = span(matrix, rows ? rows[r] : r);
    if (matrix.kind === 'csr') for (let p = start; p < end; p++) indptr[matrix.indices[p] + 1]++;
    else for (let p = start; p < end; p++) if (matrix.data[p] !== 0) indptr[p - start + 1]++;
  }
  for (let j = 0; j < cols; j++) indptr[j + 1] += indptr[j];
  const indices = new Uint32Array(indptr[cols]);
  const data = new Float32Array(indptr[cols]);
  const next = indptr.slice(0, cols);
  for (let r = 0; r < n; r++) {
    const [start, end] = span(matrix, rows ? rows[r] : r);
    for (let p = start; p < end; p++) {
      const x = matrix.data[p];
      if (matrix.kind === 'dense' && x === 0) continue;
      const q = next[matrix.kind === 'csr' ? matrix.indices[p] : p - start]++;
      indices[q] = r;
      data[q] = x;
    }
  }
  return { kind: 'csc', rows: n, cols, indptr, indices, data };
}

/** Where the stored values of a row start and end. */
function span(matrix: Matrix, row: number): [start: number, end: number] {
  return matrix.kind === 'csr' ? [matrix.indptr[row], matrix.indptr[row + 1]] : [row * matrix.cols, (row + 1) * matrix.cols];
}

/** Calls `visit(row, column, value)` for each entry: all stored ones of a CSR matrix, all non-zero ones of a dense matrix. */
export function forEachNonZero(matrix: Matrix, visit: (row: number, column: number, value: number) => void): void {
  const { rows, cols, data } = matrix;
  if (matrix.kind === 'dense') {
    for (let i = 0, o = 0; i < rows; i++) for (let j = 0; j < cols; j++, o++) if (data[o] !== 0) visit(i, j, data[o]);
    return;
  }
  const { indptr, indices } = matrix;
  for (let i = 0; i < rows; i++) for (let p = indptr[i]; p < indptr[i + 1]; p++) visit(i, indices[p], data[p]);
}

/** Copies some rows, in the order given. */
export function takeRows(matrix: Matrix, rows: ArrayLike<number>): Matrix {
  const n = rows.length;
  if (matrix.kind === 'dense') {
    const { cols } = matrix;
    const data = new Float32Array(n * cols);
    for (let i = 0; i < n; i++) data.set(matrix.data.subarray(rows[i] * cols, (rows[i] + 1) * cols), i * cols);
    return { kind: 'dense', rows: n, cols, data };
  }
  const indptr = new Uint32Array(n + 1);
  for (let i = 0; i < n; i++) indptr[i + 1] = indptr[i] + (matrix.indptr[rows[i] + 1] - matrix.indptr[rows[i]]);
  const indices = new Uint32Array(indptr[n]);
  const data = new Float32Array(indptr[n]);
  for (let i = 0; i < n; i++) {
    const a = matrix.indptr[rows[i]];
    const b = matrix.indptr[rows[i] + 1];
    indices.set(matrix.indices.subarray(a, b), indptr[i]);
    data.set(matrix.data.subarray(a, b), indptr[i]);
  }
  return { kind: 'csr', rows: n, cols: matrix.cols, indptr, indices, data };
}

/** Copies some columns, in rising order for a CSR matrix (the columns given must rise), in the order given for a dense one. */
export function takeColumns(matrix: Matrix, columns: ArrayLike<number>): Matrix {
  const k = columns.length;
  const { rows, cols } = matrix;
  if (matrix.kind === 'dense') {
    const data = new Float32Array(rows * k);
    for (let i = 0; i < rows; i++) for (let j = 0; j < k; j++) data[i * k + j] = matrix.data[i * cols + columns[j]];
    return { kind: 'dense', rows, cols: k, data };
  }
  const at = new Int32Array(cols).fill(-1);
  for (let j = 0; j < k; j++) {
    if (j > 0 && columns[j] <= columns[j - 1]) throw new DataError('takeColumns on a sparse matrix wants rising column numbers');
    at[columns[j]] = j;
  }
  const { indptr } = matrix;
  const outPtr = new Uint32Array(rows + 1);
  for (let i = 0; i < rows; i++) {
    let n = 0;
    for (let p = indptr[i]; p < indptr[i + 1]; p++) if (at[matrix.indices[p]] >= 0) n++;
    outPtr[i + 1] = outPtr[i] + n;
  }
  const indices = new Uint32Array(outPtr[rows]);
  const data = new Float32Array(outPtr[rows]);
  for (let i = 0, q = 0; i < rows; i++) {
    for (let p = indptr[i]; p < indptr[i + 1]; p++) {
      const j = at[matrix.indices[p]];
      if (j < 0) continue;
      indices[q] = j;
      data[q++] = matrix.data[p];
    }
  }
  return { kind: 'csr', rows, cols: k, indptr: outPtr, indices, data };
}

/** A row-major dense block of the given rows and columns (any order), values as float32: what classifiers eat. */
export function denseBlock(matrix: Matrix, rows: ArrayLike<number>, columns: ArrayLike<number>): DenseMatrix {
  const n = rows.length;
  const k = columns.length;
  const out = new Float32Array(n * k);
  if (matrix.kind === 'dense') {
    for (let i = 0; i < n; i++) for (let j = 0; j < k; j++) out[i * k + j] = matrix.data[rows[i] * matrix.cols + columns[j]];
    return { kind: 'dense', rows: n, cols: k, data: out };
  }
  const at = new Int32Array(matrix.cols).fill(-1);
  for (let j = 0; j < k; j++) at[columns[j]] = j;
  for (let i = 0; i < n; i++) {
    for (let p = matrix.indptr[rows[i]]; p < matrix.indptr[rows[i] + 1]; p++) {
      const j = at[matrix.indices[p]];
      if (j >= 0) out[i * k + j] = matrix.data[p];
    }
  }
  return { kind: 'dense', rows: n, cols: k, data: out };
}
