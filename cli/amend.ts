import { parse } from 'yaml';
import { ConfigError } from '../core/errors.ts';
import { didYouMean } from '../core/problem.ts';
import { labelOf } from '../core/sweep.ts';
import type { Source } from '../runs/records.ts';

/** Words such as "seed=3,4": an axis and values. */
interface Wanted {
  readonly axis: string;
  readonly values: readonly unknown[];
}

function wanted(flag: string, word: string, axes: readonly string[]): Wanted {
  const [, axis, list] = /^([\w-]+)=(.+)$/s.exec(word) ?? [];
  if (axis === undefined)
    throw new ConfigError(`${flag} ${word}: write it as axis=value,value`, {
      mend: 'For example --add seed=3,4 or --drop selector=random.',
    });
  if (!axes.includes(axis)) throw new ConfigError(`${flag} ${word}: there is no axis "${axis}"`, { mend: didYouMean(axis, axes) });
  try {
    return { axis, values: parse(`[${list}]`) as unknown[] };
  } catch {
    throw new ConfigError(`${flag} ${word}: the values are not YAML`, { mend: 'Quote them, for example --add "k=16, 32".' });
  }
}

/** Where an axis has its values: a param of the pipeline that it names, or the axis itself. */
function valuesOf(source: Source, axis: string): { readonly param: string | undefined; readonly values: readonly unknown[] } {
  const { definition, run } = source;
  const given = definition.axes[axis];
  if (Array.isArray(given)) return { param: undefined, values: given };
  const param = /^\$\{\{\s*params\.(\w+)\s*\}\}$/.exec(given)?.[1];
  const values = param === undefined ? undefined : (run.params[param] ?? definition.params[param]?.default);
  if (param === undefined || !Array.isArray(values))
    throw new ConfigError(`The values of axis "${axis}" are computed: ${given}`, {
      mend: 'Change the params behind it with --set.',
    });
  return { param, values };
}

/** A value's label, as it is written in a file: a word, or a map with `as`, or `uses`. */
function nameOf(axis: string, value: unknown): string {
  const uses = value !== null && typeof value === 'object' && !('as' in value) && 'uses' in value ? value.uses : value;
  return String(typeof uses === 'string' ? uses.split('/').at(-1) : labelOf(axis, uses));
}

function withValues(source: Source, axis: string, values: readonly unknown[]): Source {
  const { param } = valuesOf(source, axis);
  if (param !== undefined) return { ...source, run: { ...source.run, params: { ...source.run.params, [param]: values } } };
  return { ...source, definition: { ...source.definition, axes: { ...source.definition.axes, [axis]: [...values] } } };
}

/** The source with values added to and dropped from the axes of its sweep; `add` and `drop` are words such as "seed=3,4". */
export function amendSource(source: Source, { add, drop }: { readonly add: readonly string[]; readonly drop: readonly string[] }): Source {
  const axes = Object.keys(source.definition.axes);
  let amended = source;
  for (const word of add) {
    const { axis, values } = wanted('--add', word, axes);
    const before = valuesOf(amended, axis).values;
    const names = before.map((v) => nameOf(axis, v));
    const twice = values.find((v) => names.includes(nameOf(axis, v)));
    if (twice !== undefined)
      throw new ConfigError(`--add ${word}: "${nameOf(axis, twice)}" is there already`, { mend: `There is: ${names.join(', ')}.` });
    amended = withValues(amended, axis, [...before, ...values]);
  }
  for (const word of drop) {
    const { axis, values } = wanted('--drop', word, axes);
    const before = valuesOf(amended, axis).values;
    const names = before.map((v) => nameOf(axis, v));
    for (const value of values)
      if (!names.includes(String(value)))
        throw new ConfigError(`--drop ${word}: there is no "${String(value)}"`, { mend: didYouMean(String(value), names) });
    const gone = new Set(values.map(String));
    amended = withValues(
      amended,
      axis,
      before.filter((v) => !gone.has(nameOf(axis, v))),
    );
  }
  return amended;
}
