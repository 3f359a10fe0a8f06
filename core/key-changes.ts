import type { Cell } from '../schemas/plan.ts';
import { canonical } from './canonical.ts';

/** The fields of a cache key by name, each as canonical text: "uses", "version", "seed", "params.k", "inputs.data", "missing.scores". */
export type KeyFields = ReadonlyMap<string, string>;

/** The most letters of a value that are shown. */
const SHOWN = 60;

/** The fields of a key's text, as `keyText` writes it; maps in params are spread to "params.rule.top". */
export function keyFields(text: string): KeyFields {
  const fields = new Map<string, string>();
  const { params, inputs, missing, ...rest } = JSON.parse(text) as Record<string, unknown>;
  const spread = (name: string, value: unknown): void => {
    const isMap = value !== null && typeof value === 'object' && !Array.isArray(value);
    if (!isMap || Object.keys(value).length === 0) fields.set(name, canonical(value));
    else for (const [key, inner] of Object.entries(value)) spread(`${name}.${key}`, inner);
  };
  for (const name of ['uses', 'version']) fields.set(name, canonical(rest[name]));
  for (const [group, values] of Object.entries({ params, inputs, missing }))
    for (const [key, value] of Object.entries(values ?? {})) spread(`${group}.${key}`, value);
  for (const [name, value] of Object.entries(rest)) fields.set(name, canonical(value));
  return fields;
}

/** How many fields differ, counted up to `most`. */
function distance(a: KeyFields, b: KeyFields, most: number): number {
  let differ = 0;
  for (const [name, value] of a) if (b.get(name) !== value && ++differ >= most) return differ;
  for (const name of b.keys()) if (!a.has(name) && ++differ >= most) return differ;
  return differ;
}

/** Of keys of the same step, the one that differs in the fewest fields; of equal ones the first. Undefined when there is none. */
export function nearestKey<T extends { readonly fields: KeyFields }>(fields: KeyFields, earlier: Iterable<T>): T | undefined {
  let nearest: T | undefined;
  let least = Infinity;
  for (const key of earlier) {
    const differ = distance(fields, key.fields, least);
    if (differ >= least) continue;
    [nearest, least] = [key, differ];
    if (least <= 1) break;
  }
  return nearest;
}

/** What differs between two keys, a sentence for each field: "params.k: 32 -> 64", "input data: other content (0a1b2c3d4e5f)". */
export function keyChanges(before: KeyFields, now: KeyFields): string[] {
  const names = [...new Set([...now.keys(), ...before.keys()])];
  return names.flatMap((name) => {
    const [old, fresh] = [before.get(name), now.get(name)];
    return old === fresh ? [] : [change(name, old, fresh)];
  });
}

const shown = (text: string | undefined): string =>
  text === undefined ? 'not set' : text.length > SHOWN ? `${text.slice(0, SHOWN - 1)}…` : text;

/** The first 12 digits of a hash in a field: that of an artifact or, after "sha256:", of a file. */
const contentOf = (text: string | undefined): string | undefined => /^"(?:sha256:)?([0-9a-f]{12})[0-9a-f]{52}"$/.exec(text ?? '')?.[1];

function change(name: string, before: string | undefined, now: string | undefined): string {
  const [, group, port] = /^(inputs|missing)\.(.+)$/.exec(name) ?? [];
  const what = group === undefined ? name : group === 'inputs' ? `input ${port}` : `cells missing from input ${port}`;
  const content = contentOf(now);
  if (content !== undefined && contentOf(before) !== undefined) return `${what}: other content (${content})`;
  if (name === 'version') return `version ${shown(before)} -> ${shown(now)}`;
  if (group === 'inputs' && before?.startsWith('[') && now?.startsWith('[')) return `${what}: ${listChange(before, now)}`;
  return `${what}: ${shown(before)} -> ${shown(now)}`;
}

/** What differs between two gathered lists of [hash, cell]. */
function listChange(before: string, now: string): string {
  const byCell = (text: string): Map<string, string> =>
    new Map((JSON.parse(text) as [string, Cell][]).map(([hash, cell]) => [canonical(cell), hash]));
  const [old, fresh] = [byCell(before), byCell(now)];
  const cells = [...fresh.keys()];
  const counts = {
    more: cells.filter((cell) => !old.has(cell)).length,
    fewer: [...old.keys()].filter((cell) => !fresh.has(cell)).length,
    'with other content': cells.filter((cell) => old.has(cell) && old.get(cell) !== fresh.get(cell)).length,
  };
  const said = Object.entries(counts).flatMap(([words, n]) => (n > 0 ? [`${n} ${words}`] : []));
  return said.length > 0 ? said.join(', ') : 'another order';
}
