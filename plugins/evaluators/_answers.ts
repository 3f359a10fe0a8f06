import { nearest } from '../../core/nearest.ts';
import { numberOf, type Table, tableOf } from '../commands/_exchange.ts';
import { DataError } from '../contract.ts';

type Row = Table['rows'][number];

/** Rows of a table, and the names of its columns. */
export interface Rows {
  readonly header: readonly string[];
  readonly rows: readonly Row[];
}

/** The part of the header that names the probability of a class. */
const PROBABILITY = 'p_';
const METRIC_NAME = /^[A-Za-z][A-Za-z0-9_.-]*$/;

/**
 * The rows of predictions.csv (columns `cell`, `prediction`) of the cells judged, in their order, and the row of names. `names` are those of
 * all cells, `test` and `judged` numbers of cells; predictions of test cells that are not judged are left out. DataError: a cell is unknown,
 * no test cell, there twice, or missing.
 */
export function rowsOfCells(
  { file, text }: { readonly file: string; readonly text: string },
  names: readonly string[],
  { test, judged }: { readonly test: Uint32Array; readonly judged: Uint32Array },
): Rows {
  const table = tableOf(file, text, ['cell', 'prediction']);
  const numberOfCell = new Map(Array.from(test, (i) => [names[i], i]));
  const found = new Map<number, Row>();
  for (const row of table.rows) {
    const cell = row.at('cell');
    const context = { file, line: row.line, cell };
    const i = numberOfCell.get(cell);
    if (i === undefined) {
      const near = names.includes(cell) ? undefined : nearest(cell, numberOfCell.keys());
      throw new DataError(
        names.includes(cell) ? `${file} predicts a cell that is no test cell` : `${file} predicts a cell that there is not`,
        {
          context,
          mend: near === undefined ? 'Write a row for each cell whose obs column split is test.' : `Did you mean "${near}"?`,
        },
      );
    }
    if (found.has(i)) {
      throw new DataError(`${file} predicts a cell twice`, {
        context: { ...context, first: found.get(i)!.line },
        mend: 'Write one row a cell.',
      });
    }
    found.set(i, row);
  }
  const missing = judged.filter((i) => !found.has(i));
  if (missing.length > 0) {
    throw new DataError(`${file} leaves out ${missing.length} of ${judged.length} test cells`, {
      context: { file, cell: names[missing[0]] },
      mend: 'Write a row for each cell whose obs column split is test.',
    });
  }
  return { header: table.header, rows: Array.from(judged, (i) => found.get(i)!) };
}

/** What a program takes the cells for: a class each, and where it gives a column p_<class> for every class, their probabilities. */
export function calledClasses(
  file: string,
  { header, rows }: Rows,
  classes: readonly string[],
): { readonly predicted: Int32Array; readonly probabilities: Float64Array | null } {
  const codeOf = new Map(classes.map((name, c) => [name, c]));
  const predicted = Int32Array.from(rows, ({ line, at }) => {
    const word = at('prediction');
    const code = codeOf.get(word);
    if (code !== undefined) return code;
    const near = nearest(word, classes);
    throw new DataError(`${file} predicts a class that there is not: "${word}"`, {
      context: { file, line, cell: at('cell') },
      mend: near === undefined ? `Classes there: ${classes.join(', ').slice(0, 300)}.` : `Did you mean "${near}"?`,
    });
  });
  const columns = classes.map((name) => `${PROBABILITY}${name}`);
  const there = columns.filter((name) => header.includes(name));
  if (there.length === 0) return { predicted, probabilities: null };
  if (there.length < columns.length) {
    throw new DataError(`${file} has probabilities of ${there.length} of ${columns.length} classes`, {
      context: { file, line: 1 },
      mend: `Leave them out, or add the column "${columns.find((name) => !there.includes(name))}".`,
    });
  }
  const probabilities = Float64Array.from(rows.flatMap((row) => columns.map((name) => finite(file, row, name))));
  return { predicted, probabilities };
}

/** The number that a program predicts for each cell. */
export const calledValues = (file: string, { rows }: Rows): Float64Array =>
  Float64Array.from(rows, (row) => finite(file, row, 'prediction'));

function finite(file: string, { line, at }: Row, column: string): number {
  const value = numberOf(at(column));
  if (value !== undefined && Number.isFinite(value)) return value;
  throw new DataError(`"${at(column)}" in the column "${column}" of ${file} is no finite number`, {
    context: { file, line, cell: at('cell') },
    mend: 'Write a number for every test cell.',
  });
}

/** The metrics in metrics.json: a map from names to finite numbers. */
export function metricsIn(file: string, text: string): Record<string, number> {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (error) {
    throw new DataError(`${file} is no JSON: ${(error as Error).message}`, {
      cause: error,
      context: { file },
      mend: 'Write {"name": number, ...}; JSON has no NaN and no Infinity.',
    });
  }
  const wrong = (what: string, metric: string): never => {
    throw new DataError(`${file} ${what}`, {
      context: { file, metric },
      mend: 'Write {"name": number, ...}, names of letters, digits and "_".',
    });
  };
  if (typeof found !== 'object' || found === null || Array.isArray(found) || Object.keys(found).length === 0)
    return wrong('holds no metrics', '');
  for (const [name, value] of Object.entries(found)) {
    if (!METRIC_NAME.test(name)) return wrong(`has a metric of a strange name: "${name.slice(0, 50)}"`, name.slice(0, 50));
    if (typeof value !== 'number' || !Number.isFinite(value))
      return wrong(`says of ${name} what is no number: ${JSON.stringify(value)}`, name);
  }
  return found as Record<string, number>;
}
