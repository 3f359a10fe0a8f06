import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import html from '../../../plugins/reporters/html.ts';
import { beside, publishedFrom } from '../../../plugins/reporters/report/published.ts';
import type { SummaryRow } from '../../../plugins/reporters/report/rows.ts';
import tables from '../../../plugins/reporters/tables.ts';
import { madeUpRun, report } from '../../kit/reporter.ts';

const CSV = `table,dataset,selector,k,evaluator,metric,value,spread,source
1,zeisel,cosg,50,knn,accuracy,0.948,,a paper
1,zeisel,t-test,50,knn,accuracy,0.960,0.01,a paper
2,paul15,cosg,50,knn,accuracy,0.7,,a paper
3,zeisel,cosg,,knn,accuracy,0.9,0.001,a paper
`;

const row = (selector: string, mean: number, more: Partial<SummaryRow> = {}): SummaryRow => ({
  ...{ selector, k: 50, task: 'cell_class', evaluator: 'knn', metric: 'accuracy', others: { dataset: 'zeisel' } },
  ...{ n: 3, mean, std: 0.004, low: 0, high: 1, values: [mean] },
  ...more,
});

describe('published numbers', () => {
  const known = publishedFrom(CSV, 'paper.csv');

  test('stand beside ours where dataset, selector, k, evaluator and metric are the same', () => {
    const found = beside(known, [row('cosg', 0.94), row('t-test', 0.99), row('wilcoxon', 0.9), row('cosg', 0.9, { k: 25 })]);
    expect(found.map((b) => [b.published.table, b.published.selector, b.ours.k])).toEqual([
      ['1', 'cosg', 50],
      ['1', 't-test', 50],
      ['3', 'cosg', 50],
      ['3', 'cosg', 25],
    ]);
    const [cosg, tTest, , small] = found;
    expect(cosg.difference).toBeCloseTo(-0.008, 10);
    // One spread counts for both; two are added as squares.
    expect(cosg.margin).toBeCloseTo(2 * Math.SQRT2 * 0.004, 10);
    expect(tTest.margin).toBeCloseTo(2 * Math.hypot(0.004, 0.01), 10);
    expect([cosg.isWithin, tTest.isWithin, small.isWithin]).toEqual([true, false, true]);
  });

  test('make no claim where there is no spread', () => {
    const [found] = beside(known, [row('cosg', 0.94, { std: Number.NaN })]);
    expect([found.margin, found.isWithin]).toEqual([Number.NaN, undefined]);
  });

  test('are not held against results under wrong labels', () => {
    expect(beside(known, [row('cosg', 0.94, { others: { dataset: 'zeisel', label_noise: 0.2 } })])).toEqual([]);
    expect(beside(known, [row('cosg', 0.94, { others: { dataset: 'zeisel', label_noise: 0 } })])).toHaveLength(2);
  });

  test.each([
    ['', /is empty/],
    ['table,dataset\n1,zeisel\n', /no column selector, evaluator, metric, value/],
    [CSV.replace('0.948', 'high'), /"high" is no number/],
    [CSV.replace('0.948', ''), /number is missing/],
  ])('say what is wrong with their file and where', (text, message) => {
    expect(() => publishedFrom(text, 'paper.csv')).toThrow(
      expect.objectContaining({ code: 'DATA', message: expect.stringMatching(message) }),
    );
  });
});

const run = (() => {
  const { metrics, panels } = madeUpRun({ selectors: ['random', 'cosg'], ks: [50], evaluators: ['knn'], seeds: [0, 1, 2] });
  const inZeisel = <T extends { cell: object }>(g: T): T => ({ ...g, cell: { ...g.cell, dataset: 'zeisel' } });
  return { metrics: metrics.map(inZeisel), panels: panels.map(inZeisel) };
})();

const text = (files: ReadonlyMap<string, Uint8Array>, name: string): string => new TextDecoder().decode(files.get(name));
const prose = (page: string): string => page.replace(/<style>.*?<\/style>|<script>.*?<\/script>|<[^>]+>/gs, ' ').replace(/\s+/g, ' ');

test('page and tables print published, ours and the difference', async () => {
  const published = join(mkdtempSync(join(tmpdir(), 'panelflow-published-')), 'paper.csv');
  writeFileSync(published, CSV);
  const page = prose(text(await report(html, run, { published }), 'report.html'));
  expect(page).toContain('Published and ours Of 2 published numbers that this run has a result for,');
  expect(page).toMatch(/cosg zeisel knn, accuracy 50 0\.948 0\.\d{3} ± 0\.\d{3} [+−]0\.\d{3} (yes|no)/);
  const lines = text(await report(tables, run, { published }), 'published.csv')
    .trim()
    .split('\n');
  expect(lines).toHaveLength(3);
  expect(lines[1]).toMatch(/^1,zeisel,cell_type,cosg,50,knn,accuracy,0\.948,,0\.\d+/);
});

test('wrong labels are drawn as curves, and stay out of the other tables', async () => {
  const noisy = [0, 0.2, 0.5].flatMap((label_noise) =>
    (label_noise === 0 ? [''] : ['selection', 'selection-and-classifier']).flatMap((noise_in) =>
      run.metrics.map((g) => ({ ...g, cell: { ...g.cell, label_noise, ...(noise_in === '' ? {} : { noise_in }) } })),
    ),
  );
  const page = text(await report(html, { ...run, metrics: noisy }), 'report.html');
  expect(prose(page)).toContain('Wrong labels zeisel: cell_type');
  expect(page.match(/aria-label="[^"]*against the share of labels drawn anew/g)).toHaveLength(2);
  expect(prose(page)).toContain('two ways'.replace('two', '2'));
  expect(prose(page)).not.toMatch(/label noise 0\.2|NaN|undefined/);
});
