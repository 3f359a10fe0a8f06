import type { Tensor, Tensor2D } from '@tensorflow/tfjs';
import type { Portable } from '../core/plugin.ts';
import { Random } from '../stats/random.ts';
import type { Backend } from './backend.ts';
import { DeviceRandom } from './device-random.ts';
import { withGradient } from './layers.ts';
import type { Front, MakeFront, Ranking } from './vae.ts';

export interface ConcreteOptions {
  /** Standard deviation of the initial logits. */
  readonly spread: number;
}

/** Concrete selector layer (Abid et al. 2019, arXiv:1901.09346; as MarkerMap's baseline): k relaxed one-hot choices among the genes. */
export function concreteFront(options: ConcreteOptions): MakeFront {
  return (backend, into, given) => new ConcreteFront(backend, into, { ...options, ...given });
}

class ConcreteFront implements Front {
  readonly #backend: Backend;
  readonly #genes: number;
  readonly #k: number;
  readonly #at: number;
  readonly #random: DeviceRandom;

  constructor(backend: Backend, into: Tensor[], given: ConcreteOptions & { genes: number; k: number; seed: number }) {
    const { genes, k, seed, spread } = given;
    const { tf } = backend;
    this.#backend = backend;
    this.#genes = genes;
    this.#k = k;
    this.#at = into.length;
    this.#random = new DeviceRandom(backend, Random.of(seed, 'selectors').uint32());
    into.push(tf.tidy(() => new DeviceRandom(backend, Random.of(seed, 'front').uint32()).normal([k, genes]).mul(spread)));
  }

  train(x: Tensor2D, params: readonly Tensor[], { t }: { t: number }): ReturnType<Front['train']> {
    const { tf } = this.#backend;
    const gumbel = this.#random.gumbel([this.#k, this.#genes]);
    const input = withGradient(tf, [params[this.#at]], () => {
      const shares = tf.softmax<Tensor2D>(params[this.#at].add(gumbel).div(t));
      const back = (dy: Tensor, [x_, w]: Tensor[]): Tensor[] => {
        const d = tf.matMul(dy as Tensor2D, x_ as Tensor2D, true).mul(w);
        return [d.sub(w.mul(d.sum(1, true))).div(t)];
      };
      return { value: tf.matMul(x, shares, false, true), keep: [x, shares], back };
    }) as Tensor2D;
    return { input, isData: false };
  }

  /** Each selector's likeliest gene; of selectors that agree the surest has it, and the others take the next best that is free. */
  rank(values: (at: number) => Float32Array): Ranking {
    return assign(values(this.#at), this.#k, this.#genes);
  }

  state(): Portable {
    return { drawn: this.#random.drawn };
  }

  restore(saved: Portable): void {
    this.#random.drawn = (saved as unknown as { drawn: number }).drawn;
  }
}

/**
 * One gene for each of k rows of logits, no gene twice: the rows choose in the order of the share of their best free gene (softmax of
 * the row), largest first. Scores are these shares.
 */
export function assign(logits: Float32Array, k: number, genes: number): Ranking {
  const taken = new Uint8Array(genes);
  const total = Float64Array.from({ length: k }, (_, i) => {
    const row = logits.subarray(i * genes, (i + 1) * genes);
    const most = row.reduce((a, b) => Math.max(a, b), -Infinity);
    return most + Math.log(row.reduce((sum, l) => sum + Math.exp(l - most), 0));
  });
  const best = (i: number): number => {
    let found = -1;
    for (let j = 0; j < genes; j++) {
      if (taken[j] === 0 && (found < 0 || logits[i * genes + j] > logits[i * genes + found])) found = j;
    }
    return found;
  };
  const open = Array.from({ length: k }, (_, row) => ({ row, gene: best(row), share: 0 }));
  const judge = (one: (typeof open)[number]): void => {
    one.share = Math.exp(logits[one.row * genes + one.gene] - total[one.row]);
  };
  open.forEach(judge);
  const chosen: typeof open = [];
  while (open.length > 0) {
    open.sort((a, b) => b.share - a.share || a.gene - b.gene || a.row - b.row);
    const next = open.shift()!;
    if (taken[next.gene] === 0) {
      taken[next.gene] = 1;
      chosen.push(next);
      continue;
    }
    next.gene = best(next.row);
    judge(next);
    open.push(next);
  }
  return {
    genes: Uint32Array.from(chosen, ({ gene }) => gene),
    scores: Float64Array.from(chosen, ({ share }) => share),
    inputs: Uint32Array.from(chosen, ({ row }) => row),
  };
}
