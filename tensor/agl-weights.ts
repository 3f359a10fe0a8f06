import type { Portable } from '../core/plugin.ts';
import type { Random } from '../stats/random.ts';
import { RowAdam, type RowAdamState } from './row-adam.ts';

/**
 * The weight of each gene in the train loss sum_j weight_j (1 - r_j), primary genes first. `kind` says how the weights are learned: never; from
 * the losses of each train batch; or so that the validation loss of the primary genes falls, by unrolled steps or by implicit differentiation.
 */
export type GeneWeights = FixedWeights | UncertaintyWeights | CutoffWeights | FreeWeights | WeightNet;

/** What every kind of weights can do. */
interface Weighting {
  /** Weights for a batch whose genes have these losses; only `WeightNet` looks at them. */
  of(losses: Float32Array): Float32Array;
  /** What is to be told after each epoch. */
  curves(): Readonly<Record<string, number>>;
  state(): Portable;
  restore(state: Portable): void;
}

/** How many genes there are, and how many of them (the first) are primary. */
export interface GeneCounts {
  readonly genes: number;
  readonly primary: number;
}

const ONLY = Uint32Array.of(0);
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** 1 for each primary gene and `auxiliary[j]` for the others, over their sum. */
function normalised(
  { genes, primary }: GeneCounts,
  auxiliary: (at: number) => number,
): { readonly weights: Float32Array; readonly sum: number } {
  const weights = new Float32Array(genes).map((_, j) => (j < primary ? 1 : auxiliary(j - primary)));
  const sum = weights.reduce((a, b) => a + b, 0);
  return { weights: weights.map((w) => w / sum), sum };
}

/** All genes count alike. */
export class FixedWeights implements Weighting {
  readonly kind = 'fixed';
  readonly #weights: Float32Array;

  constructor(counts: GeneCounts) {
    this.#weights = normalised(counts, () => 1).weights;
  }

  of(): Float32Array {
    return this.#weights;
  }

  curves(): Record<string, number> {
    return {};
  }

  state(): Portable {
    return null;
  }

  restore(): void {}
}

/** Homoscedastic uncertainty (Kendall 2018, arXiv:1705.07115): the mean over genes of l / (2 e^s) + s / 2, with s learned along. */
export class UncertaintyWeights implements Weighting {
  readonly kind = 'losses';
  readonly #genes: number;
  readonly #s: RowAdam;

  constructor({ genes }: GeneCounts, rate: number) {
    this.#genes = genes;
    this.#s = new RowAdam(new Float32Array(genes), { width: genes, rate });
  }

  of(): Float32Array {
    return this.#s.take(ONLY).map((s) => Math.exp(-s) / 2 / this.#genes);
  }

  /** One step of s by the losses of a batch. */
  learn(losses: Float32Array): void {
    const weights = this.of();
    this.#s.apply(
      ONLY,
      losses.map((loss, j) => 0.5 / this.#genes - weights[j] * loss),
    );
  }

