import type { ParamDeclaration } from '../schemas/pipeline.ts';
import { type Document, type Path, type Problem, didYouMean } from './problem.ts';
import type { Registry } from './registry.ts';

/** A step chosen in a param: which one, under what name, with what params. */
export interface Use {
  readonly uses: string;
  readonly as: string;
  readonly with: Readonly<Record<string, unknown>>;
}

type Report = (path: Path, message: string, mend?: string, onKey?: boolean) => void;
type Given = Readonly<Record<string, unknown>>;

const isMap = (value: unknown): value is Given => value !== null && typeof value === 'object' && !Array.isArray(value);

function said(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/**
 * Checks what the user gave against what the pipeline declares, fills defaults in, and spells shorthands out.
 * Lists and maps that need no change keep their identity, so that their place in the file stays known.
 */
export function checkParams(
  declared: Readonly<Record<string, ParamDeclaration>>,
  given: Given,
  registry: Registry,
  where: { readonly document: Document; readonly base: Path },
): { readonly values: Record<string, unknown>; readonly problems: Problem[] } {
  const problems: Problem[] = [];
  const report: Report = (path, message, mend, onKey = false) =>
    problems.push({ message, mend, document: where.document, path: [...where.base, ...path], onKey });
  return { values: checkFields(declared, given, [], registry, report), problems };
}

function checkFields(
  declared: Readonly<Record<string, ParamDeclaration>>,
  given: Given,
  path: Path,
  registry: Registry,
  report: Report,
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const key of Object.keys(given)) {
    if (!Object.hasOwn(declared, key)) report([...path, key], `Unknown key "${key}"`, didYouMean(key, Object.keys(declared)), true);
  }
  for (const [key, declaration] of Object.entries(declared)) {
    const value = Object.hasOwn(given, key) ? given[key] : undefined;
    if (value === 'none' && declaration.type === 'use' && declaration.optional) values[key] = null;
    else if (value !== undefined && value !== null) values[key] = check(declaration, value, [...path, key], registry, report);
    else if (declaration.default !== undefined) values[key] = check(declaration, declaration.default, [...path, key], registry, report);
    else if (declaration.optional) values[key] = null;
    else report(path, `"${[...path, key].join('.')}" is missing`, declaration.summary ? `${key}: ${declaration.summary}` : undefined);
  }
  return values;
}

function check(declaration: ParamDeclaration, value: unknown, path: Path, registry: Registry, report: Report): unknown {
  switch (declaration.type) {
    case 'string':
      if (typeof value !== 'string') report(path, `${path.at(-1)} wants a string, and got ${said(value)}`);
      else if (declaration.choices && !declaration.choices.includes(value))
        report(path, `${path.at(-1)}: "${value}" is none of its choices`, didYouMean(value, declaration.choices));
      return value;
    case 'number':
    case 'integer':
      return checkNumber(declaration, value, path, report);
    case 'boolean':
      if (typeof value !== 'boolean') report(path, `${path.at(-1)} wants true or false, and got ${said(value)}`);
      return value;
    case 'list':
      return checkList(declaration, value, path, registry, report);
    case 'map':
      if (typeof value === 'string' && declaration.shorthand !== undefined)
        return checkFields(declaration.fields ?? {}, { [declaration.shorthand]: value }, path, registry, report);
      if (isMap(value)) return checkFields(declaration.fields ?? {}, value, path, registry, report);
      report(path, `${path.at(-1)} wants a map of ${Object.keys(declaration.fields ?? {}).join(', ')}, and got ${said(value)}`);
      return value;
    case 'params':
      if (!isMap(value)) report(path, `${path.at(-1)} wants a map, such as { key: value }, and got ${said(value)}`);
      return value;
    case 'use':
      return checkUse(declaration, value, path, registry, report);
  }
}

