import type { Path } from '../core/problem.ts';

const VARIABLE = /\$\{([^{}]*)\}/g;
const NAME = /^[A-Za-z_]\w*$/;

/** What a value of the channels file became. */
export interface Filled {
  readonly value: unknown;
  /** Variables that the environment has not, with the place that wants them. */
  readonly lacks: readonly { readonly name: string; readonly path: Path }[];
  /** Places where `${` begins no variable. */
  readonly wrong: readonly Path[];
}

/** Puts the environment's values into every string, however deep: "${CI_SECRET}". What they hold is taken as it is. */
export function fillVariables(value: unknown, variable: (name: string) => string | undefined): Filled {
  const lacks: { name: string; path: Path }[] = [];
  const wrong: Path[] = [];
  const fill = (inner: unknown, path: Path): unknown => {
    if (Array.isArray(inner)) return inner.map((item, i) => fill(item, [...path, i]));
    if (inner !== null && typeof inner === 'object')
      return Object.fromEntries(Object.entries(inner).map(([key, item]) => [key, fill(item, [...path, key])]));
    if (typeof inner !== 'string') return inner;
    if (/\$\{(?!\{)/.test(inner.replaceAll(VARIABLE, (whole, name: string) => (NAME.test(name) ? '' : whole)))) wrong.push(path);
    return inner.replaceAll(VARIABLE, (_, name: string) => {
      const found = variable(name);
      if (found === undefined) lacks.push({ name, path });
      return found ?? '';
    });
  };
  return { value: fill(value, []), lacks, wrong };
}
