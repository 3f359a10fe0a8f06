import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { csvTable, type NamedRow } from '../../core/csv.ts';
import type { StepContext } from '../../core/plugin.ts';
import { type Column, column, type Dataset, labels, takeCells } from '../../data/dataset.ts';
import { DataError, type Task } from '../contract.ts';
import { readFiles } from './_folder.ts';
import { lastLines, type Program, runProgram } from './_program.ts';

/** The version of what programs that choose or judge panels read and write: docs/other-languages.md. */
const PROTOCOL = 1;
export const DATA = 'data.h5ad';
export const REQUEST = 'request.json';
/** The obs column that says which part of the split a cell is in. */
const SPLIT = 'split';

/** Runs a program on a dataset and a request, and reads the one file that it answers with. What it printed last goes to the log. */
export async function ask<T>(
  context: StepContext,
  program: Program,
  {
    data,
    request,
    answer,
    read,
  }: { readonly data: Dataset; readonly request: object; readonly answer: string; readonly read: (text: string) => T },
): Promise<T> {
  const { writeH5ad } = await import('../../data/h5ad-write.ts');
  const { seed, threads } = context;
  const whole = { protocol: PROTOCOL, ...request, seed, threads, scale: data.scale, files: { data: DATA, answer } };
  return runProgram(context, program, {
    place: async (folder) => {
      await writeH5ad(join(folder, DATA), data);
      writeFileSync(join(folder, REQUEST), `${JSON.stringify(whole, null, 2)}\n`);
    },
    collect: (folder, stdout) => {
      const said = lastLines(stdout);
      if (said.length > 0) context.log(`${program.argv[0]}: ${said.join(' | ')}`);
      return read(Buffer.from(readFiles(folder, { [answer]: answer })[0].bytes).toString());
    },
  });
}

/** A task under the name that its column has in the file, where a slash would mean a folder. DataError: the name is taken by our own column. */
export function taskInFile(task: Task): Task {
  const column = task.column.replaceAll('/', '_');
  if (column !== SPLIT) return { ...task, column };
  throw new DataError(`The column of a task cannot be named "${SPLIT}" here: the parts of the split stand under that name`, {
    context: { column: task.column },
    mend: 'Give the column another name.',
  });
}

/** A task as a program reads of it (`classes`: null for numbers), and its column: classes as a category of those that occur. */
export interface Asked {
  readonly task: Task & { readonly classes: readonly string[] | null };
  readonly values: Column;
}

export function asked(data: Dataset, task: Task): Asked {
  if (task.kind === 'regression') return { task: { ...task, classes: null }, values: column(data.obs, task.column) };
  const { codes, classes } = labels(data.obs, task.column);
  return { task: { ...task, classes }, values: { kind: 'category', codes, categories: classes } };
}

/**
 * The cells of these parts, in the order of the data, and of all that is known of them no more than this: X, layers.counts, the part, and
 * these obs columns. (The rest may tell of other cells, of the true markers, or of the labels as they were.)
 */
export function excerpt(data: Dataset, parts: Readonly<Record<string, Uint32Array>>, columns: Readonly<Record<string, Column>>): Dataset {
  const names = Object.keys(parts);
  const codes = new Int32Array(data.X.rows).fill(-1);
  for (const [code, name] of names.entries()) for (const i of parts[name]) codes[i] = code;
  const { counts } = data.layers;
  const bare: Dataset = {
    ...data,
    layers: counts === undefined ? {} : { counts },
    obs: { index: data.obs.index, columns: { ...columns, [SPLIT]: { kind: 'category', codes, categories: names } } },
    var: { index: data.var.index, columns: {} },
    obsm: {},
    uns: {},
  };
  return takeCells(
    bare,
    Uint32Array.from(codes.keys()).filter((i) => codes[i] >= 0),
  );
}

/** A table that a program wrote. */
export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly NamedRow[];
}

/** Reads a CSV whose first row names its columns. DataError: a column is missing, or a row has another length than the first. */
export function tableOf(file: string, content: string, needed: readonly string[]): Table {
  const { header: first, rows } = csvTable(content);
  const header = first?.cells ?? [];
  const missing = needed.find((name) => !header.includes(name));
  if (missing !== undefined) {
    throw new DataError(`${file} has no column "${missing}"`, {
      context: { file, line: first?.line ?? 1 },
      mend: `Its first row names the columns: ${needed.join(',')}. There is: ${header.join(',').slice(0, 100) || 'nothing'}.`,
    });
  }
  const odd = rows.find(({ cells }) => cells.length !== header.length);
  if (odd !== undefined) {
    throw new DataError(`A row of ${file} has another number of fields than its first row`, {
      context: { file, line: odd.line, fields: odd.cells.length, names: header.length },
      mend: 'Put names that hold a comma into quotes.',
    });
  }
  return { header, rows };
}

/** A number as R and Python write it; undefined for other words, NaN for a missing one. */
export function numberOf(word: string): number | undefined {
  if (/^(?:|na|nan)$/i.test(word)) return Number.NaN;
  const infinite = /^([+-]?)inf(?:inity)?$/i.exec(word);
  if (infinite) return infinite[1] === '-' ? -Infinity : Infinity;
  const value = Number(word);
  return Number.isNaN(value) ? undefined : value;
}
