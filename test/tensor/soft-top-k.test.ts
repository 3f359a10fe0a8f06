import { describe, expect, it } from 'vitest';
import { Random } from '../../stats/random.ts';
import { kthLargest } from '../../stats/ranks.ts';
import { SoftTopK } from '../../tensor/soft-top-k.ts';
import { golden, hasShared } from '../kit/shared-data.ts';

/** The definition, n x n, in float64. */
function naive(s: ArrayLike<number>, k: number, tau: number): number[] {
  const n = s.length;
  const values = Array.from(s);
  const b = values.map((x) => values.reduce((sum, y) => sum + Math.abs(x - y), 0));
  const mask = values.map(() => 0);
  for (let m = 1; m <= k; m++) {
    const z = values.map((x, j) => ((n + 1 - 2 * m) * x - b[j]) / tau);
    const peak = Math.max(...z);
    const total = z.reduce((sum, v) => sum + Math.exp(v - peak), 0);
    z.forEach((v, j) => (mask[j] += Math.exp(v - peak) / total));
  }
  return mask;
}

/** The mask over all genes, and the gradient for an upstream gradient over all genes. */
function softTopK(
  scores: ArrayLike<number>,
  k: number,
  tau: number,
  upstream?: ArrayLike<number>,
): { mask: Float64Array; gradient: Float64Array } {
  const own = new SoftTopK();
  own.forward(Float32Array.from(scores), k, tau);
  const mask = new Float64Array(scores.length);
  own.order.forEach((gene, r) => (mask[gene] = own.weight[r]));
  const gradient = new Float64Array(scores.length);
  if (upstream) {
    const part = own.backward(Float64Array.from(own.order, (gene) => upstream[gene]));
    own.order.forEach((gene, r) => (gradient[gene] = part[r]));
  }
  return { mask, gradient };
}

const random = new Random(3);
const draw = (n: number, spread = 1): Float32Array => Float32Array.from({ length: n }, () => spread * random.normal());

describe('SoftTopK', () => {
  it.skipIf(!hasShared)('gives the mask and the gradient of the reference', () => {
    const { s, cases } = golden('unit/yoto_neuralsort.json');
    for (const { k, tau, w, soft_mask: mask, 'dL_ds_for_L=sum(w*soft_mask)': wanted } of cases) {
      const own = softTopK(s, k, tau, w);
      mask.forEach((value: number, j: number) => expect(Math.abs(own.mask[j] - value)).toBeLessThan(1e-5));
      wanted.forEach((value: number, j: number) =>
        expect(Math.abs(own.gradient[j] - value)).toBeLessThan(1e-5 * Math.max(1, Math.abs(value))),
      );
    }
  });

  it.each([
    [60, 1, 1, 1],
    [60, 7, 0.1, 1],
    [60, 60, 10, 1],
    [60, 20, 0.01, 1],
    [900, 5, 1, 0.01],
    [900, 5, 1, 1],
    [900, 30, 5, 0.1],
    [900, 30, 0.01, 0.01],
  ])('equals the full n x n form (n = %d, k = %d, tau = %d, spread %d)', (n, k, tau, spread) => {
    const s = draw(n, spread);
    const { mask } = softTopK(s, k, tau);
    naive(s, k, tau).forEach((value, j) => expect(mask[j]).toBeCloseTo(value, 7));
    expect(mask.reduce((a, b) => a + b, 0)).toBeCloseTo(k, 9);
  });

  it.each([
    [60, 9, 5, 1],
    [700, 12, 4, 0.02],
  ])('has the gradient that finite differences give (n = %d, k = %d, tau = %d, spread %d)', (n, k, tau, spread) => {
    const s = draw(n, spread);
    const weights = Float64Array.from(draw(n));
    const loss = (given: ArrayLike<number>): number => naive(given, k, tau).reduce((sum, m, j) => sum + m * weights[j], 0);
    const { gradient } = softTopK(s, k, tau, weights);
    for (let j = 0; j < n; j += n > 100 ? 97 : 1) {
      const [up, down] = [Float64Array.from(s), Float64Array.from(s)];
      up[j] += 1e-6;
      down[j] -= 1e-6;
      const wanted = (loss(up) - loss(down)) / 2e-6;
      expect(Math.abs(gradient[j] - wanted)).toBeLessThan(1e-4 * Math.max(1, Math.abs(wanted)));
    }
  });

  it('orders float32 scores by value, negative and equal ones too', () => {
    const own = new SoftTopK();
    own.forward(Float32Array.of(0.5, -0.25, 0, -0, 3, 0.5, -7), 7, 0.1);
    expect([...own.order]).toEqual([4, 0, 5, 2, 3, 1, 6]);
  });

  it('looks at the best genes only when the others have no weight', () => {
    const own = new SoftTopK();
    own.forward(draw(5000), 8, 0.01);
    expect(own.order.length).toBeLessThan(200);
  });
});

it('kthLargest selects as a sort does', () => {
  const values = Float32Array.from(draw(500), (x) => Math.round(4 * x));
  const sorted = values.slice().sort().reverse();
  for (const k of [1, 2, 77, 499, 500]) expect(kthLargest(values, k)).toBe(sorted[k - 1]);
});
