import { readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { isCollection, isPair, isScalar, LineCounter, parse, parseDocument, visit, type Document as YamlDocument } from 'yaml';
import { ConfigError } from '../core/errors.ts';
import type { Path, Problem } from '../core/problem.ts';
import { isS3 } from '../core/s3-uri.ts';

const MEND = 'Mend the YAML there; inside { } and [ ], a text with braces wants quotes.';
/** What no file that a person writes comes near: bytes of a file, and lists and maps within each other. */
const MOST_BYTES = 2 ** 22;
const DEEPEST = 60;
/** So much of a line is shown, and so many mistakes of one file. */
const WIDEST = 160;
const MOST_SHOWN = 10;

/** Reads a YAML file; ConfigError when there is none, when it is no plain file (a pipe, a device), or when it is too large to be one that a person wrote. */
export async function readYaml(path: string): Promise<string> {
  const wrong = (reason: string, mend: string): ConfigError => new ConfigError(`${shortPath(path)} ${reason}`, { mend });
  const name = 'Name a YAML file; `panelflow init` writes one to start from.';
  try {
    const info = await stat(path);
    if (info.isDirectory()) throw wrong('is a folder', name);
    if (!info.isFile()) throw wrong('is no plain file', name);
    if (info.size > MOST_BYTES)
      throw wrong(`is larger than ${MOST_BYTES / 2 ** 20} MB`, 'Leave data in files of their own, and name them.');
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw wrong(code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`, name);
  }
}

/** The value of a YAML text on a command line or in a cell of a table. */
export const yamlValue = (text: string): unknown => shallow(parse(text, { logLevel: 'error' }));

/** The value itself; RangeError where lists and maps lie too deep for what walks through them. */
function shallow(value: unknown, depth = 0): unknown {
  if (depth > DEEPEST) throw new RangeError('too deep');
  if (value !== null && typeof value === 'object') for (const inner of Object.values(value)) shallow(inner, depth + 1);
  return value;
}

/** A YAML text whose parts can be pointed at. */
export class SourceFile {
  readonly #lines = new LineCounter();
  readonly #document: YamlDocument;
  readonly path: string;
  readonly #text: string;
  readonly #secret: boolean;

  /** Of a `secret` text only places are shown, never what stands there. */
  constructor(path: string, text: string, { secret = false } = {}) {
    this.path = path;
    this.#text = text;
    this.#secret = secret;
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, logLevel: 'error' });
    const [first] = this.#document.errors;
    if (first?.code === 'RESOURCE_EXHAUSTION') throw this.#tooDeep(first);
    if (secret && first) throw new ConfigError(this.#frame(first.pos[0], `This is not YAML (${first.code})`), { mend: MEND });
    const problems = this.#document.errors.slice(0, MOST_SHOWN).map((e) => this.#frame(e.pos[0], e.message));
    if (problems.length > 0) throw new ConfigError(problems.join('\n'), { mend: MEND });
  }

  toJS(): unknown {
    try {
      return shallow(this.#document.toJS());
    } catch (error) {
      if (error instanceof RangeError) throw this.#tooDeep(error);
      throw new ConfigError(`${shortPath(this.path)}: an alias (*name) has no anchor (&name) before it, or stands for too much`, {
        mend: MEND,
      });
    }
  }

  #tooDeep(cause: unknown): ConfigError {
    return new ConfigError(`${shortPath(this.path)}: lists and maps lie more than ${DEEPEST} deep in each other`, { cause, mend: MEND });
  }

  /** "file:line:column: message", the line itself, and a caret. */
  describe(problem: Problem): string {
    const offset = this.#find(problem.value) ?? this.#offset(problem.path, problem.onKey ?? false);
    return this.#frame(offset, problem.message, problem.mend);
  }

  /** True when a value stands in this file. */
  has(value: unknown): boolean {
    return this.#find(value) !== undefined;
  }

  /** Where a value stands for the first time, as "file:line:column", if it does. */
  find(value: unknown): string | undefined {
    const offset = this.#find(value);
    return offset === undefined ? undefined : this.#place(offset);
  }

  /** Offset of a scalar with that value, or of the path that it is the resolved form of. */
  #find(value: unknown): number | undefined {
    if (value === undefined) return undefined;
    const folder = dirname(this.path);
    let offset: number | undefined;
    visit(this.#document, {
      Scalar: (key, node) => {
        if (offset !== undefined || key === 'key') return;
        const same =
          node.value === value ||
          (typeof node.value === 'string' && typeof value === 'string' && isAbsolute(value) && resolve(folder, node.value) === value);
        if (same) offset = node.range?.[0];
      },
    });
    return offset;
  }

  #place(offset: number): string {
    const { line, col } = this.#lines.linePos(offset);
    return `${shortPath(this.path)}:${line}:${col}`;
  }

  #frame(offset: number, message: string, mend?: string): string {
    const said = `${this.#place(offset)}: ${message}${mend ? `\n  ${mend}` : ''}`;
    if (this.#secret) return said;
    const { line, col } = this.#lines.linePos(offset);
    const text = this.#text.split('\n')[line - 1] ?? '';
    const from = text.length > WIDEST ? Math.max(0, col - WIDEST / 2) : 0;
    const margin = String(line).padStart(5);
    return `${said}\n${margin} | ${text.slice(from, from + WIDEST)}\n      | ${' '.repeat(Math.max(0, col - 1 - from))}^`;
  }

  #offset(path: Path, onKey: boolean): number {
    let node: unknown = this.#document.contents;
    let offset = isCollection(node) ? (node.range?.[0] ?? 0) : 0;
    for (const [i, key] of path.entries()) {
      if (!isCollection(node)) break;
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(key));
      if (isPair(pair) && isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset;
      if (onKey && i === path.length - 1) break;
      const next = node.get(key, true) as { range?: [number, number, number] } | undefined;
      if (next === undefined) break;
      node = next;
      if (!isCollection(next) || !isPair(pair)) offset = next.range?.[0] ?? offset;
    }
    return offset;
  }
}

/** A path as a person here would write it. */
export function shortPath(path: string): string {
  if (isS3(path)) return path;
  const here = relative(process.cwd(), path);
  return here.length < path.length ? here || '.' : path;
}
