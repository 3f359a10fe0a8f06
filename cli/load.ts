import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isCollection, isPair, isScalar, LineCounter, parse, parseDocument, visit, type Document as YamlDocument } from 'yaml';
import * as z from 'zod';
import { ConfigError, DataError } from '../core/errors.ts';
import { CompileError, type Document, Origins, type Path, type Problem, didYouMean, problemsOf } from '../core/problem.ts';
import { PipelineDefinition, RunFile } from '../schemas/pipeline.ts';

/** A YAML text whose parts can be pointed at. */
export class SourceFile {
  readonly #lines = new LineCounter();
  readonly #document: YamlDocument;
  readonly path: string;
  readonly #text: string;

  constructor(path: string, text: string) {
    this.path = path;
    this.#text = text;
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
    const problems = this.#document.errors.map((e) => this.#frame(e.pos[0], e.message));
    if (problems.length > 0) throw new ConfigError(problems.join('\n'), { mend: 'Mend the YAML there.' });
  }

  toJS(): unknown {
    return this.#document.toJS();
  }

  /** "file:line:column: message", the line itself, and a caret. */
  describe(problem: Problem): string {
    return this.#frame(this.#offset(problem.path, problem.onKey ?? false), problem.message, problem.mend);
  }

  /** Where a value stands for the first time, as "file:line:column", if it does. */
  find(value: unknown): string | undefined {
    let offset: number | undefined;
    visit(this.#document, {
      Scalar: (key, node) => {
        if (offset === undefined && key !== 'key' && node.value === value) offset = node.range?.[0];
      },
    });
    return offset === undefined ? undefined : this.#place(offset);
  }

  #place(offset: number): string {
    const { line, col } = this.#lines.linePos(offset);
    return `${shortPath(this.path)}:${line}:${col}`;
  }

  #frame(offset: number, message: string, mend?: string): string {
    const { line, col } = this.#lines.linePos(offset);
    const text = this.#text.split('\n')[line - 1] ?? '';
    const margin = String(line).padStart(5);
    return `${this.#place(offset)}: ${message}${mend ? `\n  ${mend}` : ''}\n${margin} | ${text}\n      | ${' '.repeat(Math.max(0, col - 1))}^`;
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
  const here = relative(process.cwd(), path);
  return here.length < path.length ? here || '.' : path;
}

/** A file to run, read and merged with profiles, params files and flags. */
export interface Loaded {
  readonly definition: PipelineDefinition;
  readonly run: {
    readonly name: string;
    readonly params: Record<string, unknown>;
    readonly include: RunFile['include'];
    readonly exclude: RunFile['exclude'];
    readonly resources: RunFile['resources'];
  };
  readonly plugins: readonly string[];
  readonly origins: Origins;
  readonly file: SourceFile;
  /** Says where a problem is, in the file that it is in. */
  readonly describe: (problem: Problem) => string;
}

export interface LoadOptions {
  readonly profiles?: readonly string[];
  /** Each as key=value; the value is YAML; dots go into maps. */
  readonly set?: readonly string[];
  readonly paramsFile?: string | undefined;
  readonly name?: string | undefined;
}

async function readSource(path: string): Promise<SourceFile> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === 'ENOENT' ? 'does not exist' : error.code === 'EISDIR' ? 'is a folder' : `cannot be read (${error.code})`;
    throw new ConfigError(`${shortPath(path)} ${reason}`, { mend: 'Name a YAML file; `panelflow init` writes one to start from.' });
  });
  return new SourceFile(path, text);
}

/** The folder of this package, from source and from dist. */
export function packageRoot(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  return extname(import.meta.url) === '.ts' ? resolve(here, '..') : resolve(here, '../..');
}

/** The names of the pipelines that ship with panelflow. */
export async function builtinPipelines(): Promise<string[]> {
  return (await readdir(join(packageRoot(), 'pipelines'))).filter((f) => f.endsWith('.yaml')).map((f) => basename(f, '.yaml'));
}

function checked<T>(schema: z.ZodType<T>, value: unknown, document: Document, describe: (p: Problem) => string): T {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new ConfigError(describe({ message: 'The file holds no map of keys', mend: 'Start from `panelflow init`.', document, path: [] }));
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new ConfigError(problemsOf(result.error, schema, document).map(describe).join('\n\n'));
}

/** Reads a run file (or a pipeline with its steps in it) and everything that it names. */
export async function load(path: string, options: LoadOptions = {}): Promise<Loaded> {
  const file = await readSource(resolve(path));
  const raw = file.toJS();
  const isDefinition = raw !== null && typeof raw === 'object' && 'steps' in raw;
  const here = (problem: Problem): string => file.describe(problem);
  const stem =
    basename(path, extname(path))
      .replace(/[^A-Za-z0-9_-]/g, '-')
      .replace(/^[^A-Za-z]+/, '') || 'run';
  if (isDefinition) {
    const definition = checked(PipelineDefinition, raw, 'pipeline', here);
    const origins = new Origins();
    origins.mark('pipeline', definition);
    const run = { name: options.name ?? definition.name, params: {}, include: [], exclude: [], resources: {} };
    return finish({ definition, run, plugins: definition.plugins, origins, file, describe: here }, definition.profiles, options);
  }
  const written = checked(RunFile, raw, 'run', here);
  const definitionFile = await findPipeline(written.pipeline, file, here);
  const there = (problem: Problem): string => definitionFile.describe(problem);
  const definition = checked(PipelineDefinition, definitionFile.toJS(), 'pipeline', there);
  const origins = new Origins();
  origins.mark('pipeline', definition);
  origins.mark('run', written);
  const { params, include, exclude, resources } = written;
  return finish(
    {
      definition,
      run: { name: options.name ?? written.name ?? stem, params, include, exclude, resources },
      plugins: [...new Set([...definition.plugins, ...written.plugins])],
      origins,
      file,
      describe: (problem) => (problem.document === 'run' ? here(problem) : there(problem)),
    },
    { ...definition.profiles, ...written.profiles },
    options,
  );
}

