import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { record } from './_compare.ts';

/** One method on one dataset. Where a figure could not be had, the text that says why. */
export interface Row {
  readonly data: string;
  readonly method: string;
  readonly [figure: string]: unknown;
}

const isSame = (a: Row, b: Pick<Row, 'data' | 'method'>): boolean => a.data === b.data && a.method === b.method;

/** A result file that grows row by row, so that a run that is cut loses nothing; a new row takes the place of the old one. */
export class Table {
  rows: readonly Row[] = [];
  readonly #question: string;
  readonly #file: URL;
  readonly #began = new Date().toISOString();

  private constructor(question: string, file: URL) {
    this.#question = question;
    this.#file = file;
  }

  /** The table in a file, with the rows that it has. */
  static async open(question: string, file: URL): Promise<Table> {
    const table = new Table(question, file);
    if (existsSync(file)) {
      const { rows } = JSON.parse(await readFile(file, 'utf8')) as { rows: Row[] };
      table.rows = rows.filter((row) => row.data !== undefined);
    }
    return table;
  }

  find(data: string, method: string): Row | undefined {
    return this.rows.find((row) => isSame(row, { data, method }));
  }

  async put(figures: Row): Promise<void> {
    const row = { ...figures, date: new Date().toISOString() };
    const at = this.rows.findIndex((old) => isSame(old, row));
    this.rows = at < 0 ? [...this.rows, row] : this.rows.with(at, row);
    await record(this.#question, this.#file, this.rows);
    console.log(JSON.stringify(row));
  }

  /** A sentence for rows that an earlier run measured, maybe of other versions; empty when there are none. */
  older(rows: readonly Row[]): string {
    const count = rows.filter(({ date }) => typeof date !== 'string' || date < this.#began).length;
    return count === 0 ? '' : ` ${count} of ${rows.length} rows are of an earlier run.`;
  }
}

const cell = (value: unknown): string =>
  (typeof value === 'string' ? value.replaceAll('|', '\\|') : JSON.stringify(value ?? '')).replace(/^""$/, '');

/** Rows as a Markdown table of these columns; figures stand to the right. */
export function markdown(rows: readonly Row[], columns: readonly string[]): string {
  const rule = columns.map((name) => (rows.some((row) => typeof row[name] === 'number') ? '---:' : '---'));
  const body = rows.map((row) => columns.map((name) => cell(row[name])));
  return [columns, rule, ...body].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** The goal in words: how many are slower than their reference, and how many times as fast the median is. */
export function verdict(rows: readonly Row[]): string {
  const compared = rows.filter((row) => typeof row.ratio === 'number');
  if (compared.length === 0) return 'No method could be compared with its reference.';
  const ratios = compared.map((row) => row.ratio as number).sort((a, b) => a - b);
  const middle = ratios.length >> 1;
  const median = ratios.length % 2 === 1 ? ratios[middle] : (ratios[middle - 1] + ratios[middle]) / 2;
  const slower = compared.filter((row) => (row.ratio as number) > 1).map((row) => `${row.method} (${row.ratio as number})`);
  const left = rows.length - compared.length;
  return [
    `${compared.length} compared: the median is ${(1 / median).toPrecision(2)} times as fast as its reference (goal: 3).`,
    slower.length > 0 ? `Slower than the reference: ${slower.join(', ')}.` : 'None is slower than its reference.',
    ...(left > 0 ? [`${left} without a ratio; the table says why.`] : []),
  ].join(' ');
}
