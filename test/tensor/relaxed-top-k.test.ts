import { describe, expect, it } from 'vitest';
import { relaxedTopK, relaxedTopKGradient } from '../../tensor/relaxed-top-k.ts';
import { Random } from '../../stats/random.ts';
import { golden, hasShared } from '../kit/shared-data.ts';

const sum = (x: ArrayLike<number>): number => Array.from(x).reduce((a, b) => a + b, 0);

/** The definition, word for word. */
function plain(scores: ArrayLike<number>, k: number, t: number): Float64Array {
  const a = Float64Array.from(scores);
  const mask = new Float64Array(a.length);
  for (let r = 0; r < k; r++) {
    const most = Math.max(...a);
    const w = a.map((x) => Math.exp((x - most) / t));
    const total = sum(w);
    w.forEach((x, j) => {
      mask[j] += x / total;
      a[j] += Math.log(Math.max(1 - x / total, 1e-40));
    });
  }
  return mask;
}

describe('relaxedTopK', () => {
  it.skipIf(!hasShared)('gives the values and gradients of the reference', () => {
    const { w, continuous_topk: cases } = golden('unit/markermap_units.json');
    for (const { t, k, relaxed, v, ...rest } of cases) {
      const { mask, rounds } = relaxedTopK(w, k, t);
      const gradient = relaxedTopKGradient(rounds, v);
      const expected = rest['grad_for_L=sum(v*relaxed)'][0] as number[];
      // The reference's float32 1 - o, divided by a t of 0.01, is itself only good to 1e-4.
      const within = t < 0.1 && k > 1 ? 1e-4 : 1e-5;
      const near = (got: number, x: number): void =>
        expect(Math.abs(got - x), `t ${t}, k ${k}: ${got}, ${x}`).toBeLessThan(within * Math.max(1, Math.abs(x)));
      relaxed[0].forEach((x: number, j: number) => near(mask[j], x));
      expected.forEach((x, j) => near(gradient[j], x));
    }
  });

  const random = Random.of(3, 'relaxed');
  const scores = Float64Array.from({ length: 300 }, () => random.gumbel());

  it.each([3, 1, 0.3, 0.17, 0.1, 0.01, 1e-3])('is the same sum of rounds however they are computed, at t = %s', (t) => {
    const { mask } = relaxedTopK(scores, 20, t);
    const expected = plain(scores, 20, t);
    mask.forEach((x, j) => expect(x).toBeCloseTo(expected[j], 9));
    expect(sum(mask)).toBeCloseTo(20, 8);
  });

  it.each([3, 0.3, 0.1])('has the gradient of finite differences at t = %s', (t) => {
    const upstream = Float64Array.from({ length: 300 }, () => random.normal());
    const gradient = relaxedTopKGradient(relaxedTopK(scores, 20, t).rounds, upstream);
    const value = (j: number, by: number): number => {
      const moved = scores.slice();
      moved[j] += by;
      return sum(plain(moved, 20, t).map((m, i) => m * upstream[i]));
    };
    for (const j of [0, 5, 77, 150, 299]) expect(gradient[j]).toBeCloseTo((value(j, 1e-5) - value(j, -1e-5)) / 2e-5, 4);
  });

  it('takes all genes when k is all of them, and reuses the room it is given', () => {
    const room = new Float64Array(300 * 300);
    for (const t of [1, 0.01]) {
      const { mask, rounds } = relaxedTopK(scores, 300, t, room);
      expect(rounds.shares).toBe(room);
      expect(sum(mask)).toBeCloseTo(300, 6);
      expect(relaxedTopKGradient(rounds, scores).every(Number.isFinite)).toBe(true);
    }
  });
});
