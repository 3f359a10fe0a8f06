import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLI, Project } from './_engine.ts';
import { hasScikit, WHY_NOT, withPython } from './_python.ts';

const PACKAGE = resolve(CLI, '../../..');
const PLUGIN = 'panelflow-plugin-fano';

/** A folder in which panelflow was installed as strangers get it. */
class Installed extends Project {
  readonly #env = { ...process.env, CI: '', NO_COLOR: '1', TEMPORAL_ADDRESS: '', VITEST: '', ...withPython(this) };

  /** Runs a program in a folder below; gives what it printed. */
  sure(folder: string, file: string, ...args: string[]): Promise<string> {
    return new Promise((done, failed) => {
      execFile(file, args, { cwd: this.path(folder), env: this.#env, maxBuffer: 1 << 26 }, (error, stdout, stderr) =>
        error === null ? done(stdout) : failed(new Error(`${file} ${args.join(' ')}: ${stdout}${stderr}`, { cause: error })),
      );
    });
  }

  files(folder: string): Record<string, string> {
    const names = readdirSync(this.path(folder), { recursive: true, encoding: 'utf8' }).filter((name) => /\.\w+$/.test(name));
    return Object.fromEntries(names.toSorted().map((name) => [name, this.read(join(folder, name))]));
  }
}

const project = new Installed();
const NPM = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'];
afterAll(() => project.close());

describe('a package of somebody else', () => {
  beforeAll(async () => {
    project.write('package.json', '{ "name": "elsewhere", "private": true }\n');
    await project.sure('.', 'npm', 'pack', PACKAGE, '--ignore-scripts', '--silent');
    await project.sure('.', process.execPath, CLI, 'init', 'plugin', 'fano');
  });

  it('begins as the example that the guide shows', () => {
    const made = project.files(PLUGIN);
    const { '.gitignore': ignored, ...rest } = made;
    expect(ignored).toContain('node_modules/');
    for (const [name, text] of Object.entries(rest)) expect(text, name).toBe(readFileSync(join('examples/plugin-fano', name), 'utf8'));
    expect(Object.keys(rest)).toContain('src/fano.ts');
    expect(readFileSync('docs/write-a-plugin.md', 'utf8')).toContain(made['src/fano.ts']);
  });

  it.each(['selector', 'evaluator'])('passes the shared tests of a %s as it is begun, also under a name with hyphens', async (kind) => {
    await project.sure('.', process.execPath, CLI, 'init', 'plugin', `my-own-${kind}`, '--kind', kind);
    const folder = `panelflow-plugin-my-own-${kind}`;
    link(folder);
    await project.sure(folder, 'node_modules/.bin/tsc');
    const stdout = await project.sure(folder, process.execPath, 'node_modules/vitest/vitest.mjs', 'run', '--reporter=dot');
    expect(stdout).toMatch(/Tests +\d+ passed/);
  });

  it('is installed beside the packed panelflow, and stands in one table with built-in methods and a Python script', async ({
    annotate,
  }) => {
    link(PLUGIN);
    await project.sure(PLUGIN, 'npm', 'pack', '--silent', '--ignore-scripts=false', '--pack-destination', '..');
    const tarballs = readdirSync(project.folder).filter((name) => name.endsWith('.tgz'));
    expect(tarballs.map((name) => name.replace(/-[\d.]+\.tgz$/, '')).toSorted()).toEqual(['panelflow', PLUGIN]);
    await project.sure('.', 'npm', 'install', ...NPM, ...tarballs.map((name) => `./${name}`));
    if (!hasScikit) await annotate(`without the Python selector: ${WHY_NOT}`);
    const script = 'node_modules/panelflow/examples/python';
    const own = hasScikit
      ? `, { uses: command, as: mutual-information, with: { argv: [python3, ${script}/selector.py], every_k: true } }`
      : '';
    const judge = hasScikit ? `, { uses: command, as: svm, with: { argv: [python3, ${script}/evaluator.py] } }` : '';
    project.write(
      'all.yaml',
      `pipeline: benchmark
plugins: [${PLUGIN}]
params:
  data: { uses: simulated, with: { cells: 300, genes: 300 } }
  tasks: [cell_type]
  seeds: [0]
  k: [8]
  selectors: [random, wilcoxon, fano, { uses: fano, as: fano-strict, with: { min_mean: 0.5 } }${own}]
  evaluators: [knn${judge}]
  map: none
`,
    );
    await project.sure('.', 'node_modules/.bin/panelflow', 'run', 'all.yaml');
    const rows = project.lines('results/all/metrics.csv').filter((line) => line.includes(',accuracy,'));
    const found = new Map(rows.map((line) => line.split(',')).map((cells) => [`${cells[0]} by ${cells[4]}`, Number(cells[6])]));
    const selectors = ['random', 'wilcoxon', 'fano', 'fano-strict', ...(hasScikit ? ['mutual-information'] : [])];
    const evaluators = ['knn', ...(hasScikit ? ['svm'] : [])];
    expect([...found.keys()].toSorted()).toEqual(selectors.flatMap((s) => evaluators.map((e) => `${s} by ${e}`)).toSorted());
    expect(found.get('wilcoxon by knn')).toBeGreaterThan(found.get('random by knn')!);
  });
});

/** What `npm install` would put there: this panelflow, and the tools of its own checkout. */
function link(folder: string): void {
  const modules = project.path(`${folder}/node_modules`);
  mkdirSync(join(modules, '.bin'), { recursive: true });
  symlinkSync(PACKAGE, join(modules, 'panelflow'));
  for (const tool of ['typescript', 'vitest']) symlinkSync(resolve('node_modules', tool), join(modules, tool));
  symlinkSync('../typescript/bin/tsc', join(modules, '.bin/tsc'));
}
