import { describe, expect, test } from 'vitest';
import html from '../../../plugins/reporters/html.ts';
import { compare, moreSeeds, POWER, termsOf } from '../../../plugins/reporters/report/comparison.ts';
import { rankDiagram } from '../../../plugins/reporters/report/critical-difference.ts';
import { rowsOf } from '../../../plugins/reporters/report/rows.ts';
import { pairedPower } from '../../../stats/inference-effects.ts';
import { type MadeUpRun, madeUpRun, report } from '../../kit/reporter.ts';

type Cell = Readonly<Record<string, string | number>>;

const page = async (run: MadeUpRun, params: Record<string, unknown> = { test_share: 0.2 }): Promise<string> =>
  new TextDecoder().decode((await report(html, madeUpRun(run), params)).get('report.html'));
const section = (text: string): string => /<section id="sure">.*?<\/section>/s.exec(text)?.[0] ?? '';
const prose = (text: string): string =>
  text
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
    .replaceAll('&#39;', "'");
const csvOf = (text: string, name: string): string[][] => {
  const data = new RegExp(`download="${name}" href="data:text/csv;charset=utf-8;base64,([^"]+)"`).exec(text)![1];
  return Buffer.from(data, 'base64')
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','));
};

/** Means by selector, with a spread of their own that no two share. */
const around =
  (means: Readonly<Record<string, number>>, spread = 0.01) =>
  ({ selector, seed, k }: Cell): Record<string, number> => ({
    accuracy: means[selector] + Number(k) / 1000 + spread * Math.sin(7 * Number(seed) + 13 * Object.keys(means).indexOf(String(selector))),
  });

describe('the verdict', () => {
  test("names two that can't be told apart, and how many more seeds would tell", async () => {
    const values = around({ yoto: 0.85, wilcoxon: 0.83 }, 0.03);
    const text = prose(section(await page({ selectors: ['yoto', 'wilcoxon'], ks: [64], values })));
    expect(text).toMatch(
      /forest accuracy, k = 64 yoto \(0\.\d+ ± 0\.\d+\) and wilcoxon \(0\.\d+ ± 0\.\d+\) can't be told apart at k = 64 on three seeds; ([a-z]+) more seeds? would tell\./,
    );
  });

  test('says where more seeds would not tell', async () => {
    const values = around({ a: 0.9, b: 0.8999 });
    expect(prose(section(await page({ selectors: ['a', 'b'], ks: [8], values })))).toContain('on three seeds; more seeds would not tell.');
  });

  test('says that the best is sure, and who is behind', async () => {
    const seeds = Array.from({ length: 12 }, (_, i) => i);
    const values = around({ a: 0.9, b: 0.7, c: 0.5 });
    const text = section(await page({ selectors: ['c', 'b', 'a'], ks: [8, 16], seeds, values }));
    expect(prose(text)).toMatch(
      /k = 16 a \([^)]+\) is the best, and that is sure; next is b \([^)]+\)\. Surely behind too: c \([^)]+\)\. Smaller panels/,
    );
    expect(text).toMatch(/<b>−0\.\d{3}<\/b>/);
    const [header, ...rows] = csvOf(text, 'pairs-cell_type-forest-16.csv');
    expect(rows).toHaveLength(3);
    for (const row of rows) for (const value of row) expect(value, header.join()).not.toBe('');
  });

  test('tells nothing from one seed, and shows no p-value', async () => {
    const text = section(await page({ seeds: [1] }));
    expect(prose(text)).toContain('Nothing can be told: no two selectors share more than one seed');
    expect(text).not.toMatch(/<table|<svg|p &lt;|p 0\.|p 1\./);
  });

  test('does not count seeds that only one of two has', async () => {
    const run = madeUpRun({ selectors: ['a', 'b', 'c'], ks: [8], values: around({ a: 0.9, b: 0.8, c: 0.7 }) });
    const metrics = run.metrics.filter(({ cell }) => cell.selector !== 'c' || cell.seed === 0);
    const text = prose(section(new TextDecoder().decode((await report(html, { ...run, metrics })).get('report.html'))));
    expect(text).toContain('On too few seeds to tell: c (0.7');
  });

  test('needs two selectors', async () => {
    expect(section(await page({ selectors: ['a'] }))).toBe('');
  });
});

