/**
 * How do our statistical selectors compare with their Python references, in time and memory, and how do they grow? k = 50, one thread,
 * all cells; the selection alone is timed. Contestants take turns, each in a process of its own.
 * Run: npm run build && PYTHON=<python with the references> SPAPROS_PYTHON=<one with spapros> node dist/bench/selectors.js MODE [id ...]
 * MODE: zeisel (needs PANELFLOW_SHARED), simulated (20,000 x 5,000), growth (ours only), large (ours only, 64,000 x 5,000, 20 classes).
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Dataset } from '../data/dataset.ts';
import { writeH5ad } from '../data/h5ad-write.ts';
import { readDataset } from '../data/open.ts';
import { simulateAtlas } from '../data/simulate.ts';
import type { StepContext } from '../plugins/contract.ts';
import simulated from '../plugins/readers/simulated.ts';
import normalize from '../plugins/transforms/normalize.ts';
import { publish } from './_compare.ts';
import { drawGrowth } from './_growth-figure.ts';
import { timeOurs, type Timing } from './_selector-run.ts';

const K = 50;
const LIMIT_S = Number(process.env.BENCH_LIMIT ?? 1200);

interface Method {
  readonly id: string;
  readonly given: Readonly<Record<string, unknown>>;
  /** The reference cannot take this much in a sensible time or memory. */
  readonly only?: 'zeisel';
}

const method = (id: string, given: Method['given'] = {}, only?: 'zeisel'): Method => ({ id, given, ...(only ? { only } : {}) });

const METHODS: readonly Method[] = [
  method('hvg-seurat'),
  method('hvg-cell-ranger'),
  method('hvg-seurat-v3'),
  method('t-test'),
  method('t-test-overestim-var'),
  method('wilcoxon'),
  method('wilcoxon-tie-correct'),
  method('cosg'),
  method('rankcorr'),
  method('scgenefit', { method: 'centers' }),
  method('scgenefit', { method: 'pairwise_centers', max_constraints: 500 }),
  method('smash'),
  method('mrmr-rf'),
  method('mrmr-f'),
  method('hsic-lasso', { block: 5, permutations: 1 }),
  method('hsic-lasso', { block: 5, permutations: 3 }, 'zeisel'),
  method('spapros'),
];

const nameOf = ({ id, given }: Method): string => [id, ...Object.values(given)].join(' ');

interface Prepared {
  readonly name: string;
  readonly file: string;
  readonly label: string;
}

const still: StepContext = {
  seed: 0,
  signal: new AbortController().signal,
  threads: 1,
  memoryBytes: Infinity,
  missing: {},
  progress: () => {},
  log: () => {},
  breathe: async () => {},
};

/** Log values in X and counts in a layer, as one file that both sides read. */
async function prepare(folder: string, name: string, data: Dataset, label: string): Promise<Prepared> {
  const { outputs } = await normalize.run(still, { data }, normalize.params.parse({}));
  const file = join(folder, `${name.replaceAll(/\W/g, '')}.h5ad`);
  await writeH5ad(file, outputs.data as Dataset);
  return { name, file, label };
}

const atlas = (given: object): Dataset => simulateAtlas(simulated.params.parse({ subtypes: 1, ...given }));

/** Runs one contestant; a text instead of a timing where there is none, and why. */
async function once(command: string, args: readonly string[]): Promise<Timing | string> {
  const threads = Object.fromEntries(
    ['OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS', 'NUMBA_NUM_THREADS'].map((name) => [name, '1']),
  );
  try {
    const options = { env: { ...process.env, ...threads }, maxBuffer: 1 << 24, timeout: 1000 * LIMIT_S, killSignal: 'SIGKILL' as const };
    const { stdout } = await promisify(execFile)(command, args, options);
    return JSON.parse(stdout.trim().split('\n').at(-1)!) as Timing;
  } catch (error) {
    const { killed, stderr = '' } = error as { killed?: boolean; stderr?: string };
    if (killed) return `more than ${LIMIT_S} s`;
    return stderr.trim().split('\n').at(-1)?.slice(0, 200) || 'killed, most likely for want of memory';
  }
}

const self = fileURLToPath(import.meta.url);
const ours = ({ file, label }: Prepared, { id, given }: Method): Promise<Timing | string> =>
  once(process.execPath, [...process.execArgv, '--max-old-space-size=8000', self, 'ours', id, file, label, JSON.stringify(given)]);

function theirs({ file, label }: Prepared, { id, given }: Method): Promise<Timing | string> {
  const script = fileURLToPath(
    new URL(self.includes('/dist/') ? '../../bench/selectors_reference.py' : 'selectors_reference.py', import.meta.url),
  );
  const python = (id === 'spapros' ? process.env.SPAPROS_PYTHON : undefined) ?? process.env.PYTHON ?? 'python3';
  return once(python, [script, id, file, label, String(K), JSON.stringify(given)]);
}

const round = (x: number): number => Number(x.toPrecision(3));

