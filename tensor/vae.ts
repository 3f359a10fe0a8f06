import type { Scalar, Tensor, Tensor2D } from '@tensorflow/tfjs';
import type { Portable } from '../core/plugin.ts';
import type { Matrix } from '../data/matrix.ts';
import { Random } from '../stats/random.ts';
import type { Backend } from './backend.ts';
import { Batches, type Form } from './batches.ts';
import { DeviceRandom } from './device-random.ts';
import { maskedCrossEntropy } from './layers.ts';
import type { RatedModel } from './lr-finder.ts';
import type { NetworkLayer } from './network.ts';
import { createOptimizer, type Optimizer, type OptimizerState } from './optimizer.ts';
import { Chain, divergence, gaussianLoss, type Link, sampleLatent, squaredLoss } from './vae-layers.ts';

/** Slope of the leaky ReLUs below zero. */
export const SLOPE = 0.01;

/** Genes in order of choice, best first. */
export interface Ranking {
  readonly genes: Uint32Array;
  readonly scores: Float64Array;
  /** Row of the encoder's first weights that reads each gene. */
  readonly inputs: Uint32Array;
}

/** The part that learns which genes the encoder sees. */
export interface Front {
  /** What the encoder gets: its input, and the weights that stand in for its first layer's. `isData`: no gradient flows into the input. */
  train(
    x: Tensor2D,
    params: readonly Tensor[],
    given: { first: Tensor2D; t: number },
  ): { input: Tensor2D; weights?: Tensor2D; isData: boolean };
  /** The panel as it stands. */
  rank(values: (at: number) => Float32Array): Ranking;
  state(): Portable;
  restore(state: Portable): void;
}

/** Makes the front: appends its parameters to `into`. */
export type MakeFront = (backend: Backend, into: Tensor[], given: { genes: number; k: number; seed: number }) => Front;

export interface VaeCells {
  readonly matrix: Matrix;
  /** All cells that are ever looked at. */
  readonly rows: Uint32Array;
  readonly form: Form;
  /** Class of every cell of the matrix (-1: none); nothing without a classifier. */
  readonly codes?: Int32Array;
  readonly classCount?: number;
}

export interface VaeOptions {
  readonly k: number;
  readonly seed: number;
  readonly hidden: number;
  readonly latent: number;
  /** Genes, or the rows of a concrete layer. */
  readonly inputs: 'genes' | 'selectors';
  /** Weight of the reconstruction, 0 to 1; the classifier has the rest. */
  readonly alpha: number;
  /** Divide the reconstruction by the genes. */
  readonly isMean: boolean;
  /** A learned variance for each gene and cell, or squared errors. */
  readonly likelihood: 'gaussian' | 'squared';
  /** Weight of the latent divergence. */
  readonly beta: number;
  readonly rate: number;
  /** Times `rate`, for the front's parameters; 1 where left out. */
  readonly frontRate?: number;
  /** Temperature after so many steps. */
  readonly temperature: (steps: number) => number;
}

/** Losses of some cells with the hard panel, without noise. */
export interface Judged {
  readonly loss: number;
  /** Share of cells whose class is right; NaN without a classifier. */
  readonly accuracy: number;
}

type State = {
  readonly steps: number;
  readonly rate: number;
  readonly drawn: number;
  readonly optimizer: OptimizerState;
  readonly front: Portable;
  readonly chains: readonly ReturnType<Chain['state']>[];
};

/**
 * A variational autoencoder (Kingma and Welling 2014, arXiv:1312.6114) that sees the cells through a front that selects genes, and can
 * have a classifier on the latent mean: the networks of MarkerMap (arXiv:2207.14106, figure 1), each block linear, batch norm, leaky ReLU.
 */
