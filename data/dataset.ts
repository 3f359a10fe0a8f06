import { DataError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { type DenseMatrix, type Matrix, takeColumns, takeRows } from './matrix.ts';

/** A column of obs or var. Missing: code -1, NaN, an empty `missing` mark. */
export type Column =
  | { readonly kind: 'category'; readonly codes: Int32Array; readonly categories: readonly string[] }
  | { readonly kind: 'number'; readonly values: Float64Array }
  | { readonly kind: 'string'; readonly values: readonly (string | null)[] };

/** A table with named rows: obs (cells) or var (genes). */
export interface Frame {
  readonly index: readonly string[];
  readonly columns: Readonly<Record<string, Column>>;
}

/** What the values of X are; steps that need counts look for `counts` in X or in layers.counts. */
export type Scale = 'counts' | 'log' | 'scaled' | 'binary' | 'unknown';

/** Annotated data in memory, cells x genes, as AnnData has it. Immutable by convention: steps make new ones and share parts. */
export interface Dataset {
  readonly X: Matrix;
  readonly scale: Scale;
  /** Matrices of the same shape as X; 'counts' holds raw counts once X has been normalised. */
  readonly layers: Readonly<Record<string, Matrix>>;
  readonly obs: Frame;
  readonly var: Frame;
  readonly obsm: Readonly<Record<string, DenseMatrix>>;
  /** JSON facts about the data, e.g. `truth` (known markers of a simulated atlas) or `provenance`. */
  readonly uns: Readonly<Record<string, unknown>>;
}

/** The column of that name, or an error that names the nearest ones. `where` is 'obs' or 'var'. */
export function column(frame: Frame, name: string, where = 'obs'): Column {
  if (Object.hasOwn(frame.columns, name)) return frame.columns[name];
  const names = Object.keys(frame.columns);
  const near = nearest(name, names);
  throw new DataError(`There is no ${where} column "${name}"`, {
    context: { column: name },
    mend: `${near ? `Did you mean "${near}"? ` : ''}Columns there: ${names.join(', ') || 'none'}.`,
  });
}

/** A column as class codes (-1 = missing) with class names in rising order; numbers and strings are turned into categories. Unused categories are dropped. */
export function labels(frame: Frame, name: string): { readonly codes: Int32Array; readonly classes: readonly string[] } {
  const c = column(frame, name);
  const words: (string | null)[] =
    c.kind === 'category'
      ? Array.from(c.codes, (code) => (code < 0 ? null : c.categories[code]))
      : c.kind === 'number'
        ? Array.from(c.values, (v) => (Number.isNaN(v) ? null : String(v)))
        : [...c.values];
  const seen = new Set(words.filter((w): w is string => w !== null && w !== ''));
  const classes = c.kind === 'category' ? c.categories.filter((w) => seen.has(w)) : [...seen].sort();
  const code = new Map(classes.map((w, i) => [w, i]));
  return { codes: Int32Array.from(words, (w) => (w === null ? -1 : (code.get(w) ?? -1))), classes };
}

/** The table with only these rows, in the order given. */
export function takeFrame(frame: Frame, rows: ArrayLike<number>): Frame {
  const pick = Array.from(rows);
  const columns: Record<string, Column> = {};
  for (const [name, c] of Object.entries(frame.columns)) {
    if (c.kind === 'category') columns[name] = { ...c, codes: Int32Array.from(pick, (i) => c.codes[i]) };
    else if (c.kind === 'number') columns[name] = { kind: 'number', values: Float64Array.from(pick, (i) => c.values[i]) };
    else columns[name] = { kind: 'string', values: pick.map((i) => c.values[i]) };
  }
  return { index: pick.map((i) => frame.index[i]), columns };
}

function mapMatrices<M extends Matrix>(all: Readonly<Record<string, M>>, change: (m: M) => Matrix): Record<string, M> {
  return Object.fromEntries(Object.entries(all).map(([name, m]) => [name, change(m) as M]));
}

/** The dataset with only these cells, in the order given. */
export function takeCells(data: Dataset, rows: ArrayLike<number>): Dataset {
  return {
    ...data,
    X: takeRows(data.X, rows),
    layers: mapMatrices(data.layers, (m) => takeRows(m, rows)),
    obs: takeFrame(data.obs, rows),
    obsm: mapMatrices(data.obsm, (m) => takeRows(m, rows)),
  };
}

/** The dataset with only these genes; column numbers must rise. */
export function takeGenes(data: Dataset, columns: ArrayLike<number>): Dataset {
  return {
    ...data,
    X: takeColumns(data.X, columns),
    layers: mapMatrices(data.layers, (m) => takeColumns(m, columns)),
    var: takeFrame(data.var, columns),
  };
}

/** Raw counts: layers.counts, else X when it holds counts, else an error. */
export function counts(data: Dataset, forWhat: string): Matrix {
  const found = data.layers.counts ?? (data.scale === 'counts' ? data.X : undefined);
  if (found) return found;
  throw new DataError(`${forWhat} needs raw counts, and this dataset has none: X holds ${data.scale} values`, {
    mend: 'Put whole-number counts into X or into layers["counts"], or leave this step out.',
  });
}
