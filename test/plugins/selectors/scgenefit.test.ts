import { describe, expect, it } from 'vitest';
import { solveSeparations } from '../../../plugins/selectors/_lp.ts';
import scgenefit from '../../../plugins/selectors/scgenefit.ts';
import { Random } from '../../../stats/random.ts';
import { panelOn, testGoldenAccuracy } from '../../kit/golden-panels.ts';
import { hasPython, runPython } from '../../kit/python.ts';
import { testSelector } from '../../kit/selector.ts';
import { tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

testSelector(scgenefit);

/** Rows of random numbers, more of them above zero than below. */
function made(count: number, genes: number): { rows: Float64Array; genes: number; margin: number; found: number } {
  const random = new Random(11);
  const rows = Float64Array.from({ length: count * genes }, () => Math.max(0, random.normal()) ** 2 - 0.4 * random.uniform());
  return { rows, genes, margin: 2, found: count };
}

const missing = ({ rows, genes, margin }: ReturnType<typeof made>, alpha: Float64Array, epsilon: number): number => {
  let sum = 0;
  for (let r = 0; r < rows.length; r += genes) {
    let dot = 0;
    for (let j = 0; j < genes; j++) dot += rows[r + j] * alpha[j];
    sum += Math.max(0, epsilon * margin - dot);
  }
  return sum;
};

/** The least shortfall by scipy, all rows at once. */
const scipy = (given: object): number =>
  runPython(
    `
import json, sys, numpy as np
from scipy.optimize import linprog
g = json.loads(sys.argv[1])
m = len(g['rows']) // g['genes']
rows = np.array(g['rows']).reshape(m, -1)
A = np.block([[-rows, -np.eye(m)], [np.ones((1, g['genes'])), np.zeros((1, m))]])
b = np.r_[-g['epsilon'] * g['margin'] * np.ones(m), g['k']]
print(linprog(np.r_[np.zeros(g['genes']), np.ones(m)], A, b, bounds=[(0, 1)] * g['genes'] + [(0, None)] * m).fun)
`,
    JSON.stringify(given),
  );

describe('the linear program of scGeneFit', () => {
  it.each([0.5, 3, 8])('has weights within bounds, and the shortfall that it tells, epsilon %f', async (epsilon) => {
    const program = made(80, 30);
    const plain = await solveSeparations({ ...program, k: 5, epsilon });
    const preferring = await solveSeparations({ ...program, k: 5, epsilon, preference: Float64Array.from({ length: 30 }, (_, j) => j) });
    for (const { alpha, slack } of [plain, preferring]) {
      expect(Math.min(...alpha)).toBeGreaterThanOrEqual(-1e-7);
      expect(Math.max(...alpha)).toBeLessThanOrEqual(1 + 1e-7);
      expect(alpha.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(5 + 1e-6);
      expect(missing(program, alpha, epsilon)).toBeCloseTo(slack, 4);
    }
    expect(preferring.slack).toBeCloseTo(plain.slack, 4);
    const worth = (alpha: Float64Array): number => alpha.reduce((sum, a, j) => sum + a * j, 0);
    expect(worth(preferring.alpha)).toBeGreaterThanOrEqual(worth(plain.alpha) - 1e-4);
  });

  it('shows the solver few of the rows when few bind', async () => {
    expect((await solveSeparations({ ...made(400, 30), k: 20, epsilon: 1 })).rows).toBeLessThan(200);
  });

  it.skipIf(!hasPython).each([0.5, 3, 8])('has the least shortfall, as scipy finds it, epsilon %f', async (epsilon) => {
    const program = made(80, 30);
    const { slack } = await solveSeparations({ ...program, k: 5, epsilon });
    expect(slack).toBeCloseTo(scipy({ ...program, rows: [...program.rows], k: 5, epsilon }), 4);
  });
});

describe('selector/scgenefit', () => {
  it.each(['centers', 'pairwise_centers', 'pairwise'])('finds genes that tell the classes apart, by %s', async (method) => {
    const data = tinyAtlas();
    const panel = await panelOn(scgenefit, { data, split: tinySplit(data) }, { column: 'type', k: 8, params: { method } });
    expect([...panel.genes].filter((j) => j < 12).length).toBeGreaterThanOrEqual(7);
    expect([...panel.scores]).toEqual([...panel.scores].sort((a, b) => b - a));
  });

  it('can take whichever optimum the solver ends at', async () => {
    const data = tinyAtlas();
    const params = { optimum: 'any', constraints: 'consecutive', redundancy: 1 };
    const panel = await panelOn(scgenefit, { data, split: tinySplit(data) }, { column: 'type', k: 8, params });
    expect(new Set(panel.genes).size).toBe(8);
  });

  testGoldenAccuracy(scgenefit, { method: 'scgenefit:centers' });
  testGoldenAccuracy(scgenefit, { method: 'scgenefit:pairwise_centers', params: { method: 'pairwise_centers', max_constraints: 500 } });
});
