import { DataError, ResourceError } from '../core/errors.ts';
import type { Frame, Scale } from './dataset.ts';
import type { CsrMatrix, Matrix } from './matrix.ts';
import { machineMemory } from './memory.ts';
import { BLOCK_VALUES, type MatrixSource, type RowBlock } from './source.ts';

/** Beside this many values a dense file is walked twice, so that a sparse result can be laid out without growing. */
const WALK_TWICE = 67_108_864;
/** Sparse files up to this many entries are read as one block, which becomes the result without a copy. */
const IN_ONE_PIECE = 4 * BLOCK_VALUES;
/** Fewer stored values than this say too little to call a matrix of ones binary. */
const ENOUGH_FOR_BINARY = 1000;
/** Logarithms of counts stay below this (ln and log2 of 1e6 are 14 and 20); larger fractional values are not logs. */
const LARGEST_LOG = 30;

/** Watches values pass by: refuses NaN and infinities by cell and gene, and finds out what kind of values they are. */
export class ValueWatch {
  #negative = false;
  #fractional = false;
  #max = 0;
  #nonZero = 0;

  readonly file: string;
  readonly obs: Frame;
  readonly genes: Frame;

  constructor(file: string, obs: Frame, genes: Frame) {
    this.file = file;
    this.obs = obs;
    this.genes = genes;
  }

  /** Forgets what passed by, for a second walk. */
  reset(): void {
    this.#negative = false;
    this.#fractional = false;
    this.#max = 0;
    this.#nonZero = 0;
  }