function checkNumber(declaration: ParamDeclaration, value: unknown, path: Path, report: Report): unknown {
  const name = typeof path.at(-1) === 'number' ? `${path.at(-2)}[${path.at(-1)}]` : path.at(-1);
  if (typeof value !== 'number' || !Number.isFinite(value)) report(path, `${name} wants a number, and got ${said(value)}`);
  else if (declaration.type === 'integer' && !Number.isSafeInteger(value)) report(path, `${name} wants a whole number, and got ${value}`);
  else if (declaration.min !== undefined && value < declaration.min) report(path, `${name} is ${value}; the least is ${declaration.min}`);
  else if (declaration.max !== undefined && value > declaration.max) report(path, `${name} is ${value}; the most is ${declaration.max}`);
  return value;
}

function checkList(declaration: ParamDeclaration, value: unknown, path: Path, registry: Registry, report: Report): unknown {
  if (!Array.isArray(value)) {
    report(
      path,
      `${path.at(-1)} wants a list, such as [a, b], and got ${said(value)}`,
      `Write ${path.at(-1)}: [${typeof value === 'object' ? '...' : JSON.stringify(value)}].`,
    );
    return value;
  }
  if (value.length < (declaration.min_items ?? 0))
    report(
      path,
      `${path.at(-1)} is an empty list: there would be nothing to do`,
      'Put at least one item in, or leave the key out to use its default.',
    );
  const of = declaration.of;
  if (!of) return value;
  const items = value.map((item, i) => check(of, item, [...path, i], registry, report));
  const seen = new Map<string, number>();
  for (const [i, item] of items.entries()) {
    const name = isMap(item) ? (item.as ?? (of.shorthand === undefined ? undefined : item[of.shorthand])) : item;
    if (typeof name !== 'string' && typeof name !== 'number') continue;
    const before = seen.get(String(name));
    if (before !== undefined)
      report(
        [...path, i],
        `${path.at(-1)} has "${name}" twice, as items ${before + 1} and ${i + 1}`,
        of.type === 'use' ? 'Give one of them another name with "as:".' : 'Leave one of them out.',
      );
    seen.set(String(name), i);
  }
  return items;
}

function checkUse(declaration: ParamDeclaration, value: unknown, path: Path, registry: Registry, report: Report): Use {
  const kind = declaration.kind ?? '';
  const ids = registry.ids(kind);
  const nothing: Use = { uses: '', as: '', with: {} };
  if (typeof value === 'string') {
    if (registry.knows(`${kind}/${value}`)) return { uses: `${kind}/${value}`, as: value, with: {} };
    const [id, param] = declaration.shorthand?.split('.') ?? [];
    if (id !== undefined && param !== undefined) return { uses: `${kind}/${id}`, as: value, with: { [param]: value } };
    report(path, `There is no ${kind} "${value}"`, didYouMean(value, ids));
    return nothing;
  }
  if (!isMap(value)) {
    report(path, `A ${kind} is a name, or { uses: name, with: { ... } }, and not ${said(value)}`);
    return nothing;
  }
  for (const key of Object.keys(value))
    if (!['uses', 'as', 'with'].includes(key))
      report(
        [...path, key],
        `Unknown key "${key}"`,
        `${didYouMean(key, ['uses', 'as', 'with'])} Params of the ${kind} go under "with:".`,
        true,
      );
  const { uses, as = uses, with: params = {} } = value;
  if (typeof uses !== 'string') report(path, `A ${kind} needs "uses:", the name of one`, `Known: ${ids.join(', ')}.`);
  else if (!registry.knows(`${kind}/${uses}`)) report([...path, 'uses'], `There is no ${kind} "${uses}"`, didYouMean(uses, ids));
  else if (typeof as !== 'string' || as === '') report([...path, 'as'], `"as" wants a name, and got ${said(as)}`);
  else if (!isMap(params)) report([...path, 'with'], `"with" wants a map of params, and got ${said(params)}`);
  else return { uses: `${kind}/${uses}`, as, with: params };
  return nothing;
}
