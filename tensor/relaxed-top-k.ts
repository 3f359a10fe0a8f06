import type { Tensor1D } from '@tensorflow/tfjs';
import type { Tf } from './backend.ts';
import { withGradient } from './layers.ts';

/** What the gradient needs of a relaxed top-k. */
export interface Rounds {
  readonly k: number;
  readonly t: number;
  /** Genes that any round can reach; the others have no share. */
  readonly pool: Uint32Array;
  /** k x pool, row-major: the softmax of each round. */
  readonly shares: Float64Array;
}

/** A chosen gene loses at most this much. */
const FLOOR = Math.log(1e-40);
/** Exponents kept as products may span so much. */
const SPAN = 650;
/** Terms below exp(-CUT) of a round's largest are left out. */
const CUT = 40;

/**
 * Relaxed k-hot vector (Xie and Ermon 2019, arXiv:1901.10517, section 3; as in MarkerMap, arXiv:2207.14106): k times o = softmax(a / t),
 * m += o, a += ln(1 - o). The entries sum to k; for t towards 0 they become the 0/1 mask of the k largest. Float64, O(k genes).
 * `room` (k x genes) is taken for the shares where given.
 */
export function relaxedTopK(
  scores: ArrayLike<number>,
  k: number,
  t: number,
  room: Float64Array = new Float64Array(k * scores.length),
): { readonly mask: Float64Array; readonly rounds: Rounds } {
  const pool = reachable(scores, k, t);
  const a = Float64Array.from(pool, (gene) => scores[gene]);
  const rounds: Rounds = { k, t, pool, shares: room };
  const most = a.reduce((x, y) => Math.max(x, y), -Infinity);
  const least = a.reduce((x, y) => Math.min(x, y), Infinity);
  // Where a gene can be chosen again, what it lost must stay in range too.
  const isNarrow = (most - least - (2 * k > scores.length ? FLOOR : 0)) / t < SPAN;
  const own = (isNarrow ? byProducts(a, most, rounds) : undefined) ?? byLogs(a, rounds);
  const mask = new Float64Array(scores.length);
  pool.forEach((gene, i) => (mask[gene] = own[i]));
  return { mask, rounds };
}

/**
 * A gene that lost more than ln 2 holds at least a half of the mask, so of the 2k highest one always stands within ln 2 of where it began:
 * no round's largest falls below that, and genes far under it never get a share.
 */
function reachable(scores: ArrayLike<number>, k: number, t: number): Uint32Array {
  const genes = scores.length;
  const all = Uint32Array.from({ length: genes }, (_, j) => j);
  if (2 * k > genes || CUT * t > 30) return all;
  const sorted = Float64Array.from(scores).sort();
  const least = sorted[genes - 2 * k] - Math.LN2 - CUT * t;
  return all.filter((j) => scores[j] >= least);
}

/** Carries w = exp(a / t) from round to round: w *= (1 - o)^(1/t), a short series where o is small. Nothing when all w vanish. */
function byProducts(a: Float64Array, most: number, { k, t, shares }: Rounds): Float64Array | undefined {
  const genes = a.length;
  const p = 1 / t;
  const small = 0.01 / Math.max(1, p);
  const [c2, c3, c4, c5] = [(p - 1) / 2, (p - 2) / 3, (p - 3) / 4, (p - 4) / 5];
  const mask = new Float64Array(genes);
  const w = a.map((x) => Math.exp((x - most) * p));
  let total = w.reduce((x, y) => x + y, 0);
  for (let r = 0, at = 0; r < k; r++) {
    if (!(total > 1e-250)) return undefined;
    const inverse = 1 / total;
    total = 0;
    for (let j = 0; j < genes; j++, at++) {
      const o = w[j] * inverse;
      shares[at] = o;
      mask[j] += o;
      const left = o < small ? 1 - p * o * (1 - c2 * o * (1 - c3 * o * (1 - c4 * o * (1 - c5 * o)))) : Math.exp(p * lost(o));
      total += w[j] *= left;
    }
  }
  return mask;
}

/** For small t: each round takes the exponents anew. */
function byLogs(a: Float64Array, { k, t, shares }: Rounds): Float64Array {
  const genes = a.length;
  const mask = new Float64Array(genes);
  for (let r = 0, start = 0; r < k; r++, start += genes) {
    let most = -Infinity;
    for (let j = 0; j < genes; j++) if (a[j] > most) most = a[j];
    const least = most - CUT * t;
    let total = 0;
    for (let j = 0; j < genes; j++) total += shares[start + j] = a[j] > least ? Math.exp((a[j] - most) / t) : 0;
    for (let j = 0; j < genes; j++) {
      if (shares[start + j] === 0) continue;
      const o = (shares[start + j] /= total);
      mask[j] += o;
      a[j] += lost(o);
    }
  }
  return mask;
}

const lost = (o: number): number => Math.max(FLOOR, Math.log1p(-o));

/** The gradient with respect to the scores, given that with respect to the mask. */
export function relaxedTopKGradient({ k, t, pool, shares }: Rounds, upstream: ArrayLike<number>): Float64Array {
  const genes = pool.length;
  const u = Float64Array.from(pool, (gene) => upstream[gene]);
  const gradient = new Float64Array(genes);
  const weighted = new Float64Array(genes);
  const p = 1 / t;
  for (let r = k - 1; r >= 0; r--) {
    const start = r * genes;
    // Of a share near 1 the products cancel, so that gene is kept apart.
    let large = -1;
    let rest = 0;
    for (let j = 0; j < genes; j++) {
      const o = shares[start + j];
      if (o > 0.5) {
        large = j;
        weighted[j] = 0;
        continue;
      }
      const inverse = o < 1e-3 ? 1 + o * (1 + o * (1 + o * (1 + o))) : 1 / (1 - o);
      rest += weighted[j] = o * (u[j] - gradient[j] * inverse);
    }
    let sum = rest;
    let own = 0;
    if (large >= 0) {
      const o = shares[start + large];
      const passed = 1 - o <= 1e-40 ? 0 : gradient[large];
      sum += o * (passed === 0 ? u[large] : u[large] - passed / (1 - o));
      own = gradient[large] + p * o * ((1 - o) * u[large] - passed - rest);
    }
    for (let j = 0; j < genes; j++) gradient[j] += p * (weighted[j] - shares[start + j] * sum);
    if (large >= 0) gradient[large] = own;
  }
  const out = new Float64Array(upstream.length);
  pool.forEach((gene, i) => (out[gene] = gradient[i]));
  return out;
}

/**
 * Relaxed top-k mask of `toScores(values)` as one operation with its own gradient; `slope` is the derivative of a score with respect to its
 * value. `room` (k x genes) is taken for the rounds, and must stay untouched until the gradient is there.
 */
export function relaxedMask(
  tf: Tf,
  values: Tensor1D,
  given: { k: number; t: number; slope: number; room: Float64Array; toScores: (values: Float32Array) => ArrayLike<number> },
): Tensor1D {
  const { k, t, slope, room, toScores } = given;
  return withGradient(tf, [values], () => {
    const { mask, rounds } = relaxedTopK(toScores(values.dataSync() as Float32Array), k, t, room);
    return {
      value: tf.tensor1d(Float32Array.from(mask)),
      keep: [],
      back: (dy) => [tf.tensor1d(Float32Array.from(relaxedTopKGradient(rounds, dy.dataSync()), (g) => slope * g))],
    };
  }) as Tensor1D;
}
