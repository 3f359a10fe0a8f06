import { readFile, readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type * as z from 'zod';
import { ConfigError } from '../core/errors.ts';
import { type CompileError, type Document, Origins, type Problem, didYouMean, problemsOf } from '../core/problem.ts';
import { Name, PipelineDefinition, RunFile } from '../schemas/pipeline.ts';
import { readYaml, shortPath, SourceFile, yamlValue } from './source-file.ts';

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

const readSource = async (path: string): Promise<SourceFile> => new SourceFile(path, await readYaml(path));

/** The folder of this package, from source and from dist. */
export function packageRoot(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  return extname(import.meta.url) === '.ts' ? resolve(here, '..') : resolve(here, '../..');
}

/** Version of this package. */
export async function packageVersion(): Promise<string> {
  return (JSON.parse(await readFile(join(packageRoot(), 'package.json'), 'utf8')) as { version: string }).version;
}

/** The names of the files that ship with panelflow: pipelines, and files that run them. */
async function shipped(): Promise<string[]> {
  return (await readdir(join(packageRoot(), 'pipelines'))).filter((f) => f.endsWith('.yaml')).map((f) => basename(f, '.yaml'));
}

/** Where a file that ships with panelflow lies. */
export const shippedPath = (name: string): string => join(packageRoot(), 'pipelines', `${name}.yaml`);

/** A shipped file that has steps is a pipeline; others run one. */
const hasSteps = (text: string): boolean => /^steps:/m.test(text);

/** The names of the pipelines that ship with panelflow. */
export async function builtinPipelines(): Promise<string[]> {
  const files = await Promise.all((await shipped()).map(async (name) => ({ name, text: await readFile(shippedPath(name), 'utf8') })));
  return files.filter(({ text }) => hasSteps(text)).map(({ name }) => name);
}

function checked<T>(schema: z.ZodType<T>, value: unknown, document: Document, describe: (p: Problem) => string): T {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new ConfigError(describe({ message: 'The file holds no map of keys', mend: 'Start from `panelflow init`.', document, path: [] }));
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new ConfigError(problemsOf(result.error, schema, document).map(describe).join('\n\n'));
}

/** The path of a file, or of one that ships with panelflow, by its name: `markermap-tables`. */
async function fileOf(named: string): Promise<string> {
  const isName = !named.includes('/') && extname(named) === '' && !(await stat(named).catch(() => null));
  return isName && (await shipped()).includes(named) ? shippedPath(named) : resolve(named);
}

/** Reads a run file (or a pipeline with its steps in it) and everything that it names. */
export async function load(named: string, options: LoadOptions = {}): Promise<Loaded> {
  if (options.name !== undefined && !Name.safeParse(options.name).success)
    throw new ConfigError(`"${options.name.slice(0, 100)}" is no name for a run`, {
      mend: 'Write letters, digits, "-" and "_", from a letter on, at most 100.',
    });
  const path = await fileOf(named);
  const file = await readSource(path);
  const raw = file.toJS();
  const isDefinition = raw !== null && typeof raw === 'object' && 'steps' in raw;
  const here = (problem: Problem): string => file.describe(problem);
  const stem =
    basename(path, extname(path))
      .replace(/[^A-Za-z0-9_-]/g, '-')
      .replace(/^[^A-Za-z]+/, '')
      .slice(0, 100) || 'run';
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
      describe: (problem) => (problem.document === 'run' || file.has(problem.value) ? here(problem) : there(problem)),
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
  if ((await shipped()).includes(name)) {
    const text = await readFile(shippedPath(name), 'utf8');
    if (hasSteps(text)) return new SourceFile(shippedPath(name), text);
  }
  const known = await builtinPipelines();
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

/** Params with one more: "key=value", where the value is YAML and dots go into maps. */
export function setParam(params: Record<string, unknown>, text: string): Record<string, unknown> {
  const at = text.indexOf('=');
  if (at < 1)
    throw new ConfigError(`--set ${text}: write it as key=value`, { mend: 'For example --set seeds=[0,1] or --set split.train=0.8.' });
  let value: unknown;
  try {
    value = yamlValue(text.slice(at + 1));
  } catch {
    throw new ConfigError(`--set ${text.slice(0, 100)}: the value is not YAML`, { mend: 'Quote it, for example --set "k=[16, 32]".' });
  }
  return withParam(params, text.slice(0, at).split('.'), value);
}

/** Params with one at a path; what is no map on the way makes room for one. */
export function withParam(
  params: Readonly<Record<string, unknown>>,
  [key, ...rest]: readonly string[],
  value: unknown,
): Record<string, unknown> {
  if (rest.length === 0) return { ...params, [key]: value };
  const inner = params[key];
  const base = inner !== null && typeof inner === 'object' && !Array.isArray(inner) ? (inner as Record<string, unknown>) : {};
  return { ...params, [key]: withParam(base, rest, value) };
}

/** A compile error with the place of each problem. */
export function placed(error: CompileError, loaded: Loaded): ConfigError {
  const shown = error.problems.slice(0, 10).map((p) => loaded.describe(p));
  const more = error.problems.length - shown.length;
  return new ConfigError(shown.join('\n\n') + (more > 0 ? `\n\nand ${more} more` : ''));
}
