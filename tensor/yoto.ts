import type { Scalar, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import { TrainingError } from '../core/errors.ts';
import type { Matrix } from '../data/matrix.ts';
import { mostProbable } from '../stats/metrics.ts';
import { Random } from '../stats/random.ts';
import type { Backend } from './backend.ts';
import { Batches, cut, geneScale } from './batches.ts';
import { Block, blockInit, dense, denseInit, maskedCrossEntropy, maskedSquaredError } from './layers.ts';
import { createOptimizer, type Optimizer } from './optimizer.ts';
import { topKGate } from './soft-top-k.ts';

/** One task; both tables are as long as the matrix has rows. */
export type YotoTask =
  | { readonly name: string; readonly kind: 'classification'; readonly codes: Int32Array; readonly classCount: number }
  | { readonly name: string; readonly kind: 'regression'; readonly values: Float32Array };

/** Hyperparameters; see the selector for their defaults. */
export interface YotoOptions {
  readonly k: number;
  readonly epochs: number;
  readonly batch: number;
  readonly learningRate: number;
  readonly scoreLearningRate: number;
  readonly hidden: readonly number[];
  readonly temperature: { readonly start: number; readonly end: number };
  readonly noise: number;
  readonly startGenes: number;
  readonly seed: number;
}

/** What is told after each epoch. */
export interface YotoEpoch {
  readonly epoch: number;
  readonly loss: number;
  readonly tau: number;
  readonly k: number;
  /** Validation accuracy (or minus the mean squared error) of each task; NaN without validation cells. */
  readonly validation: readonly number[];
}

/** The cells to learn from and to watch. */
export interface YotoCells {
  readonly matrix: Matrix;
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
  readonly test: Uint32Array;
}

/**
 * You Only Train Once (arXiv:2512.17678): a score per gene, a straight-through NeuralSort gate that keeps the k best, and one network with a
 * shared encoder and a head per task, trained together. Where the paper is silent the recipe is ours; see the selector.
 */
export class Yoto {
  readonly #backend: Backend;
  readonly #tasks: readonly YotoTask[];
  readonly #options: YotoOptions;
  readonly #cells: YotoCells;
  readonly #batches: Batches;
  readonly #optimizer: Optimizer;
  readonly #blocks: readonly Block[];
  readonly #random: Random;

  constructor(backend: Backend, cells: YotoCells, tasks: readonly YotoTask[], options: YotoOptions) {
    const { tf } = backend;
    this.#backend = backend;
    this.#tasks = tasks;
    this.#options = options;
    this.#cells = cells;
    const rows = new Uint32Array([...cells.train, ...cells.validation, ...cells.test]);
    this.#batches = new Batches(tf, cells.matrix, { rows, form: { kind: 'scaled', scale: geneScale(cells.matrix, cells.train) } });
    const random = Random.of(options.seed, 'yoto', 'init');
    const widths = [cells.matrix.cols, ...options.hidden];
    const initial: Tensor[] = [tf.tensor1d(Float32Array.from({ length: widths[0] }, () => 0.01 * random.normal()))];
    for (let l = 1; l < widths.length; l++) {
      initial.push(...blockInit(tf, random, [widths[l - 1], widths[l]]));
    }
    for (const task of tasks) initial.push(...denseInit(tf, random, [widths.at(-1)!, outputsOf(task)]));
    const rates = initial.map((_, i) => (i === 0 ? options.scoreLearningRate : options.learningRate));
    this.#optimizer = createOptimizer(backend, initial, { rule: { kind: 'adam' }, rates });
    this.#blocks = options.hidden.map((width) => new Block(tf, width));
    this.#random = Random.of(options.seed, 'yoto', 'train');
  }

  /** Trains for all epochs; `onEpoch` is awaited after each, `onBatch` after each batch, so that they may report or throw to stop. */
  async train(onEpoch: (said: YotoEpoch) => void | Promise<void>, onBatch: () => Promise<void>): Promise<void> {
    const { epochs, batch, temperature } = this.#options;
    const { train } = this.#cells;
    const perEpoch = cut(train, batch).length;
    for (let epoch = 0; epoch < epochs; epoch++) {
      const k = this.#genesAt(epoch);
      const order = Uint32Array.from(this.#random.permutation(train.length), (at) => train[at]);
      let tau = temperature.start;
      let loss = 0;
      const batches = cut(order, batch);
      for (let b = 0; b < batches.length; b++) {
        const done = (epoch * perEpoch + b) / Math.max(1, epochs * perEpoch - 1);
        tau = temperature.start * (temperature.end / temperature.start) ** done;
        loss += this.#step(batches[b], k, tau) / batches.length;
        await onBatch();
      }
      if (!Number.isFinite(loss)) {
        throw new TrainingError('The loss is no longer a number', {
          context: { epoch: epoch + 1, loss: String(loss) },
          mend: 'Lower learning_rate and score_learning_rate, and check the scale of X.',
        });
      }
      await onEpoch({ epoch: epoch + 1, loss, tau, k, validation: this.#validate(k) });
    }
  }

  /** The scores of all genes, as trained. */
  scores(): Float32Array {
    const parameters = this.#optimizer.read();
    const scores = (parameters[0].dataSync() as Float32Array).slice();
    this.#backend.tf.dispose(parameters);
    return scores;
  }

  /** Outputs of every head for some cells, with the hard mask of the k best genes: class probabilities, or values. Row-major. */
  predict(rows: Uint32Array, k = this.#options.k): Float32Array[] {
    const { tf } = this.#backend;
    const out = this.#tasks.map((task) => new Float32Array(rows.length * outputsOf(task)));
    const parameters = this.#optimizer.read();
    for (let at = 0; at < rows.length; at += 512) {
      const part = rows.subarray(at, at + 512);
      tf.tidy(() => {
        const gate = topKGate(tf, parameters[0] as Tensor1D, { k, tau: 1 });
        const heads = this.#forward(parameters, this.#batches.take(part).mul(gate), false);
        heads.forEach((head, t) => {
          const values = this.#tasks[t].kind === 'classification' ? tf.softmax(head) : head;
          out[t].set(values.dataSync() as Float32Array, at * outputsOf(this.#tasks[t]));
        });
      });
    }
    tf.dispose(parameters);
    return out;
  }

  dispose(): void {
    this.#optimizer.dispose();
    this.#batches.dispose();
  }

  /** From startGenes * k down to k over the first half of the epochs, exponentially. */
  #genesAt(epoch: number): number {
    const { k, startGenes, epochs } = this.#options;
    const first = Math.min(this.#cells.matrix.cols, Math.max(k, Math.round(startGenes * k)));
    return Math.round(first * (k / first) ** Math.min(1, epoch / Math.max(1, epochs / 2)));
  }

  #step(rows: Uint32Array, k: number, tau: number): number {
    const { tf } = this.#backend;
    const { noise, temperature } = this.#options;
    const amount = (noise * tau) / temperature.start;
    const shake = Float32Array.from({ length: this.#cells.matrix.cols }, () => (amount > 0 ? amount * this.#random.gumbel() : 0));
    return tf.tidy(() => {
      const parameters = this.#optimizer.read();
      const x = this.#batches.take(rows);
      const perturbation = tf.tensor1d(shake);
      const { value, grads } = tf.valueAndGrads((...p: Tensor[]) => {
        const gate = topKGate(tf, (p[0] as Tensor1D).add(perturbation), { k, tau });
        return this.#loss(this.#forward(p, x.mul(gate), true), rows);
      })(parameters);
      tf.dispose(parameters);
      this.#optimizer.apply(grads);
      return value.dataSync()[0];
    });
  }

  #forward(parameters: readonly Tensor[], input: Tensor2D, isTraining: boolean): Tensor2D[] {
    const { tf } = this.#backend;
    let x = input;
    let at = 1;
    for (const block of this.#blocks) {
      const own = parameters.slice(at, at + 3);
      x = isTraining ? block.train(x, own, { slope: 0 }) : block.infer(x, own, { slope: 0 });
      at += 3;
    }
    return this.#tasks.map((_, t) => dense(tf, x, parameters.slice(at + 2 * t, at + 2 * t + 2)));
  }

  /** The mean over tasks of each task's loss over its labelled cells of the batch; tasks without any are skipped. */
  #loss(heads: readonly Tensor2D[], rows: Uint32Array): Scalar {
    const { tf } = this.#backend;
    const losses = this.#tasks.flatMap((task, t) => {
      const loss =
        task.kind === 'classification'
          ? maskedCrossEntropy(
              tf,
              heads[t],
              Int32Array.from(rows, (i) => task.codes[i]),
            )
          : maskedSquaredError(
              tf,
              heads[t],
              Float32Array.from(rows, (i) => task.values[i]),
            );
      return loss ? [loss] : [];
    });
    if (losses.length === 0) return heads[0].sum().mul<Scalar>(0);
    return losses.reduce((sum, loss) => sum.add(loss)).div<Scalar>(losses.length);
  }

  #validate(k: number): number[] {
    const rows = this.#cells.validation;
    if (rows.length === 0) return this.#tasks.map(() => Number.NaN);
    return this.predict(rows, k).map((outputs, t) => {
      const task = this.#tasks[t];
      let [sum, known] = [0, 0];
      const classes = task.kind === 'classification' ? mostProbable(outputs, task.classCount) : undefined;
      rows.forEach((row, i) => {
        const gain = task.kind === 'classification' ? Number(classes![i] === task.codes[row]) : -((outputs[i] - task.values[row]) ** 2);
        if (task.kind === 'classification' ? task.codes[row] < 0 : Number.isNaN(gain)) return;
        sum += gain;
        known++;
      });
      return sum / known;
    });
  }
}

const outputsOf = (task: YotoTask): number => (task.kind === 'classification' ? task.classCount : 1);
