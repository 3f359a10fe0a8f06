import type * as z from 'zod';
import { ConfigError } from './errors.ts';
import { nearest } from './nearest.ts';

export type Path = readonly (string | number)[];

/** Which text a path points into: the file that the user runs, or the pipeline's definition. */
export type Document = 'run' | 'pipeline';

/** One thing wrong with what the user wrote, and where. */
export interface Problem {
  readonly message: string;
  readonly mend?: string | undefined;
  readonly document: Document;
  readonly path: Path;
  /** A word the user wrote that is at fault; where it stands is the better place. */
  readonly value?: string | number | undefined;
  /** Points at the last key of the path, not at its value. */
  readonly onKey?: boolean;
}

/** Everything found wrong at once; cli/load.ts adds file, line and column. */
export class CompileError extends ConfigError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map((p) => p.message).join('; '));
    this.problems = problems;
  }
}

/** Remembers where lists and maps were read, so that an error found later can still be placed. */
export class Origins {
  readonly #places = new WeakMap<object, { document: Document; path: Path }>();

  mark(document: Document, value: unknown, path: Path = []): void {
    if (value === null || typeof value !== 'object') return;
    this.#places.set(value, { document, path });
    for (const [key, inner] of Object.entries(value)) this.mark(document, inner, [...path, Array.isArray(value) ? Number(key) : key]);
  }

  of(value: unknown): { readonly document: Document; readonly path: Path } | undefined {
    return value !== null && typeof value === 'object' ? this.#places.get(value) : undefined;
  }
}

/** The keys that a schema knows at a path. */
export function keysAt(schema: unknown, path: Path): string[] {
  let s = schema as any;
  const bare = (x: any): any =>
    x?._zod?.def?.innerType ? bare(x._zod.def.innerType) : x?._zod?.def?.getter ? bare(x._zod.def.getter()) : x;
  for (const key of path) {
    s = bare(s);
    const def = s?._zod?.def;
    if (def?.type === 'object') s = def.shape[key];
    else if (def?.type === 'array') s = def.element;
    else if (def?.type === 'record') s = def.valueType;
    else return [];
  }
  s = bare(s);
  return s?._zod?.def?.type === 'object' ? Object.keys(s._zod.def.shape) : [];
}

/** "Did you mean ...?", or the list of what is known. */
export function didYouMean(word: string, known: readonly string[]): string | undefined {
  const near = nearest(word, known);
  if (near !== undefined) return `Did you mean "${near}"?`;
  return known.length > 0 ? `Known: ${known.join(', ')}.` : undefined;
}

/** zod's issues as problems, in our words. */
export function problemsOf(error: z.ZodError, schema: unknown, document: Document, base: Path = []): Problem[] {
  return error.issues.flatMap((issue) => ofIssue(issue, schema, document, base));
}

function ofIssue(issue: z.core.$ZodIssue, schema: unknown, document: Document, base: Path): Problem[] {
  const local = issue.path as (string | number)[];
  const path = [...base, ...local];
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, local);
    return issue.keys.map((key) => ({
      message: `Unknown key "${key}"`,
      mend: didYouMean(key, known),
      document,
      path: [...path, key],
      onKey: true,
    }));
  }
  const last = local.at(-1);
  const name = local.length > 0 ? local.map((k, i) => (typeof k === 'number' ? `[${k}]` : i > 0 ? `.${k}` : k)).join('') : '';
  if (issue.code === 'invalid_type' && issue.input === undefined && last !== undefined && issue.message.includes('received undefined')) {
    return [{ message: `"${name}" is missing`, mend: `It is ${article(issue.expected)}.`, document, path: path.slice(0, -1) }];
  }
  if (issue.code === 'invalid_union') {
    const branch = issue.errors.toSorted((a, b) => depth(b) - depth(a))[0];
    if (branch && depth(branch) > 0)
      return branch.flatMap((inner) => ofIssue({ ...inner, path: [...local, ...inner.path] }, schema, document, base));
  }
  const said = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  const text = said.replace(/^Invalid input: /, '').replace(/^Invalid option: /, '');
  return [{ message: name ? `${name}: ${text}` : text, document, path }];
}

const depth = (issues: readonly z.core.$ZodIssue[]): number =>
  Math.max(0, ...issues.map((i) => i.path.length + (i.code === 'unrecognized_keys' ? 1 : 0)));
const article = (word: string): string => (/^[aeio]/.test(word) ? `an ${word}` : `a ${word}`);
