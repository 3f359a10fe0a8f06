import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import type { Portable } from '../core/plugin.ts';
import { orderDescending } from '../stats/ranks.ts';
import { Random } from '../stats/random.ts';
import type { Backend } from './backend.ts';
import { DeviceRandom } from './device-random.ts';
import { relaxedMask } from './relaxed-top-k.ts';
import { type Front, type MakeFront, type Ranking, SLOPE } from './vae.ts';
import { Chain, maskRows } from './vae-layers.ts';

/** Weight of the past in the running logits. */
const PAST = 0.95;

export interface InstanceOptions {
  readonly hidden: number;
  /** Share of hidden units that dropout silences. */
  readonly dropout: number;
}

/** The k genes of the highest logits, with the logits as scores. */
export function topLogits(logits: Float32Array, k: number): Ranking {
  const genes = orderDescending(logits).slice(0, k);
  return { genes, scores: Float64Array.from(genes, (j) => logits[j]), inputs: genes };
}

/**
 * MarkerMap's selection (Hoyos et al. 2022, arXiv:2207.14106, section 2): a network gives each cell a logit for every gene; the batch's mean
 * moves the running logits L, which with Gumbel noise go through the relaxed top-k. The gradient reaches the network through the newest part.
 */
export function instanceFront(options: InstanceOptions): MakeFront {
  return (backend, into, given) => new InstanceFront(backend, into, { ...options, ...given });
}

class InstanceFront implements Front {
  readonly #backend: Backend;
  readonly #options: InstanceOptions & { readonly k: number };
  readonly #random: DeviceRandom;
  readonly #room: Float64Array;
  readonly #below: Chain;
  readonly #above: Chain;
  readonly #last: Chain;
  #logits: Float32Array;

  constructor(backend: Backend, into: Tensor[], given: InstanceOptions & { genes: number; k: number; seed: number }) {
    const { genes, k, seed, hidden } = given;
    const { tf } = backend;
    const random = Random.of(seed, 'front');
    this.#backend = backend;
    this.#options = given;
    this.#random = new DeviceRandom(backend, Random.of(seed, 'mask').uint32());
    this.#room = new Float64Array(k * genes);
    this.#logits = new Float32Array(genes);
    this.#below = new Chain(tf, random, into, [['block', genes, hidden, SLOPE]]);
    // Two leaky ReLUs in a row.
    this.#above = new Chain(tf, random, into, [['block', hidden, hidden, SLOPE * SLOPE]]);
    this.#last = new Chain(tf, random, into, [['dense', hidden, genes]]);
  }

  train(x: Tensor2D, params: readonly Tensor[], { first, t }: { first: Tensor2D; t: number }): ReturnType<Front['train']> {
    const { tf } = this.#backend;
    const { dropout, k } = this.#options;
    const below = this.#below.train(x, params, { isData: true });
    const kept = dropout === 0 ? below : below.mul<Tensor2D>(this.#random.dropout(below.shape, dropout));
    // The last layer is linear, so the mean over the cells can be taken before it.
    const mean = this.#above.train(kept, params).mean<Tensor2D>(0, true);
    const newest = this.#last.train(mean, params).reshape<Tensor1D>([-1]);
    const mask = relaxedMask(tf, newest, { k, t, slope: 1 - PAST, room: this.#room, toScores: (values) => this.#noisy(values) });
    return { input: x, weights: maskRows(tf, first, mask), isData: true };
  }

  #noisy(newest: Float32Array): Float32Array {
    const drawn = this.#random.gumbel([newest.length]);
    const gumbel = drawn.dataSync();
    drawn.dispose();
    this.#logits = this.#logits.map((l, j) => PAST * l + (1 - PAST) * newest[j]);
    return this.#logits.map((l, j) => l + gumbel[j]);
  }

  rank(): Ranking {
    return topLogits(this.#logits, this.#options.k);
  }

  state(): Portable {
    return { logits: this.#logits.slice(), drawn: this.#random.drawn, below: this.#below.state(), above: this.#above.state() };
  }

  restore(saved: Portable): void {
    const state = saved as unknown as {
      logits: Float32Array;
      drawn: number;
      below: ReturnType<Chain['state']>;
      above: ReturnType<Chain['state']>;
    };
    this.#logits = state.logits.slice();
    this.#random.drawn = state.drawn;
    this.#below.restore(state.below);
    this.#above.restore(state.above);
  }
}
