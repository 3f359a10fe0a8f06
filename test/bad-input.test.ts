import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FileStore } from '../plugins/stores/fs.ts';
import { Project, TOY } from './engine/_engine.ts';
import { hasShared, sharedPath } from './kit/shared-data.ts';

let project: Project;
beforeAll(() => {
  project = new Project();
  // 40 cells x 8 genes with two classes, and files that each have one thing wrong.
  const table = (change: (row: number, gene: number, value: number) => string | number = (_, __, v) => v): string =>
    [
      `cell,${Array.from({ length: 8 }, (_, g) => `G${g}`).join(',')}`,
      ...Array.from({ length: 40 }, (_, i) =>
        [`c${i}`, ...Array.from({ length: 8 }, (__, g) => change(i, g, (i * 7 + g * 3 + (i % 2) * g) % 9))].join(','),
      ),
    ].join('\n');
  project.write('good.csv', table());
  project.write(
    'nan.csv',
    table((i, g, v) => (i === 3 && g === 2 ? 'nan' : v)),
  );
  project.write(
    'word.csv',
    table((i, g, v) => (i === 4 && g === 1 ? 'many' : v)),
  );
  project.write('ragged.csv', `${table()}\nc40,1,2`);
  project.write(
    'half.csv',
    table((_, __, v) => v + 0.5),
  );
  project.write(
    'minus.csv',
    table((i, g, v) => (i === 5 && g === 5 ? -3.5 : v)),
  );
  project.write('empty.csv', '');
  project.write('fake.h5ad', 'this is no HDF5');
  const obs = (column: (i: number) => string | number): string =>
    ['cell,type,one,age', ...Array.from({ length: 40 }, (_, i) => `c${i},${column(i)},same,${i === 7 ? 'old' : i}`)].join('\n');
  project.write(
    'obs.csv',
    obs((i) => (i % 2 ? 'A' : 'B')),
  );
  project.write('other-cells.csv', 'cell,type\nx1,A\nx2,B');
});
afterAll(() => project.close());

/** A benchmark on the tiny table; `extra` lines win. */
const benchmark = (params: string, data = '{ uses: file, with: { path: good.csv, obs_file: obs.csv } }'): string =>
  `pipeline: benchmark\nparams:\n  data: ${data}\n  qc: { min_genes: 1, min_cells: 1, min_class_cells: 2 }\n  seeds: [0]\n  k: [2]\n${params}\n`;
const tasks = '  tasks: [type]\n';
const plain = `${tasks}  selectors: [random]`;
const pipeline = (steps: string, rest = ''): string =>
  `name: p\nplugins: [${TOY}]\n${rest}steps:\n  base: { uses: toy/number, with: { value: 1 } }\n${steps}\n`;

interface Case {
  readonly name: string;
  readonly file: string;
  readonly code: 1 | 2;
  readonly says: readonly (string | RegExp)[];
  readonly flags?: readonly string[];
}