  see({ first, matrix }: RowBlock): void {
    const { data } = matrix;
    let [nonZero, max, negative, fractional] = [0, this.#max, this.#negative, this.#fractional];
    for (let p = 0; p < data.length; p++) {
      const x = data[p];
      if (x === 0) continue;
      nonZero++;
      if (x > max) max = x;
      if ((x | 0) !== x && Math.floor(x) !== x) {
        if (Number.isNaN(x)) this.#refuse(first, matrix, p);
        fractional = true;
      }
      if (x < 0) negative = true;
      if (x === Number.POSITIVE_INFINITY || x === Number.NEGATIVE_INFINITY) this.#refuse(first, matrix, p);
    }
    this.#nonZero += nonZero;
    [this.#max, this.#negative, this.#fractional] = [max, negative, fractional];
  }

  #refuse(first: number, matrix: Matrix, p: number): never {
    const x = matrix.data[p];
    let row = Math.floor(p / matrix.cols);
    let gene = p % matrix.cols;
    if (matrix.kind === 'csr') {
      row = 0;
      while (matrix.indptr[row + 1] <= p) row++;
      gene = matrix.indices[p];
    }
    throw new DataError(`The matrix holds ${Number.isNaN(x) ? 'NaN (a missing value)' : 'an infinite value'}`, {
      context: { file: this.file, cell: this.obs.index[first + row], gene: this.genes.index[gene], value: String(x) },
      mend: 'Remove or fill such values before, or read another matrix of the file with `layer` (raw, or a layer name).',
    });
  }

  get nonZero(): number {
    return this.#nonZero;
  }

  /** Negatives: scaled. Whole numbers: counts (binary when only 0 and 1, and enough of them). Fractions up to 30: log; beyond: unknown. */
  get scale(): Scale {
    if (this.#negative) return 'scaled';
    if (this.#fractional) return this.#max > LARGEST_LOG ? 'unknown' : 'log';
    return this.#max <= 1 && this.#nonZero >= ENOUGH_FOR_BINARY ? 'binary' : 'counts';
  }
}

/** Refuses a matrix that this machine (or what a container leaves of it) cannot hold, before memory is asked for. */
function checkRoom(bytes: number, file: string): void {
  const room = machineMemory();
  if (bytes > room)
    throw new ResourceError('The matrix does not fit into the memory of this machine', {
      context: { file, needs_gb: Math.ceil(bytes / 2 ** 30), has_gb: Math.floor(room / 2 ** 30) },
      mend: 'Take fewer cells, or run it on a worker with more memory.',
      retryable: false,
    });
}

/** Called between blocks with the share done, so that a long read can report and be cancelled. */
export type Pause = (fraction: number) => Promise<void> | void;

/** The whole matrix in memory: CSR for sparse files and for dense ones with less than half non-zero, else dense. Peak memory is the result and one block. */
export async function gather(source: MatrixSource, watch: ValueWatch, pause?: Pause): Promise<Matrix> {
  const { rows, cols } = source;
  const whole = source.columnMajor || (source.entries ?? Number.POSITIVE_INFINITY) <= IN_ONE_PIECE;
  const limit = whole ? Number.POSITIVE_INFINITY : BLOCK_VALUES;
  let entries = source.entries;
  if (entries === undefined && rows * cols > WALK_TWICE) entries = await countNonZero(source);
  if (source.entries === undefined && entries !== undefined && entries >= 0.5 * rows * cols) return gatherDense(source, watch, pause);
  checkRoom(8 * (entries ?? 0) + 4 * rows, watch.file);
  const sheet = new Sheet(rows, cols, entries);
  for await (const block of source.blocks(limit)) {
    watch.see(block);
    if (block.matrix.kind === 'csr' && block.matrix.rows === rows) return block.matrix;
    if (source.entries === undefined && entries === undefined && block.first === 0 && density(block.matrix) >= 0.5)
      return gatherDense(source, watch, pause);
    sheet.append(block);
    await pause?.((block.first + block.matrix.rows) / rows);
  }
  const sparse = sheet.finish();
  if (source.entries !== undefined || sparse.data.length < 0.5 * rows * cols) return sparse;
  const data = new Float32Array(rows * cols);
  writeDense(data, { first: 0, matrix: sparse }, cols);
  return { kind: 'dense', rows, cols, data };
}

async function gatherDense(source: MatrixSource, watch: ValueWatch, pause?: Pause): Promise<Matrix> {
  const { rows, cols } = source;
  checkRoom(4 * rows * cols, watch.file);
  watch.reset();
  const data = new Float32Array(rows * cols);
  for await (const block of source.blocks()) {
    watch.see(block);
    writeDense(data, block, cols);
    await pause?.((block.first + block.matrix.rows) / rows);
  }
  return { kind: 'dense', rows, cols, data };
}

function writeDense(into: Float32Array, { first, matrix }: RowBlock, cols: number): void {
  if (matrix.kind === 'dense') {
    into.set(matrix.data, first * cols);
    return;
  }
  for (let i = 0; i < matrix.rows; i++) {
    for (let p = matrix.indptr[i]; p < matrix.indptr[i + 1]; p++) into[(first + i) * cols + matrix.indices[p]] = matrix.data[p];
  }
}

function density(m: Matrix): number {
  if (m.kind === 'csr') return 0;
  let n = 0;
  for (let p = 0; p < m.data.length; p++) if (m.data[p] !== 0) n++;
  return m.data.length === 0 ? 0 : n / m.data.length;
}

async function countNonZero(source: MatrixSource): Promise<number> {
  let n = 0;
  for await (const { matrix } of source.blocks()) for (let p = 0; p < matrix.data.length; p++) if (matrix.data[p] !== 0) n++;
  return n;
}

/** A CSR matrix in the making; grows only when the number of entries was not known. */
class Sheet {
  #indptr: Uint32Array;
  #indices: Uint32Array;
  #data: Float32Array;
  #used = 0;

  readonly rows: number;
  readonly cols: number;

  constructor(rows: number, cols: number, entries = 0) {
    this.rows = rows;
    this.cols = cols;
    if (entries > 0xffffffff) {
      throw new DataError('The matrix has more than 4,294,967,295 stored values, more than one in-memory matrix can hold', {
        context: { entries },
      });
    }
    this.#indptr = new Uint32Array(rows + 1);
    this.#indices = new Uint32Array(entries);
    this.#data = new Float32Array(entries);
  }

  append({ first, matrix }: RowBlock): void {
    if (matrix.kind === 'csr') {
      this.#room(matrix.data.length);
      this.#indices.set(matrix.indices, this.#used);
      this.#data.set(matrix.data, this.#used);
      for (let i = 0; i < matrix.rows; i++) this.#indptr[first + i + 1] = this.#used + matrix.indptr[i + 1];
      this.#used += matrix.data.length;
      return;
    }
    const { cols, data } = matrix;
    for (let i = 0, p = 0; i < matrix.rows; i++) {
      this.#room(cols);
      for (let j = 0; j < cols; j++, p++) {
        if (data[p] === 0) continue;
        this.#indices[this.#used] = j;
        this.#data[this.#used++] = data[p];
      }
      this.#indptr[first + i + 1] = this.#used;
    }
  }

  #room(more: number): void {
    const need = this.#used + more;
    if (need <= this.#data.length) return;
    const size = Math.max(need, Math.ceil(this.#data.length * 1.5));
    const indices = new Uint32Array(size);
    const data = new Float32Array(size);
    indices.set(this.#indices.subarray(0, this.#used));
    data.set(this.#data.subarray(0, this.#used));
    this.#indices = indices;
    this.#data = data;
  }

  finish(): CsrMatrix {
    const tight = this.#used === this.#data.length;
    return {
      kind: 'csr',
      rows: this.rows,
      cols: this.cols,
      indptr: this.#indptr,
      indices: tight ? this.#indices : this.#indices.slice(0, this.#used),
      data: tight ? this.#data : this.#data.slice(0, this.#used),
    };
  }
}
