import type { CscMatrix } from '../data/matrix.ts';
import { ColumnSorter } from './column-sorter.ts';

/** Cells x features as codes: the rank of each value among the distinct values of its column, so that splits are exact. */
export interface CodedColumns {
  readonly rows: number;
  readonly features: number;
  /** Column-major; 32-bit codes where some column has more than 65,535 distinct values. */
  readonly codes: Uint16Array | Uint32Array;
  /** The same codes row-major: small nodes look at the same few samples, feature after feature. */
  readonly byRow?: Uint16Array | Uint32Array | undefined;
  /** Distinct values of each feature, rising. */
  readonly values: readonly Float32Array[];
}

/** Codes a row-major float32 block, rows x features. */
export function codeColumns(block: Float32Array, rows: number, features: number): CodedColumns {
  const values: Float32Array[] = [];
  const column = new Float32Array(rows);
  let most = 0;
  for (let f = 0; f < features; f++) {
    for (let i = 0; i < rows; i++) column[i] = block[i * features + f];
    values.push(distinct(column));
    most = Math.max(most, values[f].length);
  }
  const codes = most > 65_535 ? new Uint32Array(rows * features) : new Uint16Array(rows * features);
  for (let f = 0; f < features; f++) {
    const known = values[f];
    for (let i = 0; i < rows; i++) codes[f * rows + i] = indexOf(known, block[i * features + f]);
  }
  return { rows, features, codes, values };
}

/**
 * Codes a sparse matrix, cells x genes, each gene a feature, by columns and by rows: 4 bytes a value (8 where there may be more than 65,535
 * distinct ones), in memory that threads share.
 */
export function codeSparseColumns(matrix: CscMatrix): CodedColumns {
  const { rows, cols } = matrix;
  const width = rows > 65_535 ? 4 : 2;
  const memory = new SharedArrayBuffer(width * rows * cols);
  const codes = width === 4 ? new Uint32Array(memory) : new Uint16Array(memory);
  const values: Float32Array[] = [];
  const sorter = new ColumnSorter(rows);
  const known = new Float32Array(rows + 1);
  for (let f = 0; f < cols; f++) {
    const m = sorter.sort(matrix, f);
    const { keys, cells, below } = sorter;
    const offset = f * rows;
    const hasZeros = m < rows;
    let negative = 0;
    for (let i = 0; i < below; i++) negative += Number(i === 0 || keys[i] !== keys[i - 1]);
    if (hasZeros && negative > 0) codes.fill(negative, offset, offset + rows);
    let code = -1;
    for (let i = 0; i < m; i++) {
      if (i === below && hasZeros) known[++code] = 0;
      if (i === 0 || i === below || keys[i] !== keys[i - 1]) known[++code] = sorter.valueAt(i);
      codes[offset + cells[i]] = code;
    }
    if (below === m && hasZeros) known[++code] = 0;
    const own = new Float32Array(new SharedArrayBuffer(4 * (code + 1)));
    own.set(known.subarray(0, code + 1));
    values.push(own);
  }
  return { rows, features: cols, codes, values, ...(codes.byteLength > LARGE ? { byRow: transposed(codes, rows, cols) } : {}) };
}

/** Bytes of codes from which a second copy pays: below, a processor's caches hold enough of them. */
const LARGE = 64 * 2 ** 20;

function transposed(codes: Uint16Array | Uint32Array, rows: number, features: number): Uint16Array | Uint32Array {
  const memory = new SharedArrayBuffer(codes.byteLength);
  const out = codes instanceof Uint16Array ? new Uint16Array(memory) : new Uint32Array(memory);
  const block = 64;
  for (let top = 0; top < rows; top += block) {
    const bottom = Math.min(rows, top + block);
    for (let f = 0; f < features; f++) for (let i = top; i < bottom; i++) out[i * features + f] = codes[f * rows + i];
  }
  return out;
}

function distinct(column: Float32Array): Float32Array {
  const sorted = column.slice().sort();
  let count = 0;
  for (let i = 0; i < sorted.length; i++) if (i === 0 || sorted[i] !== sorted[i - 1]) sorted[count++] = sorted[i];
  return sorted.slice(0, count);
}

function indexOf(known: Float32Array, value: number): number {
  let low = 0;
  let high = known.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (known[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
