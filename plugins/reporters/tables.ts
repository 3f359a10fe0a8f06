import { defineReporter, type ReportFile, z } from '../contract.ts';
import type { Table, TableColumn, Value } from './report/csv.ts';
import type { Axes, MetricRow, Others, PanelCell, Rows, SummaryRow } from './report/rows.ts';

/** metrics, panels and summary, each as CSV and as Parquet. */
export default defineReporter({
  id: 'tables',
  version: 1,
  summary:
    'metrics, panels and summary as CSV and Parquet; 95 % intervals over seeds (Student t below 10 seeds, else percentile bootstrap)',
  cites: ['10.1214/aos/1176344552'],
  params: z.strictObject({}),
  run: async (context, inputs) => {
    const { rowsOf } = await import('./report/rows.ts');
    const { csv } = await import('./report/csv.ts');
    const rows = rowsOf(inputs);
    const files: ReportFile[] = [];
    for (const table of [metricsTable(rows), panelsTable(rows), summaryTable(rows)]) {
      await context.breathe();
      files.push({ name: `${table.name}.csv`, bytes: new TextEncoder().encode(csv(table)) });
      files.push({ name: `${table.name}.parquet`, bytes: await parquet(table) });
      context.progress(files.length / 6, table.name);
    }
    return { files, facts: { values: rows.metrics.length, panels: rows.panels.length } };
  },
});

type Read<T> = (row: T) => Value;

function columnsOf<T>(rows: readonly T[], columns: readonly (readonly [string, TableColumn['type'], Read<T>])[]): TableColumn[] {
  return columns.map(([name, type, read]) => ({ name, type, values: rows.map(read) }));
}

/** Columns of the axes beside the usual ones, last. */
function others<T extends { readonly others: Others }>(axes: Axes): (readonly [string, TableColumn['type'], Read<T>])[] {
  return axes.others.map((axis) => [axis, 'DOUBLE', (row: T) => row.others[axis] ?? null] as const);
}

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
    ...others<PanelCell>(axes).map(([name, type, read]) => [name, type, ({ cell }: Rank) => read(cell)] as const),
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

async function parquet({ columns }: Table): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await import('hyparquet-writer');
  const { isMissing } = await import('./report/csv.ts');
  const columnData = columns.map(({ name, type, values }) => {
    // Labels of an axis may be words where numbers are usual.
    const isWords = type !== 'STRING' && values.some((v) => typeof v === 'string' && v !== '');
    const stored = isWords ? 'STRING' : type;
    const data = values.map((v) => {
      if (isMissing(v)) return null;
      if (stored === 'INT64') return BigInt(v);
      return stored === 'STRING' ? String(v) : v;
    });
    return { name, data, type: stored, nullable: true } as const;
  });
  return new Uint8Array(parquetWriteBuffer({ columnData, createdBy: 'panelflow' }));
}
