import { describe, expect, it } from 'vitest';
import { toCsc } from '../../data/matrix.ts';
import { codeColumns, codeSparseColumns } from '../../stats/forest-columns.ts';
import { fitForest, predictForest } from '../../stats/forest.ts';
import { mostProbable } from '../../stats/metrics.ts';
import { Random } from '../../stats/random.ts';

function moons(n: number, seed: number): { block: Float32Array; codes: Int32Array } {
  const random = new Random(seed);
  const codes = Int32Array.from({ length: n }, (_, i) => i % 2);
  const block = new Float32Array(n * 3);
  for (let i = 0; i < n; i++) {
    const angle = Math.PI * random.uniform();
    block[3 * i] = (codes[i] ? 1 - Math.cos(angle) : Math.cos(angle)) + 0.2 * random.normal();
    block[3 * i + 1] = (codes[i] ? 0.5 - Math.sin(angle) : Math.sin(angle)) + 0.2 * random.normal();
    block[3 * i + 2] = random.normal();
  }
  return { block, codes };
}

describe('coded columns', () => {
  it('are the same from a sparse matrix as from a dense block', () => {
    const random = new Random(3);
    const draw = (): number =>
      random.uniform() < 0.6 ? 0 : Math.fround(random.uniform() < 0.2 ? -random.uniform() : Math.floor(9 * random.uniform()) / 4);
    const [rows, cols] = [700, 9];
    const data = Float32Array.from({ length: rows * cols }, draw);
    for (let i = 0; i < rows; i++) {
      data[i * cols] = 0;
      data[i * cols + 1] = -1 - (i % 3);
      data[i * cols + 2] = 1 + (i % 400);
      data[i * cols + 3] = -Math.abs(data[i * cols + 3]) || 0;
    }
    const { codes, values } = codeSparseColumns(toCsc({ kind: 'dense', rows, cols, data }));
    const expected = codeColumns(data, rows, cols);
    expect([...codes]).toEqual([...expected.codes]);
    expect(values.map((v) => [...v])).toEqual(expected.values.map((v) => [...v]));
  });
});

describe('forest', () => {
  const learn = moons(400, 1);
  const test = moons(400, 2);
  const problem = { block: learn.block, rows: 400, features: 3, target: { kind: 'classes' as const, codes: learn.codes, classCount: 2 } };

  it('learns a curved border', async () => {
    const predicted = mostProbable(predictForest(await fitForest(problem, { seed: 0 }), test.block), 2);
    const right = predicted.filter((c, i) => c === test.codes[i]).length;
    expect(right / 400).toBeGreaterThan(0.9);
  });

  it('gives the same probabilities for the same seed, and others for another', async () => {
    const run = async (seed: number): Promise<Float64Array> => predictForest(await fitForest(problem, { seed, trees: 10 }), test.block);
    expect(await run(4)).toEqual(await run(4));
    expect(await run(4)).not.toEqual(await run(5));
  });

  it('gives probabilities that sum to one', async () => {
    const probabilities = predictForest(await fitForest(problem, { seed: 0, trees: 7 }), test.block);
    for (let i = 0; i < probabilities.length; i += 2) expect(probabilities[i] + probabilities[i + 1]).toBeCloseTo(1, 12);
  });

  it('learns values', async () => {
    const values = Float64Array.from({ length: 400 }, (_, i) => learn.block[3 * i] ** 2);
    const forest = await fitForest({ ...problem, target: { kind: 'values', values } }, { seed: 0, trees: 40 });
    const predicted = predictForest(forest, test.block);
    const error = predicted.reduce((sum, y, i) => sum + Math.abs(y - test.block[3 * i] ** 2) / 400, 0);
    expect(error).toBeLessThan(0.1);
  });

  it('makes one leaf of features that never vary', async () => {
    const flat = { ...problem, block: new Float32Array(1200) };
    const { trees } = await fitForest(flat, { seed: 0, trees: 1 });
    expect([...trees[0].feature]).toEqual([-1]);
  });

  it('stays exact with more than 65,535 distinct values in a column', () => {
    const n = 70_000;
    const coded = codeColumns(
      Float32Array.from({ length: n }, (_, i) => i),
      n,
      1,
    );
    expect(coded.codes).toBeInstanceOf(Uint32Array);
    expect(coded.codes[n - 1]).toBe(n - 1);
  });
});
