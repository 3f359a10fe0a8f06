import { defineReporter, type ReportFile, z } from '../contract.ts';
import type { Comparison } from './report/comparison.ts';
import { comparisonFiles, comparisonParams } from './_comparison-params.ts';
import type { Table } from './report/csv.ts';
import { columnsOf, type Read, tableFiles } from './report/table-files.ts';
import type { Axes, MetricRow, Others, PanelCell, Rows, SummaryRow } from './report/rows.ts';

/** metrics, panels, summary and comparisons, and published numbers beside ours where there are any; each as CSV and as Parquet. */
export default defineReporter({
  id: 'tables',
  version: 3,
  summary:
    'metrics, panels, summary and pairwise comparisons as CSV and Parquet; 95 % intervals over seeds (Student t below 10 seeds, else percentile bootstrap), of differences by the corrected resampled t test',
  cites: ['10.1214/aos/1176344552', '10.1023/A:1024068626366'],
  params: z.strictObject(comparisonParams),
  files: comparisonFiles,
  run: async (context, inputs, params) => {
    const { beside, publishedTables, readPublished } = await import('./report/published.ts');
    const { rowsOf } = await import('./report/rows.ts');
    const { compare, termsOf } = await import('./report/comparison.ts');
    const rows = rowsOf(inputs);
    const files: ReportFile[] = [];
    const comparisons = comparisonsTable(compare(rows, termsOf(rows, inputs.data, params)), rows);
    const papers = beside(await readPublished(params.published), rows.summary);
    const all = [metricsTable(rows), panelsTable(rows), summaryTable(rows), comparisons, ...publishedTables(papers)];
    for (const [at, table] of all.entries()) {
      await context.breathe();
      files.push(...(await tableFiles(table)));
      context.progress((at + 1) / all.length, table.name);
    }
    return { files, facts: { values: rows.metrics.length, panels: rows.panels.length } };
  },
});

/** Columns of the axes beside the usual ones, last. */
const others = <T extends { readonly others: Others }>(axes: Axes): Read<T>[] =>
  axes.others.map((axis) => [axis, 'DOUBLE', (row: T) => row.others[axis] ?? null]);

function metricsTable({ metrics, axes }: Rows): Table {
  const columns = columnsOf(metrics, [
    ['selector', 'STRING', (r) => r.selector],
    ['k', 'INT32', (r) => r.k],
    ['seed', 'INT64', (r) => r.seed],
    ['task', 'STRING', (r) => r.task],
    ['evaluator', 'STRING', (r) => r.evaluator],
    ['metric', 'STRING', (r) => r.metric],
    ['value', 'DOUBLE', (r) => r.value],
    ...others<MetricRow>(axes),
  ]);
  return { name: 'metrics', columns };
}

interface Rank {
  readonly cell: PanelCell;
  readonly at: number;
}

function panelsTable({ panels, axes }: Rows): Table {
  const ranks: Rank[] = panels.flatMap((cell) => Array.from({ length: cell.size }, (_, at) => ({ cell, at })));
  const columns = columnsOf(ranks, [
    ['selector', 'STRING', ({ cell }) => cell.selector],
    ['k', 'INT32', ({ cell }) => cell.k],
    ['seed', 'INT64', ({ cell }) => cell.seed],
    ['task', 'STRING', ({ cell }) => cell.task],
    ['rank', 'INT32', ({ at }) => at + 1],
    ['gene', 'STRING', ({ cell, at }) => cell.panel.names[at]],
    ['score', 'DOUBLE', ({ cell, at }) => cell.panel.scores[at] ?? null],
    ...others<PanelCell>(axes).map(([name, type, read]): Read<Rank> => [name, type, ({ cell }) => read(cell)]),
  ]);
  return { name: 'panels', columns };
}

function summaryTable({ summary, axes }: Rows): Table {
  const columns = columnsOf(summary, [
    ['selector', 'STRING', (r) => r.selector],
    ['k', 'INT32', (r) => r.k],
    ['task', 'STRING', (r) => r.task],
    ['evaluator', 'STRING', (r) => r.evaluator],
    ['metric', 'STRING', (r) => r.metric],
    ['n', 'INT32', (r) => r.n],
    ['mean', 'DOUBLE', (r) => r.mean],
    ['std', 'DOUBLE', (r) => r.std],
    ['ci_low', 'DOUBLE', (r) => r.low],
    ['ci_high', 'DOUBLE', (r) => r.high],
    ...others<SummaryRow>(axes),
  ]);
  return { name: 'summary', columns };
}

function comparisonsTable(comparisons: readonly Comparison[], { axes }: Rows): Table {
  const columns = columnsOf(comparisons, [
    ['task', 'STRING', (c) => c.task],
    ['evaluator', 'STRING', (c) => c.evaluator],
    ['metric', 'STRING', (c) => c.metric],
    ['k', 'INT32', (c) => c.k],
    ['a', 'STRING', (c) => c.a],
    ['b', 'STRING', (c) => c.b],
    ['n', 'INT32', (c) => c.test.n],
    ['mean_difference', 'DOUBLE', (c) => c.test.mean],
    ['ci_low', 'DOUBLE', (c) => c.test.low],
    ['ci_high', 'DOUBLE', (c) => c.test.high],
    ['p', 'DOUBLE', (c) => c.test.p],
    ['p_holm', 'DOUBLE', (c) => c.pHolm],
    ['effect_size', 'DOUBLE', (c) => c.effect],
    ['verdict', 'STRING', (c) => c.verdict],
    ...others<Comparison>(axes),
  ]);
  return { name: 'comparisons', columns };
}
