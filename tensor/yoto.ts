import type { Scalar, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import type { Portable } from '../core/plugin.ts';
import type { Matrix } from '../data/matrix.ts';
import { orderDescending } from '../stats/ranks.ts';
import { Random } from '../stats/random.ts';
import type { Backend } from './backend.ts';
import { type Form, GeneBlocks } from './batches.ts';
import type { Model } from './fit.ts';
import { Block, dense, denseInit, maskedCrossEntropy, maskedSquaredError, withGradient } from './layers.ts';
import { foldBlock, inputOf, type Network, type NetworkHead, type NetworkLayer } from './network.ts';
import { createOptimizer, type Optimizer, type OptimizerState } from './optimizer.ts';
import { RowAdam, type RowAdamState } from './row-adam.ts';
import { SoftTopK } from './soft-top-k.ts';

/** One task; both tables are as long as the matrix has rows. Missing: code -1, NaN. Values are standardised; mean and sd lead back. */
export type YotoTask =
  | { readonly name: string; readonly kind: 'classification'; readonly codes: Int32Array; readonly classes: readonly string[] }
  | { readonly name: string; readonly kind: 'regression'; readonly values: Float32Array; readonly mean: number; readonly sd: number };

/** Hyperparameters; see the selector for their meaning and defaults. */
export interface YotoOptions {
  readonly k: number;
  readonly learningRate: number;
  readonly scoreLearningRate: number;
  readonly hidden: readonly number[];
  readonly batchNorm: boolean;
  readonly forward: 'hard' | 'soft';
  readonly temperature: { readonly start: number; readonly end: number };
  /** Share of the values that are hidden from the network at each step, so that no gene may lean on others; falls to 0 over the last quarter. */
  readonly dropout?: number;
  /** Whether the learning rates fall to 0 along a half cosine. */
  readonly isCosine?: boolean;
  /** Gumbel noise on the scores: its size, and whether it falls with the temperature. */
  readonly noise: number;
  readonly noiseFalls: boolean;
  /** Genes that the gate lets through at first. */
  readonly startGenes: number;
  /** Spread of the first scores. */
  readonly scoreSpread: number;
  /** Steps of the whole training; the number of genes reaches k half-way. */
  readonly steps: number;
  readonly seed: number;
}

type YotoState = {
  readonly step: number;
  readonly random: readonly number[];
  readonly scores: RowAdamState;
  readonly first: RowAdamState;
  readonly rest: OptimizerState;
  readonly blocks: readonly { readonly mean: Float32Array; readonly variance: Float32Array }[];
};

const outputsOf = (task: YotoTask): number => (task.kind === 'classification' ? task.classes.length : 1);

/**
 * You Only Train Once (arXiv:2512.17678): a score per gene, a straight-through NeuralSort gate that lets the k best through, and one network
 * with a shared encoder and a head per task, trained together. Only genes whose relaxed gate has weight are looked at: the k chosen ones go
 * forward, the band around them gets a gradient, and the first layer's other rows rest. Where the paper is silent the recipe is ours.
 */
export class Yoto implements Model {
  readonly #backend: Backend;
  readonly #tasks: readonly YotoTask[];
  readonly #options: YotoOptions;
  readonly #form: Form;
  readonly #blocksOfGenes: GeneBlocks;
  readonly #gate = new SoftTopK();
  readonly #all: Uint32Array;
  readonly #scores: RowAdam;
  readonly #first: RowAdam;
  readonly #rest: Optimizer;
  readonly #blocks: readonly Block[];
  readonly #random: Random;
  readonly #schedule: (step: number) => number;
  #step = 0;

  constructor(
    backend: Backend,
    { matrix, form }: { readonly matrix: Matrix; readonly form: Form },
    tasks: readonly YotoTask[],
    options: YotoOptions,
  ) {
    const { tf } = backend;
    const genes = matrix.cols;
    this.#backend = backend;
    this.#tasks = tasks;
    this.#options = options;
    this.#form = form;
    this.#blocksOfGenes = new GeneBlocks(matrix, form);
    this.#all = Uint32Array.from({ length: genes }, (_, j) => j);
    const random = Random.of(options.seed, 'yoto', 'init');
    const scores = Float32Array.from({ length: genes }, () => options.scoreSpread * random.normal());
    const schedule = options.isCosine
      ? (step: number): number => Math.max(1e-3, (1 + Math.cos((Math.PI * step) / options.steps)) / 2)
      : () => 1;
    this.#schedule = schedule;
    this.#scores = new RowAdam(scores, { width: 1, rate: options.scoreLearningRate, schedule });
    const { hidden } = options;
    const bound = 1 / Math.sqrt(genes);
    const first = Float32Array.from({ length: genes * hidden[0] }, () => bound * (2 * random.uniform() - 1));
    this.#first = new RowAdam(first, { width: hidden[0], rate: options.learningRate, schedule });
    const rest: Tensor[] = [];
    hidden.forEach((width, l) => {
      if (l > 0) rest.push(...denseInit(tf, random, [hidden[l - 1], width]).slice(0, options.batchNorm ? 1 : 2));
      else if (!options.batchNorm) rest.push(tf.zeros([width]));
      if (options.batchNorm) rest.push(tf.ones([width]), tf.zeros([width]));
    });
    for (const task of tasks) rest.push(...denseInit(tf, random, [hidden.at(-1)!, outputsOf(task)]));
    this.#rest = createOptimizer(backend, rest, { rule: { kind: 'adam' }, rates: options.learningRate });
    this.#blocks = options.batchNorm ? hidden.map((width) => new Block(tf, width)) : [];
    this.#random = Random.of(options.seed, 'yoto', 'train');
  }

  /** Number of genes that the gate lets through at a step: from startGenes down to k over the first half, exponentially. */
  get genesNow(): number {
    const { k, startGenes, steps } = this.#options;
    return Math.round(startGenes * (k / startGenes) ** Math.min(1, this.#step / Math.max(1, steps / 2)));
  }

  /** The gate's temperature: exponential from start to end over all steps. */
  get tau(): number {
    const { temperature, steps } = this.#options;
    return temperature.start * (temperature.end / temperature.start) ** Math.min(1, this.#step / Math.max(1, steps - 1));
  }

  step(rows: Uint32Array): number {
    const { tf } = this.#backend;
    const [k, tau] = [this.genesNow, this.tau];
    this.#gate.forward(this.#shaken(tau), k, tau);
    const active = this.#gate.order;
    const isHard = this.#options.forward === 'hard';
    const open = isHard ? active.subarray(0, k) : active;
    const width = this.#first.width;
    const values = this.#withHoles(this.#blocksOfGenes.take(rows, active));
    let [loss, own, mask]: [number, Float32Array, Float32Array] = [0, values, values];
    tf.tidy(() => {
      const parameters = this.#rest.read();
      const all = tf.tensor2d(values, [rows.length, active.length]);
      const weights = tf.tensor2d(this.#first.take(active), [active.length, width]);
      const gate = tf.tensor1d(isHard ? new Float32Array(k).fill(1) : Float32Array.from(this.#gate.weight));
      const x = isHard ? tf.slice2d(all, [0, 0], [rows.length, k]) : all.mul<Tensor2D>(gate);
      const given = [tf.slice2d(weights, [0, 0], [open.length, width]), tf.zeros([active.length]), ...parameters];
      const { value, grads } = tf.valueAndGrads((...p: Tensor[]) => {
        const linear = gated(tf, { x, all, weights, gate }, p[0] as Tensor2D, p[1] as Tensor1D);
        return this.#loss(this.#through(linear, p.slice(2)), rows);
      })(given);
      tf.dispose(parameters);
      this.#rest.apply(grads.slice(2), this.#schedule(this.#step + 1));
      loss = value.dataSync()[0];
      [own, mask] = [grads[0].dataSync() as Float32Array, grads[1].dataSync() as Float32Array];
    });
    this.#first.apply(open, own);
    this.#applyToScores(this.#gate.backward(mask));
    this.#step++;
    return loss;
  }

  /** The values with some of them hidden (0 is the mean of a z-score), the others scaled so that sums keep their spread. */
  #withHoles(values: Float32Array): Float32Array {
    const share = (this.#options.dropout ?? 0) * Math.min(1, 4 * (1 - this.#step / this.#options.steps));
    if (share <= 0) return values;
    const factor = 1 / Math.sqrt(1 - share);
    for (let i = 0; i < values.length; i++) values[i] = this.#random.uniform() < share ? 0 : factor * values[i];
    return values;
  }

  /** The scores, with the noise of this step. */
  #shaken(tau: number): Float32Array {
    const { noise, noiseFalls, temperature } = this.#options;
    const amount = noiseFalls ? (noise * tau) / temperature.start : noise;
    const values = this.#scores.take(this.#all);
    if (amount === 0) return values;
    const out = new Float32Array(values.length);
    for (let j = 0; j < out.length; j++) out[j] = values[j] + amount * this.#random.gumbel();
    return out;
  }

  #applyToScores(own: Float64Array): void {
    const gradient = new Float64Array(this.#all.length);
    const { order } = this.#gate;
    for (let r = 0; r < order.length; r++) gradient[order[r]] = own[r];
    this.#scores.apply(this.#all, gradient);
  }

  /** From the first layer's sums to the outputs of each head. */
  #through(linear: Tensor2D, parameters: readonly Tensor[]): Tensor2D[] {
    const { tf } = this.#backend;
    const { hidden, batchNorm } = this.#options;
    let at = 0;
    const next = (count: number): Tensor[] => parameters.slice(at, (at += count));
    let x = batchNorm ? this.#blocks[0].normalize(linear, next(2), 0) : linear.add<Tensor2D>(next(1)[0]).relu<Tensor2D>();
    for (let l = 1; l < hidden.length; l++)
      x = batchNorm ? this.#blocks[l].train(x, next(3), { slope: 0 }) : dense(tf, x, next(2), { slope: 0 });
    return this.#tasks.map(() => dense(tf, x, next(2)));
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
    return losses.length === 1 ? losses[0] : losses.reduce((sum, loss) => sum.add(loss)).div<Scalar>(losses.length);
  }

  /** Genes by falling score, ties by lower number, and the scores of all genes. */
  ranking(): { readonly genes: Uint32Array; readonly scores: Float32Array } {
    const scores = this.#scores.take(this.#all);
    return { genes: orderDescending(scores), scores };
  }

  /** The network as it stands, reading the `count` best genes only. */
  network(names: readonly string[], count: number): Network {
    const genes = this.ranking().genes.slice(0, count);
    const { hidden, batchNorm } = this.#options;
    const parameters = this.#rest.state().values.map(([value]) => value);
    let at = 0;
    const next = (): Float32Array => parameters[at++];
    const layers: NetworkLayer[] = hidden.map((outputs, l) => {
      const weights = l === 0 ? this.#first.take(genes) : next();
      if (!batchNorm) return { inputs: weights.length / outputs, outputs, weights, bias: next(), slope: 0 };
      const [scale, shift] = [next(), next()];
      return foldBlock(weights, { scale, shift, mean: this.#blocks[l].mean, variance: this.#blocks[l].variance }, 0);
    });
    const heads = this.#tasks.map((task): NetworkHead => {
      const [weights, bias] = [next(), next()];
      const own = [{ inputs: hidden.at(-1)!, outputs: outputsOf(task), weights, bias, slope: null }];
      return task.kind === 'classification'
        ? { kind: 'classes', task: task.name, classes: task.classes, layers: own }
        : { kind: 'value', task: task.name, mean: task.mean, sd: task.sd, layers: own };
    });
    return { method: 'yoto', genes: Array.from(genes, (j) => names[j]), input: inputOf(this.#form, genes), layers, heads };
  }

  state(): Portable {
    return {
      step: this.#step,
      random: this.#random.state,
      scores: this.#scores.state(),
      first: this.#first.state(),
      rest: this.#rest.state(),
      blocks: this.#blocks.map((block) => block.state()),
    } satisfies YotoState;
  }

  restore(saved: Portable): void {
    const state = saved as unknown as YotoState;
    this.#step = state.step;
    this.#random.state = state.random;
    this.#scores.restore(state.scores);
    this.#first.restore(state.first);
    this.#rest.restore(state.rest);
    this.#blocks.forEach((block, l) => block.restore(state.blocks[l]));
  }

  dispose(): void {
    this.#rest.dispose();
  }
}

/**
 * Sums of the first layer: cells x width. `x` holds what the gate lets through, `open` its weights; `all` and `weights` are those of every
 * gene of the band. The gradient of the gate's values (given as `opening`) comes from all of them: g_j = sum over cells of x_ij (dy W')_ij.
 */
function gated(
  tf: Backend['tf'],
  { x, all, weights, gate }: { readonly x: Tensor2D; readonly all: Tensor2D; readonly weights: Tensor2D; readonly gate: Tensor1D },
  open: Tensor2D,
  opening: Tensor1D,
): Tensor2D {
  const [count, width] = open.shape;
  return withGradient(tf, [open, opening], () => ({
    value: tf.matMul(x, open),
    keep: [],
    back: (dy) => {
      const products = tf.matMul<Tensor2D>(all, dy, true);
      const own = tf.slice2d(products, [0, 0], [count, width]);
      return [tf.mul(own, gate.reshape([count, 1])), tf.sum(products.mul(weights), 1)];
    },
  })) as Tensor2D;
}