const wrongFiles: Case[] = [
  {
    name: 'unknown pipeline',
    file: 'pipeline: benchmrk\n',
    code: 2,
    says: [/:1:11/, 'There is no pipeline "benchmrk"', 'Did you mean "benchmark"?'],
  },
  { name: 'pipeline file that is not there', file: 'pipeline: ./none.yaml\n', code: 2, says: ['"./none.yaml" does not exist'] },
  { name: 'no data', file: `pipeline: benchmark\nparams:\n${plain}\n`, code: 2, says: ['"data" is missing'] },
  {
    name: 'tasks that are no list',
    file: benchmark('  tasks: type\n  selectors: [random]'),
    code: 2,
    says: [/:7:\d+/, 'tasks wants a list', '["type"]'],
  },
  { name: 'no selectors', file: benchmark(`${tasks}  selectors: []`), code: 2, says: ['selectors is an empty list'] },
  {
    name: 'empty sweep of seeds',
    file: benchmark(plain).replace('seeds: [0]', 'seeds: []'),
    code: 2,
    says: [/:5:/, 'seeds is an empty list'],
  },
  {
    name: 'a selector twice',
    file: benchmark(`${tasks}  selectors: [random, random]`),
    code: 2,
    says: [/:8:23/, '"random" twice', '"as:"'],
  },
  {
    name: 'a seed twice',
    file: benchmark(plain).replace('seeds: [0]', 'seeds: [1, 2, 1]'),
    code: 2,
    says: [/:5:17/, '"1" twice, as items 1 and 3'],
  },
  { name: 'k of zero', file: benchmark(plain).replace('k: [2]', 'k: [0]'), code: 2, says: [/:6:7/, 'k[0] is 0; the least is 1'] },
  {
    name: 'k of one and a half',
    file: benchmark(plain).replace('k: [2]', 'k: [1.5]'),
    code: 2,
    says: ['wants a whole number, and got 1.5'],
  },
  { name: 'k in words', file: benchmark(plain).replace('k: [2]', 'k: [ten]'), code: 2, says: ['wants a number, and got "ten"'] },
  {
    name: 'a negative seed',
    file: benchmark(plain).replace('seeds: [0]', 'seeds: [-1]'),
    code: 2,
    says: ['seeds[0] is -1; the least is 0'],
  },
  {
    name: 'an unknown rule of panels',
    file: benchmark(`${plain}\n  panel: { must_inclde: [G1] }`),
    code: 2,
    says: ['Unknown key "must_inclde"', 'must_include'],
  },
  {
    name: 'a share of wrong labels above one',
    file: benchmark(`${plain}\n  label_noise: { fractions: [1.5] }`),
    code: 2,
    says: ['fractions[0] is 1.5; the most is 1'],
  },
  {
    name: 'an unknown word for whom panels are',
    file: benchmark(`${plain}\n  panel_for: everyone`),
    code: 2,
    says: ['"everyone" is none of its choices'],
  },
  {
    name: 'a gene that must be there and is not',
    file: benchmark(`${plain}\n  panel: { must_include: [g1] }`),
    code: 1,
    says: ['There is no gene "g1"', 'Did you mean "G1"?'],
  },
  {
    name: 'more genes that must be there than k',
    file: benchmark(`${tasks}  selectors: [rankcorr]\n  panel: { must_include: [G1, G2, G3] }`),
    code: 1,
    says: ['names 3 genes, more than k = 2'],
  },
  {
    name: 'a balance over a column that is not there',
    file: benchmark(`${plain}\n  panel: { balance: { column: typ, cells_per_class: 5 } }`),
    code: 1,
    says: ['no obs column "typ"', 'Did you mean "type"?'],
  },
  {
    name: 'unknown evaluator',
    file: benchmark(`${plain}\n  evaluators: [forrest]`),
    code: 2,
    says: ['There is no evaluator "forrest"', 'Did you mean "forest"?'],
  },
  {
    name: 'unknown key of qc',
    file: benchmark(plain).replace('min_genes: 1', 'min_gene: 1'),
    code: 2,
    says: [/:4:9/, 'Unknown key "min_gene"', 'Did you mean "min_genes"?'],
  },
  {
    name: 'wrong type in qc',
    file: benchmark(plain).replace('min_genes: 1', 'min_genes: many'),
    code: 2,
    says: [/:4:20/, 'min_genes', 'expected number'],
  },
  {
    name: 'unknown param of a selector',
    file: benchmark(`${tasks}  selectors: [{ uses: yoto, with: { epoch: 5 } }]`),
    code: 2,
    says: [/:8:\d+/, 'Unknown key "epoch"', 'Did you mean "epochs"?'],
  },
  { name: 'a selector without a name', file: benchmark(`${tasks}  selectors: [{ with: {} }]`), code: 2, says: ['needs "uses:"'] },
  {
    name: 'a param beside "with"',
    file: benchmark(`${tasks}  selectors: [{ uses: yoto, epochs: 5 }]`),
    code: 2,
    says: ['Unknown key "epochs"', '"with:"'],
  },
  { name: 'unknown flavor', file: benchmark(`${plain}\n  hvg: { flavor: seurat_v4, top: 4 }`), code: 2, says: [/:9:18/, 'flavor'] },
  { name: 'unknown protocol', file: benchmark(`${plain}\n  protocol: paper`), code: 2, says: ['"paper" is none of its choices'] },
  { name: 'fractions past 1', file: benchmark(`${plain}\n  split: { train: 0.9, test: 0.3 }`), code: 2, says: [/:9:/, '1.2'] },
  { name: 'a key twice', file: `${benchmark(plain)}  k: [3]\n`, code: 2, says: ['Map keys must be unique', /:9:3/] },
  { name: 'a tab', file: 'pipeline: benchmark\nparams:\n\tdata: x\n', code: 2, says: [/:3:1/] },
  { name: 'an empty file', file: '', code: 2, says: ['holds no map'] },
  { name: 'a list instead of a map', file: '- a\n- b\n', code: 2, says: ['holds no map'] },
  {
    name: 'data at a scheme that is not known',
    file: benchmark(plain, 'gs://bucket/a.h5ad'),
    code: 2,
    says: [/:3:9/, 'cannot be read directly'],
  },
  { name: 'data in no bucket', file: benchmark(plain, 's3://B/a.h5ad'), code: 2, says: [/:3:9/, 'names no bucket'] },
  {
    name: 'a file that is not there',
    file: benchmark(plain, 'god.csv'),
    code: 2,
    says: [/:3:9/, '"god.csv" does not exist', 'Did you mean "good.csv"?'],
  },
  {
    name: 'unknown profile',
    file: benchmark(plain),
    flags: ['--profile', 'tset'],
    code: 2,
    says: ['There is no profile "tset"', 'Did you mean "test"?'],
  },
  { name: 'a flag without a value', file: benchmark(plain), flags: ['--set', 'k'], code: 2, says: ['write it as key=value'] },
  { name: 'an unknown flag', file: benchmark(plain), flags: ['--quite'], code: 2, says: ["unknown option '--quite'", '--quiet'] },
  {
    name: 'an unknown param in --set',
    file: benchmark(plain),
    flags: ['--set', 'seed=[1]'],
    code: 2,
    says: ['Unknown key "seed"', 'Did you mean "seeds"?'],
  },
  { name: 'a results folder that is a file', file: benchmark(plain), flags: ['--out', 'good.csv'], code: 2, says: ['good.csv is a file'] },
  {
    name: 'a results folder that cannot be made',
    file: benchmark(plain),
    flags: ['--out', '/proc/panelflow/out'],
    code: 2,
    says: ['cannot be written'],
  },
  {
    name: 'a plugin that is not installed',
    file: `${benchmark(plain)}plugins: [panelflow-plugin-none]\n`,
    code: 2,
    says: ['"panelflow-plugin-none" is not installed', 'npm install'],
  },
  {
    name: 'unknown resources',
    file: `${benchmark(plain)}resources: { selct: { memory: 1 GB } }\n`,
    code: 2,
    says: ['resources names "selct"'],
  },
  {
    name: 'an amount without a unit',
    file: `${benchmark(plain)}resources: { select: { memory: "1" } }\n`,
    code: 2,
    says: ['"500 MB" or "8 GB"'],
  },
  { name: 'exclude that matches nothing', file: `${benchmark(plain)}exclude: [{ selector: yoto }]\n`, code: 2, says: ['matches no cell'] },
  {
    name: 'exclude of an axis that there is not',
    file: `${benchmark(plain)}exclude: [{ seeds: 0 }]\n`,
    code: 2,
    says: ['an axis "seeds" that there is not', 'Did you mean "seed"?'],
  },
  { name: 'exclude of everything', file: `${benchmark(plain)}exclude: [{ seed: 0 }]\n`, code: 2, says: ['No cell of the sweep is left'] },
  {
    name: 'a circle of steps',
    file: pipeline('  a: { uses: toy/add, in: { in: b.out } }\n  b: { uses: toy/add, in: { in: a.out } }'),
    code: 2,
    says: ['in a circle: a → b → a'],
  },
  {
    name: 'an unknown step',
    file: pipeline('  a: { uses: toy/add, in: { in: bas.out } }'),
    code: 2,
    says: [/:5:3/, 'a step "bas" that there is not', 'Did you mean "base"?'],
  },
  {
    name: 'an unknown output',
    file: pipeline('  a: { uses: toy/add, in: { in: base.outt } }'),
    code: 2,
    says: ['has no output "outt"', 'Did you mean "out"?'],
  },
  {
    name: 'an unknown input',
    file: pipeline('  a: { uses: toy/add, in: { inn: base.out } }'),
    code: 2,
    says: ['has no input "inn"', 'Did you mean "in"?'],
  },
  { name: 'an input that is missing', file: pipeline('  a: { uses: toy/add }'), code: 2, says: ['gives toy/add no input "in"'] },
  {
    name: 'ports of different types',
    file: pipeline('  l: { uses: toy/list, in: { all: { from: base.out, gather: all } } }\n  a: { uses: toy/add, in: { in: l.files } }'),
    code: 2,
    says: ['takes number, and l.files is files'],
  },
  {
    name: 'a list where one value goes',
    file: pipeline('  a: { uses: toy/add, in: { in: { from: base.out, gather: all } } }'),
    code: 2,
    says: ['takes one value'],
  },
  {
    name: 'an unknown use',
    file: pipeline('  a: { uses: toy/ad, in: { in: base.out } }'),
    code: 2,
    says: ['Nothing provides "toy/ad"', 'Did you mean "toy/add"?'],
  },
  {
    name: 'an expression that does not parse',
    file: pipeline("  a: { uses: toy/add, in: { in: base.out }, with: { plus: '${{ 1 + }}' } }"),
    code: 2,
    says: ['is not expected there in the expression'],
  },
  {
    name: 'an unknown function',
    file: pipeline("  a: { uses: toy/add, in: { in: base.out }, with: { plus: '${{ lenght([1]) }}' } }"),
    code: 2,
    says: ['There is no function "lenght"', 'Did you mean "length"?'],
  },
  {
    name: 'an unknown param in an expression',
    file: pipeline(
      "  a: { uses: toy/add, in: { in: base.out }, with: { plus: '${{ params.x }}' } }",
      'params: { xs: { type: integer, default: 1 } }\n',
    ),
    code: 2,
    says: ['There is no params.x', 'Did you mean "xs"?'],
  },
  {
    name: 'a word where a number goes',
    file: pipeline('  a: { uses: toy/add, in: { in: base.out }, with: { plus: "${{ \'a\' * 2 }}" } }'),
    code: 2,
    says: ['* wants a number, and got a string'],
  },
  {
    name: 'an unknown axis',
    file: pipeline("  a: { uses: toy/add, in: { in: base.out }, with: { plus: '${{ axis.m }}' } }", 'axes: { n: [1] }\n'),
    code: 2,
    says: ['axis.m, which is no axis'],
  },
  {
    name: 'a name twice in steps',
    file: `${pipeline('')}  base: { uses: toy/number, with: { value: 2 } }\n`,
    code: 2,
    says: ['Map keys must be unique'],
  },
];

