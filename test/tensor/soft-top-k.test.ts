import { describe, expect, it } from 'vitest';
import { Random } from '../../stats/random.ts';
import { loadBackend } from '../../tensor/backend.ts';
import { softTopK, softTopKGradient, topKGate } from '../../tensor/soft-top-k.ts';
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

describe('softTopK', () => {
  const random = new Random(3);
  const scores = Float64Array.from({ length: 60 }, () => random.normal());

  it.skipIf(!hasShared)('gives the mask and the gradient of the reference', () => {
    const { s, cases } = golden('unit/yoto_neuralsort.json');
    for (const { k, tau, w, soft_mask: mask, 'dL_ds_for_L=sum(w*soft_mask)': gradient } of cases) {
      const own = softTopK(s, k, tau);
      mask.forEach((value: number, j: number) => expect(own.mask[j]).toBeCloseTo(value, 6));
      const ownGradient = softTopKGradient(own.band, w);
      gradient.forEach((value: number, j: number) =>
        expect(Math.abs(ownGradient[j] - value)).toBeLessThan(1e-5 * Math.max(1, Math.abs(value))),
      );
    }
  });

  it.each([
    [1, 1],
    [7, 0.1],
    [60, 10],
    [20, 0.01],
  ])('equals the full n x n form (k = %d, tau = %d)', (k, tau) => {
    const { mask } = softTopK(scores, k, tau);
    naive(scores, k, tau).forEach((value, j) => expect(mask[j]).toBeCloseTo(value, 10));
    expect(mask.reduce((a, b) => a + b, 0)).toBeCloseTo(k, 9);
  });

  it('has the gradient that finite differences give', () => {
    const weights = Float64Array.from({ length: 60 }, () => random.normal());
    const loss = (s: Float64Array): number => softTopK(s, 9, 5).mask.reduce((sum, m, j) => sum + m * weights[j], 0);
    const gradient = softTopKGradient(softTopK(scores, 9, 5).band, weights);
    for (let j = 0; j < 60; j++) {
      const [up, down] = [scores.slice(), scores.slice()];
      up[j] += 1e-6;
      down[j] -= 1e-6;
      expect(gradient[j]).toBeCloseTo((loss(up) - loss(down)) / 2e-6, 5);
    }
  });

  it('sorts float32 scores as it sorts float64 ones, negative and equal ones too', () => {
    const mixed = Float32Array.of(0.5, -0.25, 0, -0, 3, 0.5, -7);
    expect([...softTopK(mixed, 2, 0.1).band.order]).toEqual([4, 0, 5, 2, 3, 1, 6]);
  });
});

describe('topKGate', () => {
  it('is hard forward and soft backward', async () => {
    const { tf } = await loadBackend();
    const s = tf.tensor1d([0.1, 2, -1, 0.7, 1.5]);
    const w = tf.tensor1d([1, 2, 3, 4, 5]);
    expect([...topKGate(tf, s, { k: 2, tau: 1 }).dataSync()]).toEqual([0, 1, 0, 0, 1]);
    const gradient = tf
      .grad((x) => topKGate(tf, x.as1D(), { k: 2, tau: 1 }).mul(w).sum())(s)
      .dataSync();
    const expected = softTopKGradient(softTopK(s.dataSync(), 2, 1).band, w.dataSync());
    gradient.forEach((g, j) => expect(g).toBeCloseTo(expected[j], 5));
  });
});
