import { describe, expect, it } from 'vitest';
import { type DenseMatrix, toCsc } from '../../data/matrix.ts';
import { loadingSums, pca, tridiagonalEigen } from '../../stats/pca.ts';
import { Random } from '../../stats/random.ts';

/** Cells x genes with a few strong directions and noise; about half the values are zero. */
function sample(rows: number, cols: number): DenseMatrix {
  const random = new Random(5);
  const data = new Float32Array(rows * cols);
  for (let i = 0; i < rows; i++) {
    const factors = [6, 4, 3].map((s) => s * random.normal());
    for (let j = 0; j < cols; j++) data[i * cols + j] = Math.max(0, factors[j % 3] * Math.sin(j + 1) + random.normal());
  }
  return { kind: 'dense', rows, cols, data };
}

/** The covariance of the columns, cols x cols. */
function covariance({ rows, cols, data }: DenseMatrix): number[][] {
  const means = Array.from({ length: cols }, (_, j) => {
    let sum = 0;
    for (let i = 0; i < rows; i++) sum += data[i * cols + j];
    return sum / rows;
  });
  return means.map((a, j) =>
    means.map((b, q) => {
      let sum = 0;
      for (let i = 0; i < rows; i++) sum += (data[i * cols + j] - a) * (data[i * cols + q] - b);
      return sum / (rows - 1);
    }),
  );
}

/** Largest difference between covariance x vector and variance x vector over the components. */
function misfit(matrix: DenseMatrix, { count, variances, loadings }: Awaited<ReturnType<typeof pca>>): number {
  const c = covariance(matrix);
  const d = matrix.cols;
  let worst = 0;
  for (let p = 0; p < count; p++) {
    const v = loadings.subarray(p * d, (p + 1) * d);
    c.forEach((row, j) => (worst = Math.max(worst, Math.abs(row.reduce((sum, x, q) => sum + x * v[q], 0) - variances[p] * v[j]))));
  }
  return worst / variances[0];
}

describe('pca', () => {
  it('finds directions that the covariance only stretches, of length 1 and at right angles', async () => {
    const matrix = sample(120, 60);
    const found = await pca(toCsc(matrix), { components: 8 });
    expect(found.count).toBe(8);
    expect(misfit(matrix, found)).toBeLessThan(1e-6);
    for (let p = 0; p < 8; p++) {
      for (let q = 0; q <= p; q++) {
        let dot = 0;
        for (let j = 0; j < 60; j++) dot += found.loadings[p * 60 + j] * found.loadings[q * 60 + j];
        expect(dot).toBeCloseTo(p === q ? 1 : 0, 9);
      }
    }
  });

  it('gives the largest variances, falling, and all of them when asked for all', async () => {
    const matrix = sample(80, 12);
    const { variances, count } = await pca(toCsc(matrix), { components: 50 });
    expect(count).toBe(12);
    expect([...variances]).toEqual([...variances].sort((a, b) => b - a));
    const trace = covariance(matrix).reduce((sum, row, j) => sum + row[j], 0);
    expect(variances.reduce((a, b) => a + b, 0)).toBeCloseTo(trace, 6);
    const few = await pca(toCsc(matrix), { components: 3 });
    few.variances.forEach((v, p) => expect(v).toBeCloseTo(variances[p], 6));
  });

  it('does with fewer cells than genes, with constant genes, and with no variance at all', async () => {
    const wide = await pca(toCsc(sample(6, 40)), { components: 20 });
    expect(wide.count).toBe(5);
    expect(wide.variances.every((v) => v > 0)).toBe(true);
    let steps = 0;
    await pca(toCsc(sample(6, 400)), { components: 20, onStep: (done) => void (steps = done) });
    expect(steps).toBeLessThan(12);
    const flat: DenseMatrix = { kind: 'dense', rows: 10, cols: 4, data: new Float32Array(40).fill(2) };
    const none = await pca(toCsc(flat), { components: 2 });
    expect([...none.variances].every((v) => Math.abs(v) < 1e-12)).toBe(true);
    expect(loadingSums(none, 4).every(Number.isFinite)).toBe(true);
  });

  it('finds directions of the same variance', async () => {
    const data = new Float32Array(8 * 3);
    for (let i = 0; i < 8; i++) for (let j = 0; j < 3; j++) data[i * 3 + j] = (i >> j) & 1;
    const { variances } = await pca(toCsc({ kind: 'dense', rows: 8, cols: 3, data }), { components: 3 });
    variances.forEach((v) => expect(v).toBeCloseTo(2 / 7, 9));
  });

  it('can be stopped between steps', async () => {
    const stop = (): void => {
      throw new Error('cancelled');
    };
    await expect(pca(toCsc(sample(20, 10)), { components: 3, onStep: stop })).rejects.toThrow('cancelled');
  });
});

describe('tridiagonalEigen', () => {
  it('takes a matrix apart whose eigenvalues are known', () => {
    // 2 on the diagonal, -1 beside it: 2 - 2 cos(pi i / (m + 1)).
    const m = 40;
    const all = (x: number): number[] => Array.from({ length: m }, () => x);
    const { values } = tridiagonalEigen(all(2), all(-1));
    values.forEach((v, i) => expect(v).toBeCloseTo(2 - 2 * Math.cos((Math.PI * (m - i)) / (m + 1)), 12));
  });
});