test('the seeds that would tell are the fewest with the wanted power, at the step of Holm that the pair is at', () => {
  const { data, ...run } = madeUpRun({ selectors: ['a', 'b', 'c'], ks: [8], values: around({ a: 0.9, b: 0.88, c: 0.8 }, 0.03) });
  const rows = rowsOf(run);
  const pairs = compare(rows, termsOf(rows, data, { lower_is_better: [], test_share: 0.2 }));
  expect(pairs.map(({ alpha }) => 0.05 / alpha).toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
  const unsure = pairs.filter(({ verdict }) => verdict === 'unsure');
  expect(unsure.length).toBeGreaterThan(0);
  for (const pair of unsure) {
    const { mean, sd, n } = pair.test;
    const more = moreSeeds(pair);
    const power = (seeds: number): number => pairedPower(mean / sd, seeds, { alpha: pair.alpha, testToLearning: 0.25 });
    if (Number.isFinite(more)) expect([power(n + more) >= POWER, power(n + more - 1) < POWER]).toEqual([true, true]);
    else expect(power(1e5)).toBeLessThan(POWER);
  }
});

test('the share of test cells is what the confusion tables count', () => {
  const { data, metrics, panels } = madeUpRun({ cells: 100 });
  const counted = metrics.map((g) => ({
    ...g,
    value: { ...g.value, confusion: { classes: ['B', 'T'], counts: Uint32Array.of(7, 3, 2, 13) } },
  }));
  const rows = rowsOf({ metrics: counted, panels });
  const terms = termsOf(rows, data, { lower_is_better: [] });
  expect(terms.testToLearning('cell_type')).toBeCloseTo(0.25 / 0.75, 12);
  expect(terms.testToLearning('a regression')).toBeCloseTo(0.25 / 0.75, 12);
  expect(termsOf({ ...rows, confusions: [] }, data, { lower_is_better: [] }).testToLearning('cell_type')).toBeCloseTo(0.25, 12);
});

describe('the ranks', () => {
  test('are averaged over tasks and sizes, in a diagram with its data', async () => {
    const values = around({ a: 0.9, b: 0.8, c: 0.7 });
    const text = section(await page({ selectors: ['c', 'a', 'b'], tasks: ['x', 'y'], ks: [8, 16], values }));
    expect(prose(text)).toContain('4 places');
    expect(text).toMatch(/<title>Average ranks by forest accuracy<\/title><desc>[^<]*a 1\.00, b 2\.00, c 3\.00/);
    const rows = csvOf(text, 'ranks-forest-accuracy.csv').map((row) => row.slice(0, 3));
    expect(rows).toEqual([
      ['selector', 'average_rank', 'places'],
      ['a', '1', '4'],
      ['b', '2', '4'],
      ['c', '3', '4'],
    ]);
  });

  test('leave out, by name, who has no result at some place', async () => {
    const run = madeUpRun({ selectors: ['a', 'b', 'c'], values: around({ a: 0.9, b: 0.8, c: 0.7 }) });
    const metrics = run.metrics.filter(({ cell }) => cell.selector !== 'c' || cell.k === 8);
    const text = prose(section(new TextDecoder().decode((await report(html, { ...run, metrics })).get('report.html'))));
    expect(text).toContain('Not ranked, since a result is missing at some place: c.');
  });

  test('are not drawn for one place', async () => {
    expect(section(await page({ ks: [8] }))).not.toContain('Average ranks');
  });

  test('stand in a diagram that keeps to its width, whatever the names', () => {
    const rows = ['<b>', 'x'.repeat(90), '中'.repeat(60)].map((name, i) => ({ name, rank: i + 1, colour: 'var(--s0)' }));
    const groups = [
      [0, 1],
      [1, 2],
    ] as const;
    const svg = rankDiagram({ title: 'A & B', description: '', rows, critical: 9, groups });
    expect(svg).toContain('&lt;b&gt;');
    expect(svg).toContain('A &amp; B');
    expect(svg).toContain('more than there are ranks');
    expect(svg.match(/stroke-width="4"/g)).toHaveLength(2);
    const width = Number(/viewBox="0 0 (\d+)/.exec(svg)![1]);
    expect(width).toBeLessThan(560);
    for (const [, x] of svg.matchAll(/ (?:x|cx)="([\d.]+)"/g)) expect(Number(x)).toBeLessThan(width);
  });
});
