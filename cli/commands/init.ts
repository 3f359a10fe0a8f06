import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ConfigError } from '../../core/errors.ts';
import { didYouMean } from '../../core/problem.ts';
import { packageRoot } from '../../runs/load.ts';
import { loadRegistry } from '../../workers/compose.ts';
import { say } from '../print.ts';

const TEMPLATE = (data: string, tasks: readonly string[]): string => `# Which genes tell the cells apart? Run with: panelflow run FILE
pipeline: benchmark
params:
  data: ${data}   # a file (.h5ad, 10x folder or .h5, .csv, .loom), or a known dataset's name
  tasks: [${tasks.join(', ')}]     # obs columns to predict; more than one = multi-task
  seeds: [0, 1, 2]
  k: [16, 32]
  selectors: [random, hvg-seurat, wilcoxon, { uses: yoto, with: { epochs: 30 } }]
  evaluators: [forest, knn]
`;

/** `panelflow init [FILE]` */
export async function init(
  file = 'benchmark.yaml',
  flags: { readonly data?: string; readonly tasks?: string[]; readonly force?: boolean },
): Promise<number> {
  if (!flags.force && (await stat(file).catch(() => null)))
    throw new ConfigError(`${file} is there already`, { mend: 'Give another name, or --force to write over it.' });
  await writeFile(file, TEMPLATE(flags.data ?? 'simulated', flags.tasks ?? ['cell_type']));
  say(`Wrote ${file}. Next: panelflow plan ${file}; panelflow run ${file}`);
  return 0;
}

/** For each kind of plugin that can be begun, an example that works: examples/plugin-<word>. */
const EXAMPLES: Readonly<Record<string, string>> = { selector: 'fano', evaluator: 'centroid' };
const PREFIX = 'panelflow-plugin-';

/** `panelflow init plugin NAME`: a package with one step, as the example has it, under its own name. */
export async function initPlugin(name: string, { kind }: { readonly kind: string }): Promise<number> {
  const word = Object.hasOwn(EXAMPLES, kind) ? EXAMPLES[kind] : undefined;
  if (word === undefined)
    throw new ConfigError(`A plugin of kind "${kind}" cannot be begun here`, {
      context: { kind },
      mend: `${didYouMean(kind, Object.keys(EXAMPLES))} docs/write-a-plugin.md has the other kinds.`,
    });
  const id = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
  await checkId(id, kind);
  const folder = `${PREFIX}${id}`;
  await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw new ConfigError(`${folder} cannot be made: ${error.message}`, { cause: error });
    throw new ConfigError(`${folder} is there already`, { mend: 'Give another name, or remove it.' });
  });
  const from = join(packageRoot(), 'examples', `plugin-${word}`);
  for (const path of await readdir(from, { recursive: true })) {
    const isOwn = /^(?:package\.json|tsconfig\.json|README\.md|(?:src|test)\/[\w-]+(?:\.test)?\.ts)$/.test(path);
    if (!isOwn) continue;
    const target = join(folder, path.replaceAll(word, id));
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, renamed(await readFile(join(from, path), 'utf8'), word, id));
  }
  await writeFile(join(folder, '.gitignore'), 'node_modules/\ndist/\n*.tgz\n');
  say(`Wrote ${folder}/ with the ${kind} "${id}", for now a copy of ${word}. Next: cd ${folder}; npm install; npm test; npm pack`);
  return 0;
}

async function checkId(id: string, kind: string): Promise<void> {
  // A name of npm, of a file beside src/index.ts, and of a step all at once.
  if (!/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(id) || id.length > 64 || id === 'index')
    throw new ConfigError(`"${id}" cannot be the name of a plugin`, {
      context: { name: id },
      mend: 'Small letters, digits and single hyphens, from a letter on, such as my-selector; the folder gets that name.',
    });
  if ((await loadRegistry([], '.')).names.includes(`${kind}/${id}`))
    throw new ConfigError(`There is a built-in ${kind} "${id}"`, { context: { name: id }, mend: 'Give it another name.' });
}

/** The example's text under another name; as a key the name needs quotes where it has hyphens. */
const renamed = (text: string, word: string, id: string): string =>
  text.replaceAll(`{ ${word}: `, `{ ${id.includes('-') ? `'${id}'` : id}: `).replaceAll(word, id);
