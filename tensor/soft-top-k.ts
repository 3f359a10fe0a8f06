import { kthLargest } from '../stats/ranks.ts';

/** Terms below exp(-CUT) of a row's largest are left out: less than a float32 can tell. */
const CUT = 40;
/** As long as logits reach no lower than this, a row follows from the one before by a product, without exponentials. */
const SPAN = 600;

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

/** A number that falls as a float32 rises, for sorting without a comparator. */
function fallingKey(score: number): number {
  float[0] = score + 0;
  return 0xffffffff - (bits[0] & 0x80000000 ? ~bits[0] >>> 0 : bits[0] + 0x80000000);
}

/** The genes with the highest float32 scores, highest first, ties by lower number; at least `count` of them. */
function highest(scores: Float32Array, count: number): Uint32Array {
  const n = scores.length;
  const least = count < n ? kthLargest(scores, count) : Number.NEGATIVE_INFINITY;
  const keys: number[] = [];
  for (let i = 0; i < n; i++) if (scores[i] >= least) keys.push(fallingKey(scores[i]) * n + i);
  return Uint32Array.from(Float64Array.from(keys).sort(), (key) => key % n);
}

/**
 * NeuralSort's relaxed top-k mask and its gradient (Grover et al. 2019, arXiv:1903.08850 eq. 5; rows summed over m <= k as in YOTO,
 * arXiv:2512.17678): row m is softmax(((n+1-2m) s - b) / tau) with b_j = sum_l |s_j - s_l|. Along falling scores each row has one peak, at
 * position m, so only a band of the best genes counts: O(n + k * band) in float64, never n x n. Buffers are kept between calls.
 */
export class SoftTopK {
  /** The genes of the band, by falling score: the first k are the hard choice, and no other gene has weight. */
  order: Uint32Array = new Uint32Array(0);
  /** The mask's value at each position of `order`; the values sum to k. */
  weight: Float64Array = new Float64Array(0);
  #n = 0;
  #k = 0;
  #tau = 1;
  #low = new Int32Array(0);
  #offsets = new Uint32Array(0);
  #rows = new Float64Array(0);

