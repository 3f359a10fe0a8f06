import { csvCell } from '../../../core/csv.ts';

/** What a table may hold; NaN and null are written as nothing. */
export type Value = string | number | null;

/** A table by columns, each with the type that it has in Parquet. */
export interface Table {
  readonly name: string;
  readonly columns: readonly TableColumn[];
}

/** One column; every column of a table has the same length. */
export interface TableColumn {
  readonly name: string;
  readonly type: 'STRING' | 'INT32' | 'INT64' | 'DOUBLE';
  readonly values: readonly Value[];
}

/** True for what is written as an empty field. */
export const isMissing = (value: Value): value is null =>
  value === null || value === '' || (typeof value === 'number' && Number.isNaN(value));

function field(value: Value): string {
  if (isMissing(value)) return '';
  // The shortest text that reads back as the same number.
  return typeof value === 'number' ? String(value) : csvCell(value);
}

/** The table as CSV (RFC 4180, but with plain newlines), header first. */
export function csv({ columns }: Pick<Table, 'columns'>): string {
  const lines = [columns.map((c) => field(c.name)).join(',')];
  for (let i = 0; i < columns[0].values.length; i++) lines.push(columns.map((c) => field(c.values[i])).join(','));
  return `${lines.join('\n')}\n`;
}
