import type { Scalar, Tensor, Tensor2D } from '@tensorflow/tfjs';
import type { Matrix } from '../data/matrix.ts';
import type { Random } from '../stats/random.ts';
import type { Backend } from './backend.ts';
import { type Form, GeneBlocks } from './batches.ts';
import { dense, denseInit, maskedCrossEntropy, withGradient } from './layers.ts';
import { createOptimizer, type Optimizer, type OptimizerState } from './optimizer.ts';

/** The cells, with classes 0 .. classCount - 1 (-1: no label). */
export interface SkipCells {
  readonly matrix: Matrix;
  readonly form: Form;
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
  readonly codes: Int32Array;
  readonly classCount: number;
}

/**
 * logits = x W + relu(x U + b) V + c over all cells at once. The weights of the genes, [W | U], come from outside (genes x (classes + hidden));
 * b, V and c live here.
 */
export class SkipNet {
  readonly #backend: Backend;
  readonly #cells: SkipCells;
  readonly #hidden: number;
  readonly #rate: number;
  readonly #blocks: GeneBlocks;
  #rest: Optimizer;
  #genes: Uint32Array;
  #x: { readonly train: Tensor2D; readonly validation: Tensor2D | undefined } | undefined;

  constructor(backend: Backend, cells: SkipCells, { hidden, rate, random }: { hidden: number; rate: number; random: Random }) {
    const { tf } = backend;
    this.#backend = backend;
    this.#cells = cells;
    this.#hidden = hidden;
    this.#rate = rate;
    this.#blocks = new GeneBlocks(cells.matrix, cells.form);
    this.#genes = Uint32Array.from({ length: cells.matrix.cols }, (_, j) => j);
    const bound = 1 / Math.sqrt(cells.matrix.cols);
    const bias = tf.tensor1d(Float32Array.from({ length: hidden }, () => bound * (2 * random.uniform() - 1)));
    this.#rest = createOptimizer(backend, [bias, ...denseInit(tf, random, [hidden, cells.classCount])], {
      rule: { kind: 'adam' },
      rates: rate,
    });
  }

  /** The genes that the rows of the weights belong to. */
  see(genes: Uint32Array): void {
    this.#letGo();
    this.#genes = genes;
  }

  /** From now on the inner weights move by gradient descent with momentum 0.9. */
  descend(): void {
    const { tf } = this.#backend;
    const { classCount } = this.#cells;
    const values = [0, 1, 2].map((at) => this.#rest.values(at));
    this.#rest.dispose();
    const shapes = [tf.zeros([this.#hidden]), tf.zeros([this.#hidden, classCount]), tf.zeros([classCount])];
    this.#rest = createOptimizer(this.#backend, shapes, { rule: { kind: 'sgd', momentum: 0.9 }, rates: this.#rate });
    values.forEach((value, at) => this.#rest.assign(at, value));
  }

  /** One step of the inner weights; gives the loss before it and the gradient of the genes' weights. */
  step(first: Float32Array): { readonly loss: number; readonly gradient: Float32Array } {
    const { tf } = this.#backend;
    const { train: x } = this.#resident();
    const codes = this.#codes(this.#cells.train);
    let said = { loss: 0, gradient: first };
    tf.tidy(() => {
      const parameters = this.#rest.read();
      const { value, grads } = tf.valueAndGrads((...p: Tensor[]) => maskedCrossEntropy(tf, this.#forward(x, p), codes) as Scalar)([
        this.#tensor(first),
        ...parameters,
      ]);
      tf.dispose(parameters);
      this.#rest.apply(grads.slice(1));
      said = { loss: value.dataSync()[0], gradient: grads[0].dataSync() as Float32Array };
    });
    return said;
  }

  /** Loss on the validation cells; undefined when there are none. */
  validationLoss(first: Float32Array): number | undefined {
    const { tf } = this.#backend;
    const { validation: x } = this.#resident();
    if (!x) return undefined;
    const codes = this.#codes(this.#cells.validation);
    let loss = 0;
    tf.tidy(() => {
      const logits = this.#forward(x, [this.#tensor(first), ...this.#rest.read()]);
      loss = maskedCrossEntropy(tf, logits, codes)!.dataSync()[0];
    });
    return loss;
  }

  /** b, V (hidden x classes) and c. */
  inner(): [Float32Array, Float32Array, Float32Array] {
    return [this.#rest.values(0), this.#rest.values(1), this.#rest.values(2)];
  }

  #codes(rows: Uint32Array): Int32Array {
    return Int32Array.from(rows, (i) => this.#cells.codes[i]);
  }

  #tensor(first: Float32Array): Tensor2D {
    return this.#backend.tf.tensor2d(first, [this.#genes.length, this.#cells.classCount + this.#hidden]);
  }

  #forward(x: Tensor2D, [weights, bias, second, out]: readonly Tensor[]): Tensor2D {
    const { tf } = this.#backend;
    const { classCount } = this.#cells;
    const cells = x.shape[0];
    const linear = withGradient(tf, [weights], () => ({
      value: tf.matMul(x, weights),
      keep: [],
      back: (dy) => [tf.matMul(x, dy, true)],
    })) as Tensor2D;
    const skip = tf.slice2d(linear, [0, 0], [cells, classCount]);
    const inner = tf.slice2d(linear, [0, classCount], [cells, this.#hidden]).add<Tensor2D>(bias);
    return skip.add(dense(tf, inner.relu<Tensor2D>(), [second, out]));
  }

  #resident(): { readonly train: Tensor2D; readonly validation: Tensor2D | undefined } {
    const { tf } = this.#backend;
    const { train, validation } = this.#cells;
    const block = (rows: Uint32Array): Tensor2D =>
      tf.keep(tf.tensor2d(this.#blocks.take(rows, this.#genes), [rows.length, this.#genes.length]));
    this.#x ??= { train: block(train), validation: validation.length > 0 ? block(validation) : undefined };
    return this.#x;
  }

  #letGo(): void {
    this.#x?.train.dispose();
    this.#x?.validation?.dispose();
    this.#x = undefined;
  }

  state(): OptimizerState {
    return this.#rest.state();
  }

  restore(state: OptimizerState): void {
    this.#rest.restore(state);
  }

  dispose(): void {
    this.#letGo();
    this.#rest.dispose();
  }
}
