import type { Cell } from '../schemas/plan.ts';
import { ConfigError } from './errors.ts';
import { type Scope, type Template, template } from './expression.ts';
import { didYouMean } from './problem.ts';

/** One cell of the sweep: a value and a label for each axis. */
export interface SweepCell {
  readonly values: Readonly<Record<string, unknown>>;
  readonly labels: Cell;
}

/** A sweep of more is a mistake: no plan of that size is ever looked through, or computed. */
const MOST_CELLS = 200_000;

type Pattern = Readonly<Record<string, string | number | readonly (string | number)[]>>;

/** The name of an axis value: itself, or its `as`, `name`, `column` or `id` when it is a map. */
export function labelOf(axis: string, value: unknown): string | number {
  if (typeof value === 'string' || typeof value === 'number') return value;
  if (typeof value === 'boolean') return String(value);
  if (value !== null && typeof value === 'object') {
    for (const key of ['as', 'name', 'column', 'id']) {
      const label = (value as Record<string, unknown>)[key];
      if (typeof label === 'string' || typeof label === 'number') return label;
    }
  }
  throw new ConfigError(`A value of axis "${axis}" has no name: ${JSON.stringify(value)}`, {
    mend: 'Write a number or a word, or a map with "as: name".',
  });
}

/**
 * Every cell, the first axis slowest. An axis may depend on those before it through `${{ axis.x }}`; one that is nothing (null) is no axis
 * of this run.
 * `include` keeps only cells that match one of its patterns; `exclude` drops those that match any.
 */
export function expand(
  axes: Readonly<Record<string, unknown>>,
  rules: { readonly include: readonly Pattern[]; readonly exclude: readonly Pattern[] },
  scope: Scope,
): SweepCell[] {
  const templates: [string, Template][] = Object.entries(axes).map(([name, value]) => [name, template(value)]);
  let cells: SweepCell[] = [{ values: {}, labels: {} }];
  for (const [name, values] of templates) {
    let count = 0;
    cells = cells.flatMap((cell) => {
      const list = values.evaluate({ ...scope, names: { ...scope.names, axis: cell.values } });
      if (list === null) return [{ ...cell, values: { ...cell.values, [name]: null } }];
      if (!Array.isArray(list)) throw new ConfigError(`Axis "${name}" wants a list of values, and got ${JSON.stringify(list)}`);
      if (list.length === 0) throw new ConfigError(`Axis "${name}" is empty: there would be nothing to run`);
      if ((count += list.length) > MOST_CELLS)
        throw new ConfigError(`The sweep has more than ${MOST_CELLS.toLocaleString('en-US')} cells`, {
          mend: `Make an axis shorter (${Object.keys(axes).join(', ')}), or write several files.`,
        });
      return list.map((value) => ({ values: { ...cell.values, [name]: value }, labels: { ...cell.labels, [name]: labelOf(name, value) } }));
    });
  }
  const known = Object.keys(axes);
  const matches = (pattern: Pattern, cell: SweepCell): boolean =>
    Object.entries(pattern).every(([axis, wanted]) => [wanted].flat().some((w) => String(w) === String(cell.labels[axis])));
  for (const pattern of [...rules.include, ...rules.exclude]) {
    for (const axis of Object.keys(pattern))
      if (!known.includes(axis))
        throw new ConfigError(`include/exclude names an axis "${axis}" that there is not`, { mend: didYouMean(axis, known) });
    if (!cells.some((cell) => matches(pattern, cell)))
      throw new ConfigError(`include/exclude ${JSON.stringify(pattern)} matches no cell`, {
        mend: 'Take it out, or mend the values in it.',
      });
  }
  const kept = cells.filter(
    (c) => (rules.include.length === 0 || rules.include.some((p) => matches(p, c))) && !rules.exclude.some((p) => matches(p, c)),
  );
  if (kept.length === 0) throw new ConfigError('No cell of the sweep is left after include and exclude');
  return kept;
}

/** The labels of some axes only, in a fixed order: equal projections have equal keys. */
export function project(labels: Cell, axes: readonly string[]): { readonly key: string; readonly cell: Cell } {
  const cell = Object.fromEntries(axes.filter((axis) => Object.hasOwn(labels, axis)).map((axis) => [axis, labels[axis]]));
  return { key: JSON.stringify(axes.map((axis) => labels[axis])), cell };
}