  /** Finds the band and the mask. `scores` are float32, so that they sort as integers. */
  forward(scores: Float32Array, k: number, tau: number): void {
    const n = scores.length;
    [this.#n, this.#k, this.#tau] = [n, k, tau];
    let total = 0;
    for (let j = 0; j < n; j++) total += scores[j];
    for (let count = 2 * k + 64; ; count *= 4) {
      const order = highest(scores, Math.min(n, count));
      const s = Float64Array.from(order, (gene) => scores[gene]);
      const b = distanceSums(s, n, total);
      if (s.length < n && this.#logit(s, b, k - 1, s.length - 1) > -CUT) continue;
      const reach = this.#reach(s, b);
      this.order = order.subarray(0, reach);
      this.#allocate(reach);
      const isWide = this.#logit(s, b, k - 1, 0) > -SPAN && this.#logit(s, b, 0, reach - 1) > -SPAN && 8 * k < reach;
      if (isWide) this.#wide(s.subarray(0, reach), b);
      else this.#narrow(s.subarray(0, reach), b);
      return;
    }
  }

  /** How many positions have weight: behind the peaks logits fall, slowest in the last row. */
  #reach(s: Float64Array, b: Float64Array): number {
    let [low, high] = [this.#k, s.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#logit(s, b, this.#k - 1, middle) > -CUT) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Logit of row m at position r, less the row's largest. */
  #logit(s: Float64Array, b: Float64Array, m: number, r: number): number {
    const c = this.#n - 1 - 2 * m;
    return (c * (s[r] - s[m]) - (b[r] - b[m])) / this.#tau;
  }

  #allocate(length: number): void {
    if (this.#low.length !== this.#k) {
      this.#low = new Int32Array(this.#k);
      this.#offsets = new Uint32Array(this.#k + 1);
    }
    if (this.#rows.length < length) this.#rows = new Float64Array(Math.max(1024, 2 * length));
    this.weight = new Float64Array(length);
  }

  #reserve(size: number): void {
    if (size <= this.#rows.length) return;
    const larger = new Float64Array(2 * size);
    larger.set(this.#rows);
    this.#rows = larger;
  }

  /** Each row by itself, outwards from its peak until terms vanish. */
  #narrow(s: Float64Array, b: Float64Array): void {
    const length = s.length;
    for (let m = 0; m < this.#k; m++) {
      const c = this.#n - 1 - 2 * m;
      const peak = c * s[m] - b[m];
      let [first, last] = [m, m];
      while (first > 0 && (c * s[first - 1] - b[first - 1] - peak) / this.#tau > -CUT) first--;
      while (last < length - 1 && (c * s[last + 1] - b[last + 1] - peak) / this.#tau > -CUT) last++;
      const at = this.#offsets[m];
      this.#reserve(at + last - first + 1);
      let sum = 0;
      for (let r = first; r <= last; r++) sum += this.#rows[at + r - first] = Math.exp((c * s[r] - b[r] - peak) / this.#tau);
      for (let r = first; r <= last; r++) this.weight[r] += this.#rows[at + r - first] /= sum;
      this.#low[m] = first;
      this.#offsets[m + 1] = at + last - first + 1;
    }
  }

  /** All rows over the whole band: row m + 1 is row m times exp(-2 s / tau), up to a factor. */
  #wide(s: Float64Array, b: Float64Array): void {
    const length = s.length;
    this.#reserve(this.#k * length);
    const [rows, weight] = [this.#rows, this.weight];
    const step = Float64Array.from(s, (x) => Math.exp((-2 * (x - s[0])) / this.#tau));
    const current = Float64Array.from(s, (_, r) => Math.exp(this.#logit(s, b, 0, r)));
    for (let m = 0; m < this.#k; m++) {
      const at = m * length;
      let sum = 0;
      for (let r = 0; r < length; r++) sum += current[r];
      const inverse = 1 / sum;
      for (let r = 0; r < length; r++) {
        const p = current[r] * inverse;
        rows[at + r] = p;
        weight[r] += p;
        current[r] = p * step[r];
      }
      this.#low[m] = 0;
      this.#offsets[m + 1] = at + length;
    }
  }

  /**
   * The gradient with respect to the scores, by position in `order` (it is zero outside the band); `upstream` is that with respect to the mask.
   */
  backward(upstream: ArrayLike<number>): Float64Array {
    const length = this.order.length;
    const rows = this.#rows;
    const u = Float64Array.from(upstream);
    const direct = new Float64Array(length);
    const sums = new Float64Array(length);
    for (let m = 0; m < this.#k; m++) {
      const shift = this.#low[m] - this.#offsets[m];
      const [from, to] = [this.#offsets[m], this.#offsets[m + 1]];
      let mean = 0;
      for (let q = from; q < to; q++) mean += rows[q] * u[q + shift];
      for (let q = from; q < to; q++) {
        const r = q + shift;
        const d = rows[q] * (u[r] - mean);
        sums[r] += d;
        direct[r] += 2 * (r - m) * d;
      }
    }
    const own = new Float64Array(length);
    let above = 0;
    for (let r = 0; r < length; r++) {
      // The sums of all positions add up to zero, so what is below is minus what is above and here.
      own[r] = (direct[r] + 2 * above + sums[r]) / this.#tau;
      above += sums[r];
    }
    return own;
  }
}

/** b_j = sum over all n scores of |s_j - s_l|, for the highest scores in falling order; `total` is the sum of all n. */
function distanceSums(s: Float64Array, n: number, total: number): Float64Array {
  const b = new Float64Array(s.length);
  let above = 0;
  for (let r = 0; r < s.length; r++) {
    b[r] = above - r * s[r] + (n - 1 - r) * s[r] - (total - above - s[r]);
    above += s[r];
  }
  return b;
}
