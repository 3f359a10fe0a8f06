import { describe, expect, it } from 'vitest';
import { solveSeparations } from '../../../plugins/selectors/_lp.ts';
import scgenefit from '../../../plugins/selectors/scgenefit.ts';
import { panelOn } from '../../kit/golden-panels.ts';
import { hasPython, runPython } from '../../kit/python.ts';
import { testGoldenAccuracy } from '../../kit/golden-tests.ts';
import { testSelector } from '../../kit/selector.ts';
import { tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

testSelector(scgenefit);

/** Rows of numbers between -0.2 and 0.8, most of them small, by a formula that scipy's side has too. */
function made(count: number, genes: number): { rows: Float64Array; genes: number; margin: number; found: number } {
  const rows = Float64Array.from({ length: count * genes }, (_, at) => {
    const [r, j] = [Math.floor(at / genes), at % genes];
    return (((r * 7919 + j * 104729 + r * j * 31) % 1009) / 1009) ** 3 - 0.2;
  });
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

/** The least shortfall by scipy, all rows and genes at once. */
const scipy = (given: object): number =>
  runPython(
    `
import json, sys, numpy as np
from scipy.optimize import linprog
g = json.loads(sys.argv[1])
r, j = np.meshgrid(np.arange(g['count']), np.arange(g['genes']), indexing='ij')
rows = ((r * 7919 + j * 104729 + r * j * 31) % 1009 / 1009) ** 3 - 0.2
m, d = rows.shape
A = np.block([[-rows, -np.eye(m)], [np.ones((1, d)), np.zeros((1, m))]])
b = np.r_[-g['epsilon'] * 2 * np.ones(m), g['k']]
print(linprog(np.r_[np.zeros(d), np.ones(m)], A, b, bounds=[(0, 1)] * d + [(0, None)] * m).fun)
`,
    JSON.stringify(given),
  );

/** The least shortfall by HiGHS from text, all rows and genes at once. */
async function fromText({ rows, genes, margin }: ReturnType<typeof made>, k: number, epsilon: number): Promise<number> {
  const { default: load } = (await import('highs')) as unknown as { default: (typeof import('highs'))['default'] };
  const names = (prefix: string, n: number): string[] => Array.from({ length: n }, (_, i) => `${prefix}${i}`);
  const [a, b] = [names('a', genes), names('b', rows.length / genes)];
  const lines = b.map(
    (own, r) =>
      `${a.map((name, j) => `${rows[r * genes + j] < 0 ? '-' : '+'} ${Math.abs(rows[r * genes + j])} ${name}`).join(' ')} + ${own} >= ${epsilon * margin}`,
  );
  const text = [
    'Minimize',
    b.join(' + '),
    'Subject To',
    ...lines,
    `${a.join(' + ')} <= ${k}`,
    'Bounds',
    ...a.map((name) => `0 <= ${name} <= 1`),
    'End',
  ];
  return (await load()).solve(text.join('\n')).ObjectiveValue;
}

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
    expect((await solveSeparations({ ...made(400, 300), k: 60, epsilon: 1 })).rows).toBeLessThan(200);
  });

  it.each([
    [80, 30, 0.5, 5],
    [80, 30, 3, 5],
    [60, 900, 1, 12],
    [60, 900, 3, 12],
  ])('has the least shortfall: %i rows, %i genes, epsilon %f', async (count, genes, epsilon, k) => {
    const program = made(count, genes);
    const { slack } = await solveSeparations({ ...program, k, epsilon });
    expect(slack).toBeCloseTo(await fromText(program, k, epsilon), 4);
  });

  it.skipIf(!hasPython)('has the least shortfall that scipy finds', async () => {
    const { slack } = await solveSeparations({ ...made(60, 900), k: 12, epsilon: 3 });
    expect(slack).toBeCloseTo(scipy({ count: 60, genes: 900, k: 12, epsilon: 3 }), 4);
  });

  it('gives the solver more genes where those with the highest sums are not enough', async () => {
    // Row 0 wants genes 600 and on, of which each has a lower sum than those before.
    const genes = 700;
    const rows = Float64Array.from({ length: 4 * genes }, (_, at) => (at % genes < 600 ? Number(at >= genes) : 0.5 * Number(at < genes)));
    const { alpha, slack, seen } = await solveSeparations({ rows, genes, margin: 1, found: 4, k: 4, epsilon: 1 });
    expect(slack).toBeCloseTo(0, 6);
    expect(seen).toBeGreaterThan(500);
    expect(alpha.subarray(600).reduce((sum, w) => sum + w, 0)).toBeGreaterThanOrEqual(2 - 1e-6);
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
