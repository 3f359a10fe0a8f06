/**
 * How do our statistical selectors compare with their Python references, in time and memory, and how do they grow? k = 50, one thread,
 * all cells; the selection alone is timed. Contestants take turns, each in a process of its own.
 * Run: npm run build && PYTHON=<python with the references> SPAPROS_PYTHON=<one with spapros> node dist/bench/selectors.js [MODE|ID ...]
 * Modes: zeisel (needs PANELFLOW_SHARED), simulated (20,000 x 5,000); growth and large (64,000 x 5,000, 20 classes) of ours only.
 * Without a mode: simulated, and zeisel where its file is there. Each row goes into bench/results at once.
 *   --only id,id           these methods (a bare id does the same)
 *   --resume               leave out what the result file has; rows that failed by a mishap are tried again
 *   --limit SECONDS        for one measurement, loading included (1200)
 *   --growth, --big        the modes growth and large
 *   --data FILE --label C  a dataset of raw counts of your own
 *   --cells N --genes N    another size of the simulated set; its rows, and those of --data, go to a temporary folder
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { Dataset } from '../data/dataset.ts';
import { writeH5ad } from '../data/h5ad-write.ts';
import { readDataset } from '../data/open.ts';
import { simulateAtlas } from '../data/simulate.ts';
import simulated from '../plugins/readers/simulated.ts';
import normalize from '../plugins/transforms/normalize.ts';
import { testContext } from '../test/kit/tiny-atlas.ts';
import { resultFile } from './_compare.ts';
import { drawGrowth } from './_growth-figure.ts';
import { chosenMethods, type Method, nameOf } from './_selector-methods.ts';
import { isMishap, timed, timeOurs, type Timing } from './_selector-run.ts';
import { markdown, Table, verdict } from './_selector-table.ts';

const K = 50;

interface Prepared {
  readonly name: string;
  readonly file: string;
  readonly label: string;
}

/** Log values in X and counts in a layer, as one file that both sides read. */
async function prepare(folder: string, name: string, data: Dataset, label: string): Promise<Prepared> {
  const { outputs } = await normalize.run(testContext(), { data }, normalize.params.parse({}));
  const file = join(folder, `${name.replaceAll(/\W/g, '')}.h5ad`);
  await writeH5ad(file, outputs.data as Dataset);
  return { name, file, label };
}

const atlas = (given: object): Dataset => simulateAtlas(simulated.params.parse({ subtypes: 1, ...given }));
const dotted = (n: number): string => n.toLocaleString('en-US');
const zeiselFile = (): string => join(process.env.PANELFLOW_SHARED ?? '../shared', 'data/zeisel.h5ad');

const self = fileURLToPath(import.meta.url);
const ours = ({ file, label }: Prepared, { id, given }: Method, limit: number): Promise<Timing | string> => {
  const flags = ['--max-old-space-size=8000', '--expose-gc'];
  return timed(process.execPath, [...process.execArgv, ...flags, self, 'ours', id, file, label, JSON.stringify(given)], limit);
};

function theirs({ file, label }: Prepared, { id, given }: Method, limit: number): Promise<Timing | string> {
  const script = fileURLToPath(
    new URL(self.includes('/dist/') ? '../../bench/selectors_reference.py' : 'selectors_reference.py', import.meta.url),
  );
  const python = (id === 'spapros' ? process.env.SPAPROS_PYTHON : undefined) ?? process.env.PYTHON ?? 'python3';
  return timed(python, [script, id, file, label, String(K), JSON.stringify(given)], limit);
}

const round = (x: number): number => Number(x.toPrecision(3));

/** The figures of one side, under names that begin with it. */
function figures(side: string, said: Timing | string): Record<string, unknown> {
  if (typeof said === 'string') return { [`${side}_cpu_s`]: said };
  const { cpu_s, wall_s, first_cpu_s, peak_mb, added_mb } = said;
  return {
    [`${side}_cpu_s`]: round(cpu_s),
    [`${side}_wall_s`]: round(wall_s),
    [`${side}_first_cpu_s`]: round(first_cpu_s),
    [`${side}_peak_mb`]: Math.round(peak_mb),
    [`${side}_added_mb`]: Math.round(added_mb),
  };
}