export class SelectiveVae implements RatedModel {
  rate: number;
  readonly front: Front;
  readonly #backend: Backend;
  readonly #cells: VaeCells;
  readonly #options: VaeOptions;
  readonly #batches: Batches;
  readonly #noise: DeviceRandom;
  readonly #optimizer: Optimizer;
  readonly #chains: Readonly<Record<'encoder' | 'mean', Chain>> &
    Partial<Readonly<Record<'logvar' | 'decoder' | 'spread' | 'classifier', Chain>>>;
  #steps = 0;

  constructor(backend: Backend, cells: VaeCells, makeFront: MakeFront, options: VaeOptions) {
    const { tf } = backend;
    const { seed, k, hidden, latent, alpha, likelihood } = options;
    const genes = cells.matrix.cols;
    this.#backend = backend;
    this.#cells = cells;
    this.#options = options;
    this.rate = options.rate;
    this.#noise = new DeviceRandom(backend, Random.of(seed, 'latent').uint32());
    const random = Random.of(seed, 'vae');
    const into: Tensor[] = [];
    const chain = (...links: Link[]): Chain => new Chain(tf, random, into, links);
    this.front = makeFront(backend, into, { genes, k, seed });
    const frontSize = into.length;
    const encoder = chain(
      ['block', options.inputs === 'genes' ? genes : k, hidden, SLOPE],
      ['block', hidden, hidden, SLOPE],
      ['dense', hidden, hidden, SLOPE],
    );
    const mean = chain(['dense', hidden, latent]);
    const decode = (): Chain => chain(['block', latent, hidden, SLOPE], ['dense', hidden, genes]);
    this.#chains = {
      encoder,
      mean,
      ...(alpha > 0 ? { logvar: chain(['dense', hidden, latent]), decoder: decode() } : {}),
      ...(alpha > 0 && likelihood === 'gaussian' ? { spread: decode() } : {}),
      ...(alpha < 1 ? { classifier: chain(['block', latent, hidden, SLOPE], ['dense', hidden, cells.classCount!]) } : {}),
    };
    this.#optimizer = createOptimizer(backend, into, {
      rule: { kind: 'adam' },
      rates: into.map((_, i) => (i < frontSize ? (options.frontRate ?? 1) : 1)),
    });
    this.#batches = new Batches(tf, cells.matrix, { rows: cells.rows, form: cells.form });
  }

  /** Optimiser steps so far. */
  get steps(): number {
    return this.#steps;
  }

  get temperature(): number {
    return this.#options.temperature(this.#steps);
  }

  step(rows: Uint32Array): number {
    const { tf } = this.#backend;
    const t = this.temperature;
    this.#steps++;
    return tf.tidy(() => {
      const x = this.#batches.take(rows);
      const params = this.#optimizer.read();
      const { value, grads } = tf.valueAndGrads((...p: Tensor[]) => this.#loss(x, rows, p, t))(params);
      tf.dispose(params);
      this.#optimizer.apply(grads, this.rate);
      return value.dataSync()[0];
    });
  }

  #loss(x: Tensor2D, rows: Uint32Array, params: readonly Tensor[], t: number): Scalar {
    const { tf } = this.#backend;
    const { encoder, mean, logvar, classifier } = this.#chains;
    const { input, weights, isData } = this.front.train(x, params, { first: params[encoder.first] as Tensor2D, t });
    const hidden = encoder.train(input, params, { isData, ...(weights ? { weights } : {}) });
    const mu = mean.train(hidden, params);
    const terms: Scalar[] = [];
    if (logvar) {
      const latent = [mu, logvar.train(hidden, params)];
      const z = sampleLatent(tf, latent, this.#noise.normal(mu.shape) as Tensor2D);
      terms.push(this.#reconstruction(x, z, params, 'train').add(divergence(tf, latent).mul(this.#options.beta)).mul(this.#weight(rows)));
    }
    if (classifier) {
      const error = maskedCrossEntropy(tf, classifier.train(mu, params), this.#codes(rows))!;
      terms.push(terms.length > 0 ? error.mul(1 - this.#options.alpha) : error);
    }
    return terms.length === 1 ? terms[0] : terms[0].add(terms[1]);
  }

  #reconstruction(x: Tensor2D, z: Tensor2D, params: readonly Tensor[], way: 'train' | 'infer'): Scalar {
    const { tf } = this.#backend;
    const { decoder, spread } = this.#chains;
    const seen = decoder![way](z, params);
    return spread ? gaussianLoss(tf, x, [seen, spread[way](z, params)]) : squaredLoss(tf, x, seen);
  }

  #weight(rows: Uint32Array): number {
    const { alpha, isMean } = this.#options;
    return alpha / (rows.length * (isMean ? this.#batches.width : 1));
  }

  #codes(rows: Uint32Array): Int32Array {
    return Int32Array.from(rows, (row) => this.#cells.codes![row]);
  }

  /** The panel as it stands. */
  rank(): Ranking {
    return this.front.rank((at) => this.#optimizer.values(at));
  }

  /** Loss and accuracy of some cells: only the panel's genes are seen, running moments, z at its mean. */
  judge(rows: Uint32Array): Judged {
    const { tf } = this.#backend;
    const { genes, inputs } = this.rank();
    const { encoder, mean, decoder, logvar, classifier } = this.#chains;
    let [loss, right] = [0, 0];
    for (let at = 0; at < rows.length; at += 512) {
      const part = rows.subarray(at, at + 512);
      tf.tidy(() => {
        const params = this.#optimizer.read();
        const x = this.#batches.take(part);
        const input = tf.gather(x, tf.tensor1d(Int32Array.from(genes), 'int32'), 1);
        const weights = tf.gather(params[encoder.first] as Tensor2D, tf.tensor1d(Int32Array.from(inputs), 'int32'));
        const hidden = encoder.infer(input, params, weights);
        const mu = mean.infer(hidden, params);
        const share = part.length / rows.length;
        if (decoder) {
          const apart = divergence(tf, [mu, logvar!.infer(hidden, params)]).mul(this.#options.beta);
          const total = this.#reconstruction(x, mu, params, 'infer').add(apart).mul(this.#weight(part));
          loss += share * total.dataSync()[0];
        }
        if (!classifier) return;
        const logits = classifier.infer(mu, params);
        const codes = this.#codes(part);
        loss += (decoder ? 1 - this.#options.alpha : 1) * share * (maskedCrossEntropy(tf, logits, codes)?.dataSync()[0] ?? 0);
        logits
          .argMax(1)
          .dataSync()
          .forEach((c, i) => (right += Number(c === codes[i])));
      });
    }
    return { loss, accuracy: classifier ? right / rows.length : Number.NaN };
  }

  /** The network behind the panel: layers up to the latent mean, the decoder's mean, and the classifier. */
  network({ inputs }: Ranking): { shared: NetworkLayer[]; genes?: NetworkLayer[]; classes?: NetworkLayer[] } {
    const values = (at: number): Float32Array => this.#optimizer.values(at);
    const { encoder, mean, decoder, classifier } = this.#chains;
    return {
      shared: [...encoder.fold(values, inputs), ...mean.fold(values)],
      ...(decoder ? { genes: decoder.fold(values) } : {}),
      ...(classifier ? { classes: classifier.fold(values) } : {}),
    };
  }

  state(): Portable {
    return {
      steps: this.#steps,
      rate: this.rate,
      drawn: this.#noise.drawn,
      optimizer: this.#optimizer.state(),
      front: this.front.state(),
      chains: Object.values(this.#chains).map((chain) => chain.state()),
    };
  }

  restore(saved: Portable): void {
    const state = saved as unknown as State;
    this.#steps = state.steps;
    this.rate = state.rate;
    this.#noise.drawn = state.drawn;
    this.#optimizer.restore(state.optimizer);
    this.front.restore(state.front);
    Object.values(this.#chains).forEach((chain, i) => chain.restore(state.chains[i]));
  }

  dispose(): void {
    this.#optimizer.dispose();
    this.#batches.dispose();
  }
}
