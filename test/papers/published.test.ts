import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Registry } from '../../core/registry.ts';
import builtin from '../../plugins/index.ts';
import { agreement } from '../../stats/expression-agreement.ts';
import { classificationMetrics } from '../../stats/metrics.ts';

const FOLDER = 'docs/papers';
const COLUMNS = ['table', 'dataset', 'selector', 'k', 'evaluator', 'metric', 'value', 'spread', 'source'] as const;
type Cell = Record<(typeof COLUMNS)[number], string>;

const one = Float32Array.of(1, 2);
const classification = Object.keys(classificationMetrics({ truth: [0, 1], predicted: [0, 1], probabilities: [1, 0, 0, 1], classCount: 2 }));
/** The metrics of each evaluator, by their names in our tables. */
const METRICS: Record<string, readonly string[]> = {
  knn: classification,
  forest: classification,
  builtin: classification,
  reconstruction: ['l1', 'l2'],
  expression: Object.keys(agreement({ truth: one, predicted: one, genes: 1 }, [[0, 1]])),
};
/** Errors have no upper end, correlations go from -1 to 1, all else from 0 to 1. */
const rangeOf = (metric: string): [number, number] =>
  ['l1', 'l2', 'mse', 'mae'].includes(metric) ? [0, Infinity] : ['pcc', 'spearman'].includes(metric) ? [-1, 1] : [0, 1];

const registry = new Registry([builtin]);
const methods = [...registry.ids('selector'), ...registry.ids('predictor')];
const judges = [...registry.ids('evaluator'), ...registry.ids('assessor')];

/** The cells of a table of docs/papers; sources hold no comma, so nothing is quoted. */
function cellsOf(file: string): Cell[] {
  const [header, ...rows] = readFileSync(`${FOLDER}/${file}`, 'utf8').trimEnd().split('\n');
  expect(header).toBe(COLUMNS.join(','));
  return rows.map((row) => {
    const fields = row.split(',');
    expect(fields, row).toHaveLength(COLUMNS.length);
    return Object.fromEntries(COLUMNS.map((name, i) => [name, fields[i]])) as Cell;
  });
}

const files = readdirSync(FOLDER).filter((name) => name.endsWith('.csv'));

describe.each(files)('the published numbers of %s', (file) => {
  const cells = cellsOf(file);

  it('name steps and metrics that panelflow has', () => {
    for (const cell of cells) {
      expect(methods).toContain(cell.selector);
      expect(judges).toContain(cell.evaluator);
      expect(METRICS[cell.evaluator]).toContain(cell.metric);
    }
  });

  it('say table, dataset and source, and lie within the range of their metric', () => {
    for (const cell of cells) {
      const label = Object.values(cell).join(',');
      for (const name of ['table', 'dataset', 'source'] as const) expect(cell[name], label).toMatch(/\S/);
      expect(cell.k, label).toMatch(/^([1-9]\d*)?$/);
      expect(cell.value, label).toMatch(/^-?\d+(\.\d+)?$/);
      expect(cell.spread, label).toMatch(/^(\d+(\.\d+)?)?$/);
      const [least, most] = rangeOf(cell.metric);
      expect(Number(cell.value), label).toBeGreaterThanOrEqual(least);
      expect(Number(cell.value), label).toBeLessThanOrEqual(most);
    }
  });

  it('stand once each, without stray spaces', () => {
    const keys = cells.map(({ table, dataset, selector, k, evaluator, metric }) => [table, dataset, selector, k, evaluator, metric].join());
    expect(new Set(keys).size).toBe(keys.length);
    expect(readFileSync(`${FOLDER}/${file}`, 'utf8')).not.toMatch(/\r|[ \t]+(,|$)|,[ \t]/m);
  });
});

it('the averages that the paper of auxiliary genes prints are those of its rows', () => {
  const cells = cellsOf('agl.csv');
  for (const printed of cells.filter((c) => c.dataset === 'average')) {
    const row = cells.filter((c) => c.dataset !== 'average' && c.table === printed.table && c.selector === printed.selector);
    const mean = row.reduce((sum, cell) => sum + Number(cell.value), 0) / row.length;
    expect(Math.abs(mean - Number(printed.value))).toBeLessThan(0.00051);
  }
});