async function compareOn(prepared: Prepared, methods: readonly Method[]): Promise<{ readonly method: string }[]> {
  const rows: { method: string }[] = [];
  for (const m of methods) {
    const [a, b] = [await ours(prepared, m), await theirs(prepared, m)];
    const row = {
      data: prepared.name,
      method: nameOf(m),
      ours_cpu_s: typeof a === 'string' ? a : round(a.cpu_s),
      reference_cpu_s: typeof b === 'string' ? b : round(b.cpu_s),
      ratio: typeof a === 'string' || typeof b === 'string' ? null : round(a.cpu_s / b.cpu_s),
      ours_peak_mb: typeof a === 'string' ? null : Math.round(a.peak_mb),
      reference_peak_mb: typeof b === 'string' ? null : Math.round(b.peak_mb),
      reference: typeof b === 'string' ? '' : b.version,
    };
    rows.push(row);
    console.log(JSON.stringify(row));
  }
  return rows;
}

interface Alone {
  readonly method: string;
  readonly cpu_s?: number;
  /** Instead of figures: why there are none. */
  readonly said?: string;
}

interface Size {
  readonly axis: 'cells' | 'genes';
  readonly cells: number;
  readonly genes: number;
}

async function alone<S extends object>(prepared: Prepared, methods: readonly Method[], size: S): Promise<(S & Alone)[]> {
  const rows: (S & Alone)[] = [];
  for (const m of methods) {
    const said = await ours(prepared, m);
    const figures =
      typeof said === 'string'
        ? { said }
        : { cpu_s: round(said.cpu_s), peak_mb: Math.round(said.peak_mb), added_mb: Math.round(said.added_mb) };
    rows.push({ ...size, method: nameOf(m), ...figures });
    console.log(JSON.stringify(rows.at(-1)));
  }
  return rows;
}

/** Cells x1, x4, x16 at 2,000 genes, and genes x1, x4, x16 at 3,000 cells. */
async function growth(folder: string, methods: readonly Method[]): Promise<(Size & Alone)[]> {
  const rows: (Size & Alone)[] = [];
  const sizes = [
    ...[1250, 5000, 20_000].map((cells) => ({ axis: 'cells' as const, cells, genes: 2000 })),
    ...[500, 2000, 8000].map((genes) => ({ axis: 'genes' as const, cells: 3000, genes })),
  ];
  for (const size of sizes) {
    const { cells, genes } = size;
    const prepared = await prepare(folder, `${cells} x ${genes}`, atlas({ cells, genes, types: 8 }), 'cell_type');
    rows.push(...(await alone(prepared, methods, size)));
  }
  return rows;
}

const result = (name: string): URL => new URL(self.includes('/dist/') ? `../../bench/results/${name}` : `results/${name}`, import.meta.url);

/** Publishes rows, with those of methods that this run left out as they were. */
async function publishWith(name: string, rows: readonly { readonly method: string }[]): Promise<void> {
  const path = result(`${name}.json`);
  const before = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { rows: { method: string }[] }).rows : [];
  const all = new Map([...before, ...rows].map((row) => [row.method, row]));
  const order = METHODS.map(nameOf);
  await publish(
    name,
    [...all.values()].sort((a, b) => order.indexOf(a.method) - order.indexOf(b.method)),
  );
}

async function main(mode: string, ids: readonly string[]): Promise<void> {
  const registered = METHODS.filter(({ id, only }) => (ids.length === 0 || ids.includes(id)) && (only === undefined || only === mode));
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  try {
    if (mode === 'zeisel') {
      const file = join(process.env.PANELFLOW_SHARED ?? '../shared', 'data/zeisel.h5ad');
      const { data } = await readDataset(file);
      const zeisel = await prepare(folder, 'Zeisel, 3,005 x 4,000', data, 'cell_class');
      await publishWith('selectors-zeisel', await compareOn(zeisel, registered));
    } else if (mode === 'simulated') {
      const data = atlas({ cells: 20_000, genes: 5000, types: 10 });
      const prepared = await prepare(folder, 'simulated, 20,000 x 5,000', data, 'cell_type');
      await publishWith('selectors-simulated', await compareOn(prepared, registered));
    } else if (mode === 'growth') {
      const rows = await growth(folder, registered);
      const result = (name: string): URL =>
        new URL(self.includes('/dist/') ? `../../bench/results/${name}` : `results/${name}`, import.meta.url);
      await publish('selectors-growth', rows);
      const points = rows.filter((row) => row.cpu_s !== undefined).map((row) => ({ ...row, size: row[row.axis], seconds: row.cpu_s! }));
      await drawGrowth(points, result('selectors-growth.svg'));
    } else if (mode === 'large') {
      const data = atlas({ cells: 64_000, genes: 5000, types: 20 });
      const prepared = await prepare(folder, 'simulated, 64,000 x 5,000, 20 classes', data, 'cell_type');
      await publishWith('selectors-large', await alone(prepared, registered, { data: prepared.name }));
    } else {
      throw new Error(`There is no mode "${mode}": zeisel, simulated, growth or large`);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

const [, , mode = 'zeisel', ...rest] = process.argv;
if (mode === 'ours') {
  const [id, file, label, given] = rest;
  console.log(JSON.stringify(await timeOurs(id, file, label, K, JSON.parse(given) as object)));
} else {
  await main(mode, rest);
}
