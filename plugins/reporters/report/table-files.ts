import type { ReportFile } from '../../contract.ts';
import { csv, isMissing, type Table, type TableColumn, type Value } from './csv.ts';

/** A column: its name, its type in Parquet, and how it is read from a row. */
export type Read<T> = readonly [name: string, type: TableColumn['type'], read: (row: T) => Value];

/** Rows as columns. */
export const columnsOf = <T>(rows: readonly T[], columns: readonly Read<T>[]): TableColumn[] =>
  columns.map(([name, type, read]) => ({ name, type, values: rows.map(read) }));

/** A table as CSV and as Parquet. */
export async function tableFiles(table: Table): Promise<ReportFile[]> {
  return [
    { name: `${table.name}.csv`, bytes: new TextEncoder().encode(csv(table)) },
    { name: `${table.name}.parquet`, bytes: await parquet(table) },
  ];
}

async function parquet({ columns }: Table): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await import('hyparquet-writer');
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
