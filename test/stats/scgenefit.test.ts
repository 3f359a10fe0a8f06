import { describe, expect, it } from 'vitest';
import type { DenseMatrix } from '../../data/matrix.ts';
import { Random } from '../../stats/random.ts';
import { betweenClassVariance, cellCentreSeparations, cellPairSeparations, centreSeparations } from '../../stats/scgenefit.ts';
import type { LabelledRows } from '../../stats/class-cells.ts';

const cells = (X: readonly (readonly number[])[], codes: readonly number[]): LabelledRows => {
  const matrix: DenseMatrix = { kind: 'dense', rows: X.length, cols: X[0].length, data: Float32Array.from(X.flat()) };
  return { matrix, rows: Uint32Array.from(codes.keys()), codes: Int32Array.from(codes), classCount: Math.max(...codes) + 1 };
};

const three = cells(
  [
    [0, 0],
    [2, 0],
    [1, 4],
    [1, 6],
    [7, 5],
    [7, 5],
  ],
  [0, 0, 1, 1, 2, 2],
);
const options = { random: new Random(1), most: 1000 };

describe('what scGeneFit keeps apart', () => {
  it('is the squared differences of class means, each class and its next', () => {
    const { rows, margin } = centreSeparations(three, { ...options, redundancy: 0, consecutive: false });
    expect([...rows]).toEqual([0, 25, 36, 25, 36, 0]);
    expect(margin).toBe(25);
  });

  it('has further pairs of classes, or repeats neighbours as the reference does', () => {
    const four = cells([[0], [1], [3], [7]], [0, 1, 2, 3]);
    const all = centreSeparations(four, { ...options, redundancy: 1, consecutive: false });
    expect([...all.rows].sort((a, b) => a - b)).toEqual([1, 4, 9, 16, 36, 49]);
    const repeated = centreSeparations(four, { ...options, redundancy: 1, consecutive: true });
    expect([...repeated.rows].sort((a, b) => a - b)).toEqual([1, 1, 1, 4, 4, 4, 16, 16, 16, 49, 49, 49]);
  });

  it('is how much nearer sampled cells are to the mean of their own class', async () => {
    const { rows, found } = await cellCentreSeparations(three, { ...options, samplingRate: 1 });
    expect(found).toBe(12);
    expect([...rows.subarray(0, 4)].map(Number)).toSatisfy(
      (first: number[]) => first.join() === '0,25,48,25' || first.join() === '0,25,24,25',
    );
  });

  it('is the squared differences to the nearest cells of other classes', async () => {
    const { rows, found, margin } = await cellPairSeparations(three, { ...options, samplingRate: 1, neighbours: 1 });
    expect(found).toBe(12);
    expect(margin).toBe(17);
    for (let r = 0; r < rows.length; r += 2) expect(rows[r] + rows[r + 1]).toBeGreaterThanOrEqual(17);
  });

  it('keeps as many comparisons as allowed, and the margin of all', async () => {
    const { rows, margin } = await cellPairSeparations(three, { ...options, most: 5, samplingRate: 1, neighbours: 2 });
    expect(rows.length).toBe(10);
    expect(margin).toBe(17);
  });

  it('refuses classes that are the same', () => {
    const same = cells([[1], [1]], [0, 1]);
    expect(() => centreSeparations(same, { ...options, redundancy: 0, consecutive: false })).toThrow(/tells the classes apart/);
  });

  it('prefers genes with much variance between classes', () => {
    expect([...betweenClassVariance(three)]).toEqual([8, (100 / 9 + 25 / 9 + 25 / 9) / 3].map((v) => expect.closeTo(v, 9)));
  });
});
