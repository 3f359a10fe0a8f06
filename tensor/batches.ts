import type { Tensor2D } from '@tensorflow/tfjs';
import type { Matrix } from '../data/matrix.ts';
import type { Tf } from './backend.ts';

/** Below this many bytes the dense cells stay on the device and batches are gathered there. */
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

/** Cells of a matrix as dense batches; the matrix itself stays sparse unless its dense form is small. */
export class Batches {
  /** Genes of a batch. */
  readonly width: number;
  readonly #tf: Tf;
  readonly #matrix: Matrix;
  readonly #value: (x: number, gene: number) => number;
  /** Column of each gene in a batch; -1 when it has none. */
  readonly #column: Int32Array;
  readonly #zero: Float32Array;
  readonly #slot = new Map<number, number>();
  readonly #resident: Tensor2D | undefined;

  /** `rows` are all cells that will ever be asked for; `genes` the columns of a batch (default: all, in order). */
  constructor(tf: Tf, matrix: Matrix, { rows, form, genes }: { rows: Uint32Array; form: Form; genes?: Uint32Array }) {
    this.#tf = tf;
    this.#matrix = matrix;
    this.#value = valueOf(form);
    const columns = genes ?? Uint32Array.from({ length: matrix.cols }, (_, j) => j);
    this.width = columns.length;
    this.#column = new Int32Array(matrix.cols).fill(-1);
    columns.forEach((gene, at) => (this.#column[gene] = at));
    this.#zero = Float32Array.from(columns, (gene) => this.#value(0, gene));
    if (rows.length * this.width * 4 > RESIDENT_BYTES) return;
    rows.forEach((row, at) => this.#slot.set(row, at));
    this.#resident = tf.tensor2d(this.#dense(rows), [rows.length, this.width]);
  }

  /** The rows as the network sees them, cells x genes; the caller disposes it. */
  take(rows: Uint32Array): Tensor2D {
    if (!this.#resident) return this.#tf.tensor2d(this.#dense(rows), [rows.length, this.width]);
    const at = Int32Array.from(rows, (row) => this.#slot.get(row)!);
    return this.#tf.tidy(() => this.#tf.gather(this.#resident!, this.#tf.tensor1d(at, 'int32')));
  }

  dispose(): void {
    this.#resident?.dispose();
  }

  #dense(rows: Uint32Array): Float32Array {
    const out = new Float32Array(rows.length * this.width);
    for (let at = 0; at < rows.length; at++) out.set(this.#zero, at * this.width);
    visitRows(this.#matrix, rows, (at, j, x) => {
      const column = this.#column[j];
      if (column >= 0) out[at * this.width + column] = this.#value(x, j);
    });
    return out;
  }
}

/** Row numbers of one epoch cut into batches; a last batch of one row, which batch norm cannot take, joins the one before it. */
export function cut(order: Uint32Array, size: number): Uint32Array[] {
  const batches: Uint32Array[] = [];
  for (let at = 0; at < order.length;) {
    const end = order.length - at - size === 1 ? order.length : Math.min(order.length, at + size);
    batches.push(order.subarray(at, end));
    at = end;
  }
  return batches;
}