async function findPipeline(name: string, from: SourceFile, describe: (p: Problem) => string): Promise<SourceFile> {
  if (/\.ya?ml$/.test(name) || name.includes('/')) {
    const path = resolve(dirname(from.path), name);
    if (await stat(path).catch(() => null)) return readSource(path);
    throw new ConfigError(
      describe({
        message: `The pipeline file "${name}" does not exist`,
        mend: `It is looked for at ${shortPath(path)}.`,
        document: 'run',
        path: ['pipeline'],
      }),
    );
  }
  const known = await builtinPipelines();
  if (known.includes(name)) return readSource(join(packageRoot(), 'pipelines', `${name}.yaml`));
  throw new ConfigError(
    describe({
      message: `There is no pipeline "${name}"`,
      mend: `${didYouMean(name, known)} A file of your own ends in .yaml.`,
      document: 'run',
      path: ['pipeline'],
    }),
  );
}

async function finish(loaded: Loaded, profiles: RunFile['profiles'], options: LoadOptions): Promise<Loaded> {
  let { params, resources } = loaded.run;
  for (const name of options.profiles ?? []) {
    const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
    if (!profile)
      throw new ConfigError(`There is no profile "${name}"`, {
        mend: didYouMean(name, Object.keys(profiles)) ?? 'The pipeline and the file declare none.',
      });
    params = { ...params, ...profile.params };
    resources = { ...resources, ...profile.resources };
  }
  if (options.paramsFile !== undefined) {
    const given = (await readSource(resolve(options.paramsFile))).toJS();
    if (given === null || typeof given !== 'object' || Array.isArray(given))
      throw new ConfigError(`${options.paramsFile} holds no map of params`);
    params = { ...params, ...(given as Record<string, unknown>) };
  }
  for (const text of options.set ?? []) params = setParam(params, text);
  return { ...loaded, run: { ...loaded.run, params, resources } };
}

function setParam(params: Record<string, unknown>, text: string): Record<string, unknown> {
  const at = text.indexOf('=');
  if (at < 1)
    throw new ConfigError(`--set ${text}: write it as key=value`, { mend: 'For example --set seeds=[0,1] or --set split.train=0.8.' });
  let value: unknown;
  try {
    value = parse(text.slice(at + 1));
  } catch {
    throw new ConfigError(`--set ${text}: the value is not YAML`, { mend: 'Quote it, for example --set "k=[16, 32]".' });
  }
  const set = (map: Record<string, unknown>, [key, ...rest]: string[]): Record<string, unknown> => {
    const inner = map[key];
    const base = inner !== null && typeof inner === 'object' && !Array.isArray(inner) ? (inner as Record<string, unknown>) : {};
    return { ...map, [key]: rest.length === 0 ? value : set(base, rest) };
  };
  return set(params, text.slice(0, at).split('.'));
}

/** Hashes the files that params name; paths are relative to the folder of the user's file. A folder counts by all its files. */
export function fileHasher(from: string): (path: string) => Promise<{ path: string; sha256: string }> {
  const known = new Map<string, Promise<{ path: string; sha256: string }>>();
  return (named) => {
    const found = known.get(named);
    if (found) return found;
    const hashing = hashNamed(named, from);
    known.set(named, hashing);
    return hashing;
  };
}

async function hashNamed(named: string, from: string): Promise<{ path: string; sha256: string }> {
  if (/^[a-z0-9+.-]+:\/\//.test(named))
    throw new ConfigError(`"${named}" cannot be read directly yet`, {
      mend: 'Download it first (`panelflow data` fetches known datasets), and give its path.',
    });
  const path = resolve(from, named);
  const info = await stat(path).catch(() => null);
  if (!info) {
    const beside = await readdir(dirname(path)).catch(() => []);
    const hint = beside.length > 0 ? didYouMean(basename(path), beside) : `There is no folder ${shortPath(dirname(path))}.`;
    throw new ConfigError(`The file "${named}" does not exist`, {
      context: { path: named },
      mend: `It is looked for at ${shortPath(path)}. ${beside.length > 30 && hint?.startsWith('Known') ? '' : (hint ?? '')}`.trim(),
    });
  }
  if (!info.isDirectory()) return { path, sha256: await hashFile(path) };
  const names = (await readdir(path, { recursive: true, withFileTypes: true }))
    .filter((e) => e.isFile())
    .map((e) => relative(path, join(e.parentPath, e.name)))
    .sort();
  if (names.length === 0)
    throw new ConfigError(`The folder "${named}" is empty`, {
      context: { path: named },
      mend: 'Name a file, or a folder with matrix.mtx, barcodes and features.',
    });
  const whole = createHash('sha256');
  for (const name of names) whole.update(`${name}\0${await hashFile(join(path, name))}\n`);
  return { path, sha256: whole.digest('hex') };
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  } catch (error) {
    throw new DataError(`${shortPath(path)} cannot be read: ${(error as Error).message}`, {
      cause: error,
      context: { path },
      mend: 'Check that you may read it.',
    });
  }
  return hash.digest('hex');
}

/** A compile error with the place of each problem. */
export function placed(error: CompileError, loaded: Loaded): ConfigError {
  const shown = error.problems.slice(0, 10).map((p) => loaded.describe(p));
  const more = error.problems.length - shown.length;
  return new ConfigError(shown.join('\n\n') + (more > 0 ? `\n\nand ${more} more` : ''));
}