interface Options {
  readonly folder: string;
  readonly methods: readonly Method[];
  readonly limit: number;
  readonly resume: boolean;
}

/** The methods that a table has no row of yet, or a row that should be tried again. */
function due(table: Table, data: string, { methods, resume }: Options): Method[] {
  return methods.filter((m) => {
    const row = resume ? table.find(data, nameOf(m)) : undefined;
    return row === undefined || Object.entries(row).some(([name, said]) => /cpu_s$|^said$/.test(name) && isMishap(said));
  });
}

async function compareOn(table: Table, prepared: Prepared, options: Options): Promise<void> {
  for (const m of due(table, prepared.name, options)) {
    const [a, b] = [await ours(prepared, m, options.limit), await theirs(prepared, m, options.limit)];
    await table.put({
      data: prepared.name,
      method: nameOf(m),
      ...figures('ours', a),
      ...figures('reference', b),
      ratio: typeof a === 'string' || typeof b === 'string' ? null : round(a.cpu_s / b.cpu_s),
      reference: typeof b === 'string' ? '' : b.version,
    });
  }
  const pair = (figure: string): string[] => [`ours_${figure}`, `reference_${figure}`];
  const columns = ['method', ...pair('cpu_s'), 'ratio', ...pair('first_cpu_s'), ...pair('peak_mb'), ...pair('added_mb'), 'reference'];
  const rows = table.rows.filter((row) => row.data === prepared.name);
  console.log(`\n${prepared.name}\n\n${markdown(rows, columns)}\n\n${verdict(rows)}${table.older(rows)}\n`);
}

async function alone(table: Table, prepared: Prepared, options: Options, size: object): Promise<void> {
  for (const m of due(table, prepared.name, options)) {
    const said = await ours(prepared, m, options.limit);
    const found =
      typeof said === 'string'
        ? { said }
        : { cpu_s: round(said.cpu_s), peak_mb: Math.round(said.peak_mb), added_mb: Math.round(said.added_mb) };
    await table.put({ data: prepared.name, ...size, method: nameOf(m), ...found });
  }
}

/** Cells x1, x4, x16 at 2,000 genes, and genes x1, x4, x16 at 3,000 cells. */
async function growth(table: Table, options: Options): Promise<void> {
  const sizes = [
    ...[1250, 5000, 20_000].map((cells) => ({ axis: 'cells', cells, genes: 2000 })),
    ...[500, 2000, 8000].map((genes) => ({ axis: 'genes', cells: 3000, genes })),
  ];
  for (const size of sizes) {
    const name = `${dotted(size.cells)} x ${dotted(size.genes)}`;
    if (due(table, name, options).length === 0) continue;
    const prepared = await prepare(options.folder, name, atlas({ cells: size.cells, genes: size.genes, types: 8 }), 'cell_type');
    await alone(table, prepared, options, size);
    await rm(prepared.file);
  }
  const points = table.rows.flatMap(({ axis, method, cpu_s, ...row }) =>
    typeof cpu_s === 'number' ? [{ axis: String(axis), method, size: Number(row[String(axis)]), seconds: cpu_s }] : [],
  );
  await drawGrowth(points, resultFile('selectors-growth.svg'));
  console.log(`\n${markdown(table.rows, ['data', 'method', 'cpu_s', 'peak_mb', 'added_mb', 'said'])}\n${table.older(table.rows)}\n`);
}

async function zeisel(options: Options): Promise<void> {
  const table = await Table.open('selectors-zeisel', resultFile('selectors-zeisel.json'));
  const { data } = await readDataset(zeiselFile());
  await compareOn(table, await prepare(options.folder, 'Zeisel, 3,005 x 4,000', data, 'cell_class'), options);
}

