import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import type { Portable } from '../core/plugin.ts';
import { Random } from '../stats/random.ts';
import type { Backend } from './backend.ts';
import { DeviceRandom } from './device-random.ts';
import { topLogits } from './markermap.ts';
import { relaxedMask } from './relaxed-top-k.ts';
import type { Front, MakeFront, Ranking } from './vae.ts';
import { maskRows } from './vae-layers.ts';

export interface GlobalOptions {
  /** Standard deviation of the initial logits. */
  readonly spread: number;
}

/** One logit a gene, trained directly, through the relaxed top-k (the "global gate" of MarkerMap, arXiv:2207.14106, section 4). */
export function globalFront(options: GlobalOptions): MakeFront {
  return (backend, into, given) => new GlobalFront(backend, into, { ...options, ...given });
}

class GlobalFront implements Front {
  readonly #backend: Backend;
  readonly #options: GlobalOptions & { readonly k: number };
  readonly #at: number;
  readonly #random: DeviceRandom;
  readonly #room: Float64Array;

  constructor(backend: Backend, into: Tensor[], given: GlobalOptions & { genes: number; k: number; seed: number }) {
    const { genes, k, seed, spread } = given;
    const random = Random.of(seed, 'front');
    this.#backend = backend;
    this.#options = given;
    this.#at = into.length;
    this.#random = new DeviceRandom(backend, Random.of(seed, 'mask').uint32());
    this.#room = new Float64Array(k * genes);
    into.push(backend.tf.tensor1d(Float32Array.from({ length: genes }, () => spread * random.normal())));
  }

  train(x: Tensor2D, params: readonly Tensor[], { first, t }: { first: Tensor2D; t: number }): ReturnType<Front['train']> {
    const { tf } = this.#backend;
    const { k } = this.#options;
    const toScores = (logits: Float32Array): Float32Array => {
      const drawn = this.#random.gumbel([logits.length]);
      const gumbel = drawn.dataSync();
      drawn.dispose();
      return logits.map((l, j) => l + gumbel[j]);
    };
    const mask = relaxedMask(tf, params[this.#at] as Tensor1D, { k, t, slope: 1, room: this.#room, toScores });
    return { input: x, weights: maskRows(tf, first, mask), isData: true };
  }

  rank(values: (at: number) => Float32Array): Ranking {
    return topLogits(values(this.#at), this.#options.k);
  }

  state(): Portable {
    return { drawn: this.#random.drawn };
  }

  restore(saved: Portable): void {
    this.#random.drawn = (saved as unknown as { drawn: number }).drawn;
  }
}
