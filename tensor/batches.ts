import type { Tensor2D } from '@tensorflow/tfjs';
import type { Matrix } from '../data/matrix.ts';
import type { Tf } from './backend.ts';

/** Below this many bytes the z-scored cells stay on the device and batches are gathered there. */
const RESIDENT_BYTES = 512 * 2 ** 20;

/** Mean and standard deviation (ddof 1; 0 becomes 1) of each gene over some cells, in float64. */
export function geneScale(matrix: Matrix, rows: Uint32Array): { mean: Float64Array; sd: Float64Array } {
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

/** Cells of a matrix as z-scored dense batches; the matrix itself stays sparse unless its dense form is small. */
export class Batches {
  readonly #tf: Tf;
  readonly #matrix: Matrix;
  readonly #mean: Float64Array;
  readonly #sd: Float64Array;
  readonly #zero: Float32Array;
  readonly #slot = new Map<number, number>();
  readonly #resident: Tensor2D | undefined;

  /** `scale` comes from `geneScale` over the train cells; `rows` are all cells that will ever be asked for. */
  constructor(tf: Tf, matrix: Matrix, { rows, scale }: { rows: Uint32Array; scale: { mean: Float64Array; sd: Float64Array } }) {
    this.#tf = tf;
    this.#matrix = matrix;
    this.#mean = scale.mean;
    this.#sd = scale.sd;
    this.#zero = Float32Array.from(scale.mean, (m, j) => -m / scale.sd[j]);
    if (rows.length * matrix.cols * 4 > RESIDENT_BYTES) return;
    rows.forEach((row, at) => this.#slot.set(row, at));
    this.#resident = tf.tensor2d(this.#dense(rows), [rows.length, matrix.cols]);
  }

  /** The z-scored rows, cells x genes; the caller disposes it. */
  take(rows: Uint32Array): Tensor2D {
    if (!this.#resident) return this.#tf.tensor2d(this.#dense(rows), [rows.length, this.#matrix.cols]);
    const at = Int32Array.from(rows, (row) => this.#slot.get(row)!);
    return this.#tf.tidy(() => this.#tf.gather(this.#resident!, this.#tf.tensor1d(at, 'int32')));
  }

  dispose(): void {
    this.#resident?.dispose();
  }

  #dense(rows: Uint32Array): Float32Array {
    const { cols } = this.#matrix;
    const out = new Float32Array(rows.length * cols);
    for (let at = 0; at < rows.length; at++) out.set(this.#zero, at * cols);
    visitRows(this.#matrix, rows, (at, j, x) => {
      out[at * cols + j] = (x - this.#mean[j]) / this.#sd[j];
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
