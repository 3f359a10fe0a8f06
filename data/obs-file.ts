import { existsSync } from 'node:fs';
import { DataError } from '../core/errors.ts';
import type { Column, Dataset, Frame } from './dataset.ts';
import { fields, tableLines } from './text.ts';

/** Words that stand for a missing value in tables. */
const MISSING = new Set(['', 'NA', 'N/A', 'NaN', 'nan', 'None', 'null', '<NA>']);

/** Reads a table of cell annotations (csv or tsv, also .gz): the first column holds cell names; columns of numbers become numbers, others categories in rising order. */
export async function readObsFile(path: string): Promise<Frame> {
  if (!existsSync(path))
    throw new DataError('The file of cell annotations does not exist', { context: { file: path }, mend: 'Check the path of obs_file.' });
  let names: string[] = [];
  const rows: string[][] = [];
  for await (const { header, separator, line, number } of tableLines(path)) {
    const row = fields(line, separator);
    if (row.length !== header.length && row.length !== header.length + 1) {
      throw new DataError('The row has another number of fields than the row of names', {
        context: { file: path, line: number, fields: row.length, names: header.length },
      });
    }
    if (rows.length === 0) names = row.length === header.length + 1 ? header : header.slice(1);
    rows.push(row);
  }
  if (rows.length === 0)
    throw new DataError('The file of cell annotations is empty', {
      context: { file: path },
      mend: 'It needs a row of names, and a row for each cell.',
    });
  const columns: Record<string, Column> = {};
  names.forEach((name, j) => (columns[name] = toColumn(rows.map((r) => r[j + 1]))));
  return { index: rows.map((r) => r[0]), columns };
}

/** Numbers when every field that is not missing is one, else categories. */
function toColumn(words: readonly string[]): Column {
  const known = words.filter((w) => !MISSING.has(w));
  if (known.length > 0 && known.every((w) => w.trim() !== '' && Number.isFinite(Number(w)))) {
    return { kind: 'number', values: Float64Array.from(words, (w) => (MISSING.has(w) ? Number.NaN : Number(w))) };
  }
  const categories = [...new Set(known)].sort();
  const code = new Map(categories.map((w, i) => [w, i]));
  return { kind: 'category', codes: Int32Array.from(words, (w) => code.get(w) ?? -1), categories };
}

/** Adds annotations to a dataset by cell name; cells without a row get missing values, a column of the same name is replaced. */
export function joinObs(data: Dataset, extra: Frame, file: string): { readonly data: Dataset; readonly matched: number } {
  const row = new Map(extra.index.map((name, i) => [name, i]));
  const at = Int32Array.from(data.obs.index, (name) => row.get(name) ?? -1);
  const matched = at.reduce((n, i) => n + (i >= 0 ? 1 : 0), 0);
  if (matched === 0) {
    const genes = data.var.index.reduce((n, name) => n + (row.has(name) ? 1 : 0), 0);
    throw new DataError(
      genes > 0 ? 'The names in obs_file are those of the genes, not of the cells' : 'No cell name of obs_file is in the dataset',
      {
        context: { file, in_file: extra.index[0] ?? '', in_dataset: data.obs.index[0] ?? '' },
        mend:
          genes > 0
            ? 'The table lies the other way: change `orientation`.'
            : 'The first column of obs_file must hold the cell names as they stand in the dataset.',
      },
    );
  }
  const columns: Record<string, Column> = { ...data.obs.columns };
  for (const [name, c] of Object.entries(extra.columns)) {
    if (c.kind === 'number') columns[name] = { kind: 'number', values: Float64Array.from(at, (i) => (i < 0 ? Number.NaN : c.values[i])) };
    else if (c.kind === 'category') columns[name] = { ...c, codes: Int32Array.from(at, (i) => (i < 0 ? -1 : c.codes[i])) };
    else columns[name] = { kind: 'string', values: Array.from(at, (i) => (i < 0 ? null : c.values[i])) };
  }
  return { data: { ...data, obs: { index: data.obs.index, columns } }, matched };
}
