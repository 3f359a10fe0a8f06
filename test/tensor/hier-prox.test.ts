import { describe, expect, it } from 'vitest';
import { Random } from '../../stats/random.ts';
import { hierProx, lambdaStart } from '../../tensor/hier-prox.ts';
import { golden, hasShared } from '../kit/shared-data.ts';

/** Rows of a matrix given as outputs x features, features x outputs. */
const columns = (m: number[][]): number[][] => m[0].map((_, j) => m.map((row) => row[j]));

/** The algorithm as published, with the sizes of u sorted. */
function sorted(row: readonly number[], skips: number, lambda: number, M: number): number[] {
  const v = row.slice(0, skips);
  const u = row.slice(skips);
  const norm = Math.hypot(...v);
  const sizes = u.map(Math.abs).toSorted((a, b) => b - a);
  for (let m = 0, sum = 0; ; sum += sizes[m++]) {
    const x = Math.max(0, 1 - (lambda - M * sum) / norm) / (1 + m * M * M);
    const w = M * x * norm;
    if (m < sizes.length && sizes[m] > w) continue;
    return [...v.map((value) => value * x), ...u.map((value) => Math.sign(value) * Math.min(Math.abs(value), w))];
  }
}

describe('HIER-PROX', () => {
  it.skipIf(!hasShared)('gives what the reference gives', () => {
    const units = golden('unit/lassonet_units.json');
    const [v, u] = [columns(units['v(out x features)']), columns(units['u(hidden x features)'])];
    for (const { lambda, M, beta, theta } of units.cases) {
      const [wantedV, wantedU] = [columns(beta), columns(theta)];
      v.forEach((own, j) => {
        const row = Float32Array.from([...own, ...u[j]]);
        hierProx(row, own.length, lambda, M);
        [...wantedV[j], ...wantedU[j]].forEach((value, at) => expect(Math.abs(row[at] - value)).toBeLessThan(1e-5));
      });
    }
    const weights = Float32Array.from(v.flatMap((own, j) => [...own, ...u[j]]));
    for (const M of [1, 10]) expect(lambdaStart(weights, { skips: 3, width: 8, M })).toBeCloseTo(units[`lambda_start_M${M}`], 8);
  });

  it('gives what the published form with sorting gives', () => {
    const random = new Random(4);
    for (let trial = 0; trial < 200; trial++) {
      const row = Float32Array.from({ length: 25 }, () => random.normal() * 10 ** (trial % 3));
      const [lambda, M] = [5 * random.uniform(), 10 ** (2 * random.uniform() - 1)];
      const wanted = sorted([...row], 4, lambda, M);
      const norm = hierProx(row, 4, lambda, M);
      row.forEach((value, at) => expect(Math.abs(value - wanted[at])).toBeLessThan(1e-4));
      expect(norm).toBeCloseTo(Math.hypot(...wanted.slice(0, 4)), 3);
    }
  });
});
