import type { Tensor2D } from '@tensorflow/tfjs';
import type { Matrix } from '../data/matrix.ts';
import type { Tf } from './backend.ts';

/** Below this many bytes the cells are kept dense: on the device where batches have all genes, else on the host. */
const RESIDENT_BYTES = 512 * 2 ** 20;

/** Mean and standard deviation of each gene. */
export interface GeneScale {
  readonly mean: Float64Array;
  readonly sd: Float64Array;
}

/** How a network sees the values: z-scores (clipped at +-clip), 0 or 1 for "expressed", or as they are. */
export type Form =
  | { readonly kind: 'scaled'; readonly scale: GeneScale; readonly clip?: number }
  | { readonly kind: 'binary' }
  | { readonly kind: 'plain' };

/** Mean and standard deviation (ddof 1; 0 becomes 1) of each gene over some cells, in float64. */
export function geneScale(matrix: Matrix, rows: Uint32Array): GeneScale {
  const { cols } = matrix;
  const mean = new Float64Array(cols);
  const square = new Float64Array(cols);
  const stored = new Uint32Array(cols);
  visitRows(matrix, rows, (_, j, x) => {
    mean[j] += x;
    stored[j]++;
  });
  for (let j = 0; j < cols; j++) mean[j] /= rows.length;
  visitRows(matrix, rows, (_, j, x) => {
    square[j] += (x - mean[j]) ** 2;
  });
  const sd = square.map((s, j) => Math.sqrt((s + (rows.length - stored[j]) * mean[j] ** 2) / Math.max(1, rows.length - 1)) || 1);
  return { mean, sd };
}

function visitRows(matrix: Matrix, rows: Uint32Array, visit: (at: number, gene: number, value: number) => void): void {
  const { cols, data } = matrix;
  for (let at = 0; at < rows.length; at++) {
    const i = rows[at];
    if (matrix.kind === 'dense') for (let j = 0; j < cols; j++) visit(at, j, data[i * cols + j]);
    else for (let p = matrix.indptr[i]; p < matrix.indptr[i + 1]; p++) visit(at, matrix.indices[p], data[p]);
  }
}

/** The value of one entry as the network sees it. */
function valueOf(form: Form): (x: number, gene: number) => number {
  if (form.kind === 'plain') return (x) => x;
  if (form.kind === 'binary') return (x) => (x > 0 ? 1 : 0);
  const { mean, sd } = form.scale;
  const clip = form.clip ?? Infinity;
  return (x, j) => Math.max(-clip, Math.min(clip, (x - mean[j]) / sd[j]));
}

/** Dense blocks of a matrix, some cells x some genes, as a network sees them; a large matrix stays sparse. */
export class GeneBlocks {
  /** The values as the network sees them; for a sparse matrix, those that it stores. */
  readonly #matrix: Matrix;
  /** What an unstored value becomes. */
  readonly #zero: Float32Array;
  /** Column of each gene in the block being made, from 1; 0 when it has none. */
  readonly #column: Int32Array;

  constructor(matrix: Matrix, form: Form, denseBytes = RESIDENT_BYTES) {
    const value = valueOf(form);
    const { data, rows, cols } = matrix;
    this.#zero = Float32Array.from({ length: cols }, (_, j) => value(0, j));
    this.#column = new Int32Array(cols);
    if (matrix.kind === 'dense') {
      this.#matrix = form.kind === 'plain' ? matrix : { ...matrix, data: data.map((x, p) => value(x, p % cols)) };
      return;
    }
    const { indptr, indices } = matrix;
    const isDense = rows * cols * 4 <= denseBytes;
    const seen = new Float32Array(isDense ? rows * cols : data.length);
    for (let i = 0; i < rows; i++) {
      if (isDense) seen.set(this.#zero, i * cols);
      for (let p = indptr[i]; p < indptr[i + 1]; p++) seen[isDense ? i * cols + indices[p] : p] = value(data[p], indices[p]);
    }
    this.#matrix = isDense ? { kind: 'dense', rows, cols, data: seen } : { ...matrix, data: seen };
  }

  /** The values, rows x genes, row-major, as numbers of the network's form. */
  take(rows: Uint32Array, genes: Uint32Array): Float32Array {
    const matrix = this.#matrix;
    const { data } = matrix;
    const column = this.#column;
    const width = genes.length;
    const out = new Float32Array(rows.length * width);
    if (matrix.kind === 'dense') {
      for (let at = 0; at < rows.length; at++) {
        const from = rows[at] * matrix.cols;
        for (let c = 0; c < width; c++) out[at * width + c] = data[from + genes[c]];
      }
      return out;
    }
    const { indptr, indices } = matrix;
    const zero = Float32Array.from(genes, (gene) => this.#zero[gene]);
    for (let c = 0; c < width; c++) column[genes[c]] = c + 1;
    for (let at = 0; at < rows.length; at++) {
      const base = at * width - 1;
      const end = indptr[rows[at] + 1];
      out.set(zero, at * width);
      for (let p = indptr[rows[at]]; p < end; p++) {
        const to = column[indices[p]];
        if (to > 0) out[base + to] = data[p];
      }
    }
    for (let c = 0; c < width; c++) column[genes[c]] = 0;
    return out;
  }
}

/** Cells of a matrix as dense batches; the matrix itself stays sparse unless its dense form is small. */
export class Batches {
  /** Genes of a batch. */
  readonly width: number;
  readonly #tf: Tf;
  readonly #genes: Uint32Array;
  readonly #blocks: GeneBlocks;
  readonly #slot = new Map<number, number>();
  readonly #resident: Tensor2D | undefined;

  /** `rows` are all cells that will ever be asked for; `genes` the columns of a batch (default: all, in order). */
  constructor(tf: Tf, matrix: Matrix, { rows, form, genes }: { rows: Uint32Array; form: Form; genes?: Uint32Array }) {
    this.#tf = tf;
    this.#genes = genes ?? Uint32Array.from({ length: matrix.cols }, (_, j) => j);
    this.#blocks = new GeneBlocks(matrix, form, 0);
    this.width = this.#genes.length;
    if (rows.length * this.width * 4 > RESIDENT_BYTES) return;
    rows.forEach((row, at) => this.#slot.set(row, at));
    this.#resident = this.#block(rows);
  }

  /** The rows as the network sees them, cells x genes; the caller disposes it. */
  take(rows: Uint32Array): Tensor2D {
    if (!this.#resident) return this.#block(rows);
    const at = Int32Array.from(rows, (row) => this.#slot.get(row)!);
    return this.#tf.tidy(() => this.#tf.gather(this.#resident!, this.#tf.tensor1d(at, 'int32')));
  }

  #block(rows: Uint32Array): Tensor2D {
    return this.#tf.tensor2d(this.#blocks.take(rows, this.#genes), [rows.length, this.width]);
  }

  dispose(): void {
    this.#resident?.dispose();
  }
}

/**
 * Row numbers of one epoch cut into batches; a last batch of one row, which batch norm cannot take, joins the one before it. `dropLast` leaves
 * out a last batch that is not full (when there is a full one).
 */
export function cut(order: Uint32Array, size: number, { dropLast = false }: { readonly dropLast?: boolean } = {}): Uint32Array[] {
  const batches: Uint32Array[] = [];
  for (let at = 0; at < order.length;) {
    const end = order.length - at - size === 1 ? order.length : Math.min(order.length, at + size);
    batches.push(order.subarray(at, end));
    at = end;
  }
  return dropLast && batches.length > 1 && batches.at(-1)!.length < size ? batches.slice(0, -1) : batches;
}
