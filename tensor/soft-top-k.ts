import type { Tensor1D } from '@tensorflow/tfjs';
import type { Tf } from './backend.ts';

/** The rows of NeuralSort's permutation matrix that matter, kept for the gradient. Positions count in descending order of score. */
export interface Band {
  readonly k: number;
  readonly tau: number;
  /** Gene at each position. */
  readonly order: Uint32Array;
  /** First position of each row's band. */
  readonly low: Int32Array;
  /** k + 1 offsets into `weights`. */
  readonly offsets: Uint32Array;
  readonly weights: Float64Array;
}

/** Terms below exp(-CUT) of a row's largest are left out: less than a float64 can tell. */
const CUT = 40;

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

/** Genes from the highest score to the lowest, ties by lower number; float32 scores sort as integers, many times faster. */
function descending(scores: ArrayLike<number>): Uint32Array {
  const n = scores.length;
  if (!(scores instanceof Float32Array)) return Uint32Array.from({ length: n }, (_, i) => i).sort((a, b) => scores[b] - scores[a] || a - b);
  const keys = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    float[0] = scores[i] + 0;
    const rising = bits[0] & 0x80000000 ? ~bits[0] >>> 0 : bits[0] + 0x80000000;
    keys[i] = (0xffffffff - rising) * n + i;
  }
  keys.sort();
  return Uint32Array.from(keys, (key) => key % n);
}

/**
 * NeuralSort's relaxed top-k mask (Grover et al. 2019, arXiv:1903.08850 eq. 5; rows summed over m <= k as in YOTO, arXiv:2512.17678):
 * row m is softmax(((n+1-2m) s - b) / tau) with b_j = sum_l |s_j - s_l|. Along falling scores each row has one peak, at position m, so it is
 * summed outwards until terms vanish: O(n log n + band) in float64, never n x n.
 */
export function softTopK(scores: ArrayLike<number>, k: number, tau: number): { mask: Float64Array; band: Band } {
  const n = scores.length;
  const order = descending(scores);
  const s = Float64Array.from(order, (gene) => scores[gene]);
  const b = distanceSums(s);
  const mask = new Float64Array(n);
  const low = new Int32Array(k);
  const offsets = new Uint32Array(k + 1);
  let weights = new Float64Array(Math.max(1024, 8 * k));
  for (let m = 0; m < k; m++) {
    const c = n - 1 - 2 * m;
    const peak = c * s[m] - b[m];
    let first = m;
    let last = m;
    while (first > 0 && (c * s[first - 1] - b[first - 1] - peak) / tau > -CUT) first--;
    while (last < n - 1 && (c * s[last + 1] - b[last + 1] - peak) / tau > -CUT) last++;
    const at = offsets[m];
    const length = last - first + 1;
    if (at + length > weights.length) {
      const larger = new Float64Array(2 * (at + length));
      larger.set(weights);
      weights = larger;
    }
    let total = 0;
    for (let r = first; r <= last; r++) total += weights[at + r - first] = Math.exp((c * s[r] - b[r] - peak) / tau);
    for (let r = first; r <= last; r++) mask[order[r]] += weights[at + r - first] /= total;
    low[m] = first;
    offsets[m + 1] = at + length;
  }
  return { mask, band: { k, tau, order, low, offsets, weights } };
}

/** b_j = sum over l of |s_j - s_l|, for falling s, by prefix sums. */
function distanceSums(s: Float64Array): Float64Array {
  const n = s.length;
  const b = new Float64Array(n);
  const total = s.reduce((x, y) => x + y, 0);
  let above = 0;
  for (let r = 0; r < n; r++) {
    b[r] = above - r * s[r] + (n - 1 - r) * s[r] - (total - above - s[r]);
    above += s[r];
  }
  return b;
}

/** The gradient with respect to the scores, given that with respect to the mask; same cost as `softTopK`. */
export function softTopKGradient({ k, tau, order, low, offsets, weights }: Band, upstream: ArrayLike<number>): Float64Array {
  const n = order.length;
  const u = Float64Array.from(order, (gene) => upstream[gene]);
  const direct = new Float64Array(n);
  const throughB = new Float64Array(n);
  for (let m = 0; m < k; m++) {
    const c = n - 1 - 2 * m;
    const shift = low[m] - offsets[m];
    let mean = 0;
    for (let q = offsets[m]; q < offsets[m + 1]; q++) mean += weights[q] * u[q + shift];
    for (let q = offsets[m]; q < offsets[m + 1]; q++) {
      const d = (weights[q] * (u[q + shift] - mean)) / tau;
      direct[q + shift] += c * d;
      throughB[q + shift] -= d;
    }
  }
  const total = throughB.reduce((x, y) => x + y, 0);
  const gradient = new Float64Array(n);
  let above = 0;
  for (let r = 0; r < n; r++) {
    const below = total - above - throughB[r];
    gradient[order[r]] = direct[r] + throughB[r] * (n - 1 - 2 * r) + below - above;
    above += throughB[r];
  }
  return gradient;
}

/** Straight-through top-k gate on a score tensor: forward the hard 0/1 mask of the k highest scores, backward through `softTopK`. */
export function topKGate(tf: Tf, scores: Tensor1D, { k, tau }: { k: number; tau: number }): Tensor1D {
  const gate = tf.customGrad((...inputs: unknown[]) => {
    const { band } = softTopK((inputs[0] as Tensor1D).dataSync(), k, tau);
    const hard = new Float32Array(band.order.length);
    for (let r = 0; r < k; r++) hard[band.order[r]] = 1;
    return {
      value: tf.tensor1d(hard),
      gradFunc: (dy) => tf.tensor1d(Float32Array.from(softTopKGradient(band, dy.dataSync()))),
    };
  });
  return gate(scores);
}