async function simulatedSet(options: Options): Promise<void> {
  const table = await Table.open('selectors-simulated', resultFile('selectors-simulated.json'));
  const data = atlas({ cells: 20_000, genes: 5000, types: 10 });
  await compareOn(table, await prepare(options.folder, 'simulated, 20,000 x 5,000', data, 'cell_type'), withoutSmallOnly(options));
}

async function large(options: Options): Promise<void> {
  const table = await Table.open('selectors-large', resultFile('selectors-large.json'));
  const data = atlas({ cells: 64_000, genes: 5000, types: 20 });
  const prepared = await prepare(options.folder, 'simulated, 64,000 x 5,000, 20 classes', data, 'cell_type');
  await alone(table, prepared, withoutSmallOnly(options), {});
  console.log(
    `\n${prepared.name}\n\n${markdown(table.rows, ['method', 'cpu_s', 'peak_mb', 'added_mb', 'said'])}\n${table.older(table.rows)}\n`,
  );
}

const withoutSmallOnly = (options: Options): Options => ({ ...options, methods: options.methods.filter((m) => !m.smallOnly) });

/** A dataset of the caller's: its rows go to a temporary folder, not among the results. */
async function trial(options: Options, name: string, data: Dataset, label: string): Promise<void> {
  const file = join(tmpdir(), 'panelflow-bench', 'selectors-trial.json');
  await compareOn(await Table.open('selectors-trial', pathToFileURL(file)), await prepare(options.folder, name, data, label), options);
  console.log(`Rows are in ${file}`);
}

const MODES: Readonly<Record<string, (options: Options) => Promise<void>>> = {
  zeisel,
  simulated: simulatedSet,
  growth: async (options) => growth(await Table.open('selectors-growth', resultFile('selectors-growth.json')), withoutSmallOnly(options)),
  large,
};

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: 'string', default: '' },
      limit: { type: 'string', default: process.env.BENCH_LIMIT ?? '1200' },
      data: { type: 'string' },
      label: { type: 'string' },
      cells: { type: 'string' },
      genes: { type: 'string' },
      resume: { type: 'boolean', default: false },
      growth: { type: 'boolean', default: false },
      big: { type: 'boolean', default: false },
    },
  });
  const ids = [...positionals.filter((word) => !(word in MODES)), ...values.only.split(',').filter((id) => id !== '')];
  const modes = [...positionals.filter((word) => word in MODES), ...(values.growth ? ['growth'] : []), ...(values.big ? ['large'] : [])];
  const methods = chosenMethods(ids);
  const [limit, cells, genes] = [values.limit, values.cells ?? '20000', values.genes ?? '5000'].map(Number);
  if (![limit, cells, genes].every((n) => Number.isInteger(n) && n > 0)) throw new Error('--limit, --cells and --genes are whole numbers');
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  try {
    const options: Options = { folder, methods, limit, resume: values.resume };
    if (values.data !== undefined) {
      if (values.label === undefined) throw new Error('--data needs --label, the obs column of classes');
      const { data } = await readDataset(values.data);
      const name = `${basename(values.data)}, ${dotted(data.X.rows)} x ${dotted(data.X.cols)}`;
      await trial(options, name, data, values.label);
    } else if (values.cells !== undefined || values.genes !== undefined) {
      await trial(options, `simulated, ${dotted(cells)} x ${dotted(genes)}`, atlas({ cells, genes, types: 10 }), 'cell_type');
    } else {
      const all = existsSync(zeiselFile()) ? ['zeisel', 'simulated'] : ['simulated'];
      for (const mode of modes.length > 0 ? modes : all) await MODES[mode](options);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

if (process.argv[2] === 'ours') {
  const [id, file, label, given] = process.argv.slice(3);
  console.log(JSON.stringify(await timeOurs(id, file, label, K, JSON.parse(given) as object)));
} else {
  await main();
}