const wrongData: Case[] = [
  {
    name: 'a label with one class',
    file: benchmark('  tasks: [one]\n  selectors: [random]'),
    code: 1,
    says: [/:7:11/, '"one"', 'one class'],
  },
  {
    name: 'a column that is not there',
    file: benchmark('  tasks: [typ]\n  selectors: [random]'),
    code: 1,
    says: [/:7:11/, 'no obs column "typ"', 'Did you mean "type"?'],
  },
  {
    name: 'words in a regression column',
    file: benchmark('  tasks: [{ column: age, kind: regression }]\n  selectors: [random]'),
    code: 1,
    says: ['age'],
  },
  {
    name: 'NaN in the matrix',
    file: benchmark(plain, '{ uses: file, with: { path: nan.csv, obs_file: obs.csv } }'),
    code: 1,
    says: ['NaN', 'c3', 'G2'],
  },
  {
    name: 'a word in the matrix',
    file: benchmark(plain, '{ uses: file, with: { path: word.csv, obs_file: obs.csv } }'),
    code: 1,
    says: ['many', /line=?\s?6|:6:/],
  },
  {
    name: 'a row that is too short',
    file: benchmark(plain, '{ uses: file, with: { path: ragged.csv, obs_file: obs.csv } }'),
    code: 1,
    says: [/42/],
  },
  {
    name: 'fractions where counts are needed',
    file: benchmark(`${plain}\n  hvg: { flavor: seurat_v3, top: 4 }`, '{ uses: file, with: { path: half.csv, obs_file: obs.csv } }'),
    code: 1,
    says: ['counts'],
  },
  {
    name: 'negative counts',
    file: benchmark(`${plain}\n  hvg: { flavor: seurat_v3, top: 4 }`, '{ uses: file, with: { path: minus.csv, obs_file: obs.csv } }'),
    code: 1,
    says: [/negative|scaled|counts/],
  },
  { name: 'no cell left after QC', file: benchmark(plain).replace('min_genes: 1', 'min_genes: 500'), code: 1, says: ['min_genes', '40'] },
  { name: 'an empty matrix file', file: benchmark(plain, '{ uses: file, with: { path: empty.csv } }'), code: 1, says: ['empty.csv'] },
  { name: 'a file that is no HDF5', file: benchmark(plain, 'fake.h5ad'), code: 1, says: ['fake.h5ad'] },
  {
    name: 'labels of other cells',
    file: benchmark(plain, '{ uses: file, with: { path: good.csv, obs_file: other-cells.csv, orientation: cells-by-genes } }'),
    code: 1,
    says: ['other-cells.csv'],
  },
  { name: 'k past the number of genes', file: benchmark(plain).replace('k: [2]', 'k: [20]'), code: 1, says: [/:6:7/, '20', '8'] },
];