  curves(): Record<string, number> {
    return { sigma: Math.exp(this.#s.take(ONLY).reduce((a, b) => a + b, 0) / this.#genes / 2) };
  }

  state(): Portable {
    return this.#s.state();
  }

  restore(state: Portable): void {
    this.#s.restore(state as RowAdamState);
  }
}

/** How soft the cut is, and what is learned of it. */
export interface CutoffOptions {
  /** Share of the auxiliary genes that is above the cut at first. */
  readonly start: number;
  readonly tau: number;
  readonly rate: number;
  /** Ranks from 0 to 1 (the code of the paper), or 0, 1, 2, ... (its equation 6, where tau .01 makes a hard step without a slope). */
  readonly ranks: 'normalised' | 'raw';
}

/** sigmoid((theta - rank) / tau), best gene first; ranks go from 0 to `last`. */
export function softCut(
  genes: number,
  { theta, tau, last }: { readonly theta: number; readonly tau: number; readonly last: number },
): Float32Array {
  return Float32Array.from({ length: genes }, (_, j) => sigmoid((theta - (genes > 1 ? (j / (genes - 1)) * last : 0)) / tau));
}

/** DkGSB: auxiliary genes by rank, cut softly at theta, which is learned. */
export class CutoffWeights implements Weighting {
  readonly kind = 'unrolled';
  readonly #counts: GeneCounts;
  readonly #auxiliary: number;
  readonly #tau: number;
  readonly #last: number;
  readonly #theta: RowAdam;
  /** Of the theta that stands. */
  #weights: Float32Array | undefined;

  constructor(counts: GeneCounts, { start, tau, rate, ranks }: CutoffOptions) {
    this.#counts = counts;
    this.#auxiliary = counts.genes - counts.primary;
    this.#tau = tau;
    this.#last = ranks === 'raw' ? Math.max(1, this.#auxiliary - 1) : 1;
    this.#theta = new RowAdam(Float32Array.of(start * this.#last), { width: 1, rate });
  }

  #mask(): Float32Array {
    return softCut(this.#auxiliary, { theta: this.#theta.take(ONLY)[0], tau: this.#tau, last: this.#last });
  }

  of(): Float32Array {
    if (this.#weights) return this.#weights;
    const mask = this.#mask();
    this.#weights = normalised(this.#counts, (at) => mask[at]).weights;
    return this.#weights;
  }

  /** d validation loss / d theta, from its slopes by the weights (whose sum counts as fixed). */
  slope(slopes: Float32Array): number {
    const { primary } = this.#counts;
    const mask = this.#mask();
    const { sum } = normalised(this.#counts, (at) => mask[at]);
    return mask.reduce((total, m, at) => total + (slopes[primary + at] * m * (1 - m)) / this.#tau / sum, 0);
  }

  /** One step of theta, which stays within the ranks. */
  descend(slopes: Float32Array): void {
    this.#theta.apply(ONLY, [this.slope(slopes)]);
    this.#theta.assign(this.#theta.take(ONLY).map((theta) => Math.max(0, Math.min(this.#last, theta))));
    this.#weights = undefined;
  }

  curves(): Record<string, number> {
    const k = this.#mask().reduce((count, m) => count + Number(m >= 0.5), 0);
    return { theta: this.#theta.take(ONLY)[0], k };
  }

  state(): Portable {
    return this.#theta.state();
  }

  restore(state: Portable): void {
    this.#theta.restore(state as RowAdamState);
    this.#weights = undefined;
  }
}

/** AMAL as the AGL paper takes it (after Sivasubramanian 2023, arXiv:2202.03250): each auxiliary gene has a weight of its own, a sigmoid. */
export class FreeWeights implements Weighting {
  readonly kind = 'unrolled';
  readonly #counts: GeneCounts;
  readonly #tau: number;
  readonly #values: RowAdam;

  constructor(counts: GeneCounts, { tau, rate }: { readonly tau: number; readonly rate: number }) {
    const auxiliary = counts.genes - counts.primary;
    this.#counts = counts;
    this.#tau = tau;
    this.#values = new RowAdam(new Float32Array(auxiliary), { width: Math.max(1, auxiliary), rate });
  }

  #shares(): Float32Array {
    return this.#values.take(ONLY).map((x) => sigmoid(x / this.#tau));
  }

  of(): Float32Array {
    const shares = this.#shares();
    return normalised(this.#counts, (at) => shares[at]).weights;
  }

  descend(slopes: Float32Array): void {
    const shares = this.#shares();
    const { sum } = normalised(this.#counts, (at) => shares[at]);
    this.#values.apply(
      ONLY,
      shares.map((m, at) => (slopes[this.#counts.primary + at] * m * (1 - m)) / this.#tau / sum),
    );
  }

  curves(): Record<string, number> {
    return { k: this.#shares().reduce((count, m) => count + Number(m >= 0.5), 0) };
  }

  state(): Portable {
    return this.#values.state();
  }

  restore(state: Portable): void {
    this.#values.restore(state as RowAdamState);
  }
}

const UNITS = 3;
const MOMENTUM = 0.9;
const DECAY = 1e-4;
const CLIP = 10;

/**
 * AuxiLearn (Navon 2021, arXiv:2007.02693): the mean loss of the primary genes plus a small monotone network of all losses,
 * sum_u v_u softplus(sum_j w_uj l_j) with w, v >= 0. First weights are uniform in [0, 1], w over the number of genes.
 */
export class WeightNet implements Weighting {
  readonly kind = 'implicit';
  readonly #counts: GeneCounts;
  readonly #rate: number;
  /** w (units x genes), then v. */
  #values: Float32Array;
  #velocity: Float32Array;

  constructor(counts: GeneCounts, { rate, random }: { readonly rate: number; readonly random: Random }) {
    const { genes } = counts;
    this.#counts = counts;
    this.#rate = rate;
    this.#values = Float32Array.from({ length: UNITS * (genes + 1) }, (_, at) => random.uniform() / (at < UNITS * genes ? genes : 1));
    this.#velocity = new Float32Array(this.#values.length);
  }

  #unit(u: number): { readonly w: Float32Array; readonly v: number } {
    const { genes } = this.#counts;
    return { w: this.#values.subarray(u * genes, (u + 1) * genes), v: this.#values[UNITS * genes + u] };
  }

  of(losses: Float32Array): Float32Array {
    const { genes, primary } = this.#counts;
    const weights = Float32Array.from({ length: genes }, (_, j) => (j < primary ? 1 / primary : 0));
    for (let u = 0; u < UNITS; u++) {
      const { w, v } = this.#unit(u);
      const slope = v * sigmoid(inner(w, losses));
      for (let j = 0; j < genes; j++) weights[j] += slope * w[j];
    }
    return weights;
  }

  /** How the weights change when the losses do. */
  rates(losses: Float32Array, lossRates: Float32Array): Float32Array {
    const { genes } = this.#counts;
    const rates = new Float32Array(genes);
    for (let u = 0; u < UNITS; u++) {
      const { w, v } = this.#unit(u);
      const s = sigmoid(inner(w, losses));
      const change = v * s * (1 - s) * inner(w, lossRates);
      for (let j = 0; j < genes; j++) rates[j] += change * w[j];
    }
    return rates;
  }

  /** One step, where `lossRates` is how the losses change along the inverse Hessian times the gradient of the validation loss. */
  descend(losses: Float32Array, lossRates: Float32Array): void {
    const { genes } = this.#counts;
    const gradient = new Float32Array(this.#values.length);
    for (let u = 0; u < UNITS; u++) {
      const { w, v } = this.#unit(u);
      const s = sigmoid(inner(w, losses));
      const along = inner(w, lossRates);
      for (let j = 0; j < genes; j++) gradient[u * genes + j] = -v * s * ((1 - s) * losses[j] * along + lossRates[j]);
      gradient[UNITS * genes + u] = -s * along;
    }
    const norm = Math.sqrt(inner(gradient, gradient));
    const shrink = Math.min(1, CLIP / Math.max(norm, 1e-12));
    for (let at = 0; at < gradient.length; at++) {
      this.#velocity[at] = MOMENTUM * this.#velocity[at] + shrink * gradient[at] + DECAY * this.#values[at];
      this.#values[at] = Math.max(0, this.#values[at] - this.#rate * this.#velocity[at]);
    }
  }

  curves(): Record<string, number> {
    return {};
  }

  state(): Portable {
    return { values: this.#values.slice(), velocity: this.#velocity.slice() };
  }

  restore(state: Portable): void {
    const { values, velocity } = state as { readonly values: Float32Array; readonly velocity: Float32Array };
    [this.#values, this.#velocity] = [values.slice(), velocity.slice()];
  }
}

function inner(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += a[j] * b[j];
  return sum;
}
