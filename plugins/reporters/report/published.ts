import { readFile } from 'node:fs/promises';
import { csvTable } from '../../../core/csv.ts';
import { DataError } from '../../contract.ts';
import type { Table } from './csv.ts';
import type { SummaryRow } from './rows.ts';
import { columnsOf } from './table-files.ts';

/** One number of a paper: where it stands there, and what it is the result of. */
export interface Published {
  readonly table: string;
  readonly dataset: string;
  /** Empty where the paper has one task a dataset. */
  readonly task: string;
  readonly selector: string;
  /** NaN where it does not depend on k. */
  readonly k: number;
  readonly evaluator: string;
  readonly metric: string;
  readonly value: number;
  /** Standard deviation over the paper's runs; NaN where it gives none. */
  readonly spread: number;
  readonly source: string;
}

/** A published number beside ours. */
export interface Beside {
  readonly published: Published;
  readonly ours: SummaryRow;
  /** Ours less the published value. */
  readonly difference: number;
  /** Two standard deviations, ours and the paper's added as squares; a missing one counts as the other. NaN where both are missing. */
  readonly margin: number;
  /** Whether the difference is within that margin; undefined where there is none. */
  readonly isWithin: boolean | undefined;
}

const WORDS = ['table', 'dataset', 'selector', 'evaluator', 'metric'] as const;
const COLUMNS = [...WORDS, 'task', 'k', 'value', 'spread', 'source'];

/**
 * The published numbers of a CSV with the columns table, dataset, selector, evaluator, metric, value, and, where wanted, task, k, spread and
 * source. DataError names the line of what it cannot read.
 */
export function publishedFrom(text: string, file: string): Published[] {
  const { header, rows } = csvTable(text);
  const wrong = (message: string, line: number, mend: string): DataError => new DataError(message, { context: { file, line }, mend });
  if (!header) throw wrong('The file of published numbers is empty', 1, `Its first line names the columns: ${COLUMNS.join(', ')}.`);
  const missing = [...WORDS, 'value'].filter((name) => !header.cells.includes(name));
  if (missing.length > 0)
    throw wrong(`The file of published numbers has no column ${missing.join(', ')}`, header.line, `Columns: ${COLUMNS.join(', ')}.`);
  return rows.map(({ line, at }) => {
    const number = (name: string): number => {
      const value = at(name) === '' ? Number.NaN : Number(at(name));
      if (at(name) !== '' && !Number.isFinite(value))
        throw wrong(`"${at(name)}" is no number`, line, `Mend ${name} there, or leave it empty.`);
      return value;
    };
    const value = number('value');
    if (Number.isNaN(value)) throw wrong('A published number is missing', line, 'Give its value, or take the line out.');
    const [table, dataset, selector, evaluator, metric] = WORDS.map(at);
    return {
      table,
      dataset,
      selector,
      evaluator,
      metric,
      task: at('task'),
      k: number('k'),
      value,
      spread: number('spread'),
      source: at('source'),
    };
  });
}

/** The published numbers of a file; none without one. */
export const readPublished = async (path: string | undefined): Promise<Published[]> =>
  path === undefined ? [] : publishedFrom(await readFile(path, 'utf8'), path);

/** Each published number that the run has a result for, in the order of the file. Results under wrong labels do not count. */
export function beside(published: readonly Published[], summary: readonly SummaryRow[]): Beside[] {
  const clean = summary.filter(
    (row) => row.n > 0 && Object.entries(row.others).every(([axis, label]) => axis === 'dataset' || label === 0),
  );
  return published.flatMap((entry) =>
    clean
      .filter(
        (row) =>
          row.selector === entry.selector &&
          row.evaluator === entry.evaluator &&
          row.metric === entry.metric &&
          String(row.others.dataset ?? '') === entry.dataset &&
          (entry.task === '' || row.task === entry.task) &&
          (Number.isNaN(entry.k) || row.k === entry.k),
      )
      .map((ours) => {
        const difference = ours.mean - entry.value;
        const spreads = [ours.std, entry.spread].filter((s) => !Number.isNaN(s));
        const margin = spreads.length === 0 ? Number.NaN : 2 * Math.hypot(spreads[0], spreads.at(-1)!);
        return { published: entry, ours, difference, margin, isWithin: Number.isNaN(margin) ? undefined : Math.abs(difference) <= margin };
      }),
  );
}

/** The table published.csv; none where there is nothing to show. */
export function publishedTables(rows: readonly Beside[]): Table[] {
  if (rows.length === 0) return [];
  const columns = columnsOf(rows, [
    ['table', 'STRING', (b) => b.published.table],
    ['dataset', 'STRING', (b) => b.published.dataset],
    ['task', 'STRING', (b) => b.ours.task],
    ['selector', 'STRING', (b) => b.ours.selector],
    ['k', 'INT32', (b) => b.ours.k],
    ['evaluator', 'STRING', (b) => b.ours.evaluator],
    ['metric', 'STRING', (b) => b.ours.metric],
    ['published', 'DOUBLE', (b) => b.published.value],
    ['published_sd', 'DOUBLE', (b) => b.published.spread],
    ['ours', 'DOUBLE', (b) => b.ours.mean],
    ['ours_sd', 'DOUBLE', (b) => b.ours.std],
    ['n', 'INT32', (b) => b.ours.n],
    ['difference', 'DOUBLE', (b) => b.difference],
    ['margin', 'DOUBLE', (b) => b.margin],
    ['within', 'STRING', (b) => (b.isWithin === undefined ? '' : b.isWithin ? 'yes' : 'no')],
    ['source', 'STRING', (b) => b.published.source],
  ]);
  return [{ name: 'published', columns }];
}
