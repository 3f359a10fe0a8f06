import { describe, expect, it } from 'vitest';
import { leastSquares, solve, symmetricEigen } from '../../stats/linear.ts';

describe('symmetricEigen', () => {
  it('gives values and vectors that rebuild the matrix', () => {
    const a = Float64Array.of(4, 1, -2, 1, 3, 0.5, -2, 0.5, 5);
    const { values, vectors } = symmetricEigen(a, 3);
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 3; j++) {
        let sum = 0;
        for (let e = 0; e < 3; e++) sum += vectors[i * 3 + e] * values[e] * vectors[j * 3 + e];
        expect(sum).toBeCloseTo(a[i * 3 + j], 12);
      }
    }
  });
});

describe('leastSquares', () => {
  it('gives the solution of minimum norm when columns repeat', () => {
    const x = [1, 2, 3, 4];
    const design = Float64Array.from(x.flatMap((v) => [v, v]));
    const model = leastSquares(design, 2);
    const product = new Float64Array(2);
    x.forEach((v, i) => {
      for (let a = 0; a < 2; a++) product[a] += model.centred[2 * i + a] * (3 * v);
    });
    const weights = solve(model, product);
    expect(weights[0]).toBeCloseTo(1.5, 10);
    expect(weights[1]).toBeCloseTo(1.5, 10);
  });
});