async function refused(c: Case): Promise<void> {
  const file = project.write('case.yaml', c.file);
  const flags = c.flags ?? [];
  const ended = await project.run('run', file, ...flags, ...(flags.includes('--out') ? [] : ['--out', 'out']));
  for (const text of c.says)
    expect(ended.stderr).toMatch(typeof text === 'string' ? new RegExp(text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')) : text);
  expect(ended.code).toBe(c.code);
  expect(ended.stderr).not.toMatch(/^\s+at \S+ \(/m);
  expect(ended.stderr).not.toContain('Unexpected');
  expect(project.has('out')).toBe(false);
}

describe('a file that is wrong is refused with one message, its place and a mend', () => {
  for (const c of wrongFiles) it(c.name, () => refused(c));

  it('a file that is not there', async () => {
    const ended = await project.run('run', 'nowhere.yaml');
    expect([ended.code, ended.stderr]).toEqual([2, expect.stringContaining('nowhere.yaml does not exist')]);
  });

  it('a folder', async () => {
    const ended = await project.run('plan', '.');
    expect([ended.code, ended.stderr]).toEqual([2, expect.stringContaining('is a folder')]);
  });

  it('a server that does not answer', async () => {
    const ended = await project.run('run', project.write('case.yaml', benchmark(plain)), '--address', '127.0.0.1:9');
    expect([ended.code, ended.stderr]).toEqual([1, expect.stringContaining('No Temporal server answers at 127.0.0.1:9')]);
  });

  it('several things at once are all listed', async () => {
    const ended = await project.run(
      'lint',
      project.write('case.yaml', benchmark(`${tasks}  selectors: [randm]\n  evaluators: [forrest]\n  sed: 1`)),
    );
    expect(ended.code).toBe(2);
    for (const text of ['randm', 'forrest', '"sed"']) expect(ended.stderr).toContain(text);
  });
});

describe('data that are wrong are refused with one message, and nothing is written', () => {
  for (const c of wrongData) it(c.name, () => refused(c));
});

describe.skipIf(!hasShared)('the bad files of the acceptance set', () => {
  const expected: Record<string, { code: number; says: RegExp[] }> = {
    'bad-split': { code: 2, says: [/:6:\d+: /, /1\.2/] },
    broken: { code: 2, says: [/:5:3: /] },
    'k-too-large': { code: 1, says: [/:6:7: /, /100000/, /smaller k/] },
    'missing-file': { code: 2, says: [/:3:9: /, /zeissel\.h5ad/, /zeisel\.h5ad/] },
    'missing-label': { code: 1, says: [/:4:11: /, /cell_clas/, /Did you mean "cell_class"/] },
    'nan-values': { code: 1, says: [/NaN/, /cell=/, /gene=/] },
    'truncated-h5ad': { code: 1, says: [/:3:9: /, /truncated/, /again/] },
    'unknown-key': { code: 2, says: [/:6:3: /, /"seed"/, /Did you mean "seeds"/] },
    'unknown-selector': { code: 2, says: [/:5:23: /, /wilcoxn/, /Did you mean "wilcoxon"/] },
  };
  for (const [name, { code, says }] of Object.entries(expected)) {
    it(name, async () => {
      const ended = await project.run('run', sharedPath(`acceptance/bad/${name}.yaml`), '--out', 'out');
      for (const text of says) expect(ended.stderr).toMatch(text);
      expect(ended.code).toBe(code);
      expect(ended.stderr).not.toMatch(/^\s+at \S+ \(/m);
      expect(project.has('out')).toBe(false);
    });
  }
});

describe('a full disk', () => {
  const folder = mkdtempSync(join(tmpdir(), 'panelflow-small-'));
  let mounted = false;
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'ignore' });
    mounted = true;
  } catch {
    // Mounting needs rights that not every machine gives.
  }
  afterAll(() => {
    if (mounted) execFileSync('umount', [folder]);
    rmSync(folder, { recursive: true, force: true });
  });

  it.skipIf(!mounted)('is a RESOURCE error that names the store, and leaves no half-written object', async () => {
    mkdirSync(join(folder, 'store'));
    const store = new FileStore(join(folder, 'store'));
    await expect(store.put([new Uint8Array(4 * 2 ** 20)], 'matrix')).rejects.toMatchObject({ code: 'RESOURCE', retryable: true });
    const left = execFileSync('find', [folder, '-type', 'f'], { encoding: 'utf8' });
    expect(left).toBe('');
    cpSync('package.json', join(folder, 'fits'));
  });
});
