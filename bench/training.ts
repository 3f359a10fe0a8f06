/**
 * How long does a training step of our networks take against the same networks in PyTorch (CPU, default Adam), how does it grow, and what
 * does it hold? Both sides train the same simulated cells in the same batches, in turn, each in a process of its own; least time of all rounds.
 * Run: npm run build && PYTHON=<python with torch> node dist/bench/training.js [MODE ...]
 * Modes: compare (both sides, on 1 and on 2 threads), naive (NeuralSort with its whole matrix in PyTorch), growth (yoto by cells, genes and k),
 * large (22,160 x 10,000: memory), long (tensors and memory after 1,000 and after 2,000 steps). Without a mode: all. Rows go into bench/results at once.
 *   --only WORD,WORD   methods whose name contains one of these
 *   --rounds N         (3)
 *   --threads N,N      (1,2)
 *   --limit SECONDS    for one process (900)
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { TENSOR_ENV } from '../tensor/backend.ts';
import { type Case, resultFile } from './_compare.ts';
import { markdown, type Row, Table } from './_selector-table.ts';
import { GROWTH, LARGE, LONG, NAIVE, type Pair, PAIRS, type Spec } from './_training-cases.ts';
import { timeTraining, type Trained, writeTraining } from './_training-run.ts';

interface Options {
  readonly rounds: number;
  readonly threads: readonly number[];
  readonly limit: number;
  readonly wanted: (method: string) => boolean;
}

type Side = 'ours' | 'torch';

const self = fileURLToPath(import.meta.url);
const python = process.env.PYTHON ?? 'python3';
const script = fileURLToPath(new URL(self.includes('/dist/') ? '../../bench/training.py' : 'training.py', import.meta.url));
const round = (x: number, digits = 3): number => Number(x.toPrecision(digits));

/** One training of one side, in a process of its own; a text where it failed. */
async function train(side: Side, spec: Spec, threads: number, folder: string, limit: number): Promise<Trained | string> {
  const given = JSON.stringify({ ...spec, threads });
  const flags = ['--max-old-space-size=8000', ...(spec.watch ? ['--expose-gc'] : [])];
  const [command, ...args] =
    side === 'ours' ? [process.execPath, ...process.execArgv, ...flags, self, 'ours', given, folder] : [python, script, given, folder];
  const n = String(threads);
  const env = {
    ...process.env,
    ...TENSOR_ENV,
    TF_NUM_INTRAOP_THREADS: n,
    OMP_NUM_THREADS: n,
    MKL_NUM_THREADS: n,
    OMP_WAIT_POLICY: 'passive',
  };
  try {
    const { stdout } = await promisify(execFile)(command, args, { env, maxBuffer: 1 << 26, timeout: 1000 * limit, killSignal: 'SIGKILL' });
    return JSON.parse(stdout.trim().split('\n').at(-1)!) as Trained;
  } catch (error) {
    const { killed, stderr = '', message } = error as { killed?: boolean; stderr?: string; message: string };
    const lines = stderr.trim().split('\n');
    return killed ? `> ${limit} s` : (lines.findLast((line) => /^\w*(Error|Exception)\b/.test(line)) ?? message).slice(0, 200);
  }
}

/** The least wall and CPU time of both sides over some rounds, in turn. */
async function inTurn(
  sides: readonly Side[],
  spec: Spec,
  { threads, folder, rounds, limit }: { threads: number; folder: string; rounds: number; limit: number },
): Promise<Partial<Record<Side, Trained | string>>> {
  const best: Partial<Record<Side, Trained | string>> = {};
  for (let r = 0; r < rounds; r++) {
    for (const side of sides) {
      const said = await train(side, spec, threads, folder, limit);
      const before = best[side];
      if (typeof said === 'string') best[side] ??= said;
      else if (before === undefined || typeof before === 'string') best[side] = said;
      else best[side] = { ...said, wall_s: Math.min(said.wall_s, before.wall_s), cpu_s: Math.min(said.cpu_s, before.cpu_s) };
    }
  }
  return best;
}

/** Seconds an epoch, CPU seconds, memory and the last epoch's loss of one side. */
function figures(side: Side, said: Trained | string | undefined, perEpoch: number): Record<string, unknown> {
  if (said === undefined) return {};
  if (typeof said === 'string') return { [`${side}_s`]: said };
  const loss = said.losses.at(-1);
  return {
    [`${side}_s`]: round(said.wall_s * perEpoch),
    [`${side}_cpu_s`]: round(said.cpu_s * perEpoch),
    [`${side}_peak_mb`]: Math.round(said.peak_mb),
    ...(typeof loss === 'number' ? { [`${side}_loss`]: round(loss, 4) } : {}),
  };
}

/** Batches of a whole epoch. */
function perEpochOf({ spec, case: { rows } }: Pair): number {
  if (spec.batch === 0) return 1;
  return spec.dropLast ? Math.floor(rows / spec.batch) : Math.ceil(rows / spec.batch);
}

async function withCase<T>(given: Case, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  try {
    await writeTraining(folder, given);
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function measure(
  table: Table,
  mode: string,
  pairs: readonly (Pair & { axis?: string })[],
  sides: readonly Side[],
  options: Options,
): Promise<void> {
  for (const pair of pairs.filter(({ method }) => options.wanted(method))) {
    await withCase(pair.case, async (folder) => {
      for (const threads of options.threads) {
        const { ours, torch } = await inTurn(sides, pair.spec, { ...options, threads, folder });
        const isBoth = typeof ours === 'object' && typeof torch === 'object';
        await table.put({
          data: pair.case.name,
          method: `${pair.method}, ${threads} thread${threads === 1 ? '' : 's'}${pair.axis ? `, by ${pair.axis}` : ''}`,
          mode,
          threads,
          batch: pair.spec.batch || pair.case.rows,
          ...figures('ours', ours, perEpochOf(pair)),
          ...figures('torch', torch, perEpochOf(pair)),
          ...(isBoth ? { ratio: round(ours.wall_s / torch.wall_s), cpu_ratio: round(ours.cpu_s / torch.cpu_s) } : {}),
          ...(typeof torch === 'object' ? { reference: torch.version } : {}),
          ...(mode === 'long' && typeof ours === 'object'
            ? { steps: ours.steps, tensors: ours.tensors, resident_mb: ours.resident_mb }
            : {}),
        });
      }
    });
  }
  const rows = table.rows.filter((row) => row.mode === mode);
  console.log(`\n${mode}\n\n${markdown(rows, columnsOf(rows))}\n${table.older(rows)}\n`);
}

const COLUMNS = [
  'ours_s',
  'torch_s',
  'ratio',
  'ours_cpu_s',
  'torch_cpu_s',
  'cpu_ratio',
  'ours_peak_mb',
  'torch_peak_mb',
  'ours_loss',
  'torch_loss',
];

const columnsOf = (rows: readonly Row[]): string[] => [
  'data',
  'method',
  ...[...COLUMNS, 'steps', 'tensors', 'resident_mb'].filter((name) => rows.some((row) => row[name] !== undefined)),
];

const MODES: Readonly<Record<string, (table: Table, options: Options) => Promise<void>>> = {
  compare: (table, options) => measure(table, 'compare', PAIRS, ['ours', 'torch'], options),
  naive: (table, options) => measure(table, 'naive', NAIVE, ['ours', 'torch'], options),
  growth: (table, options) => measure(table, 'growth', GROWTH, ['ours', 'torch'], { ...options, threads: options.threads.slice(0, 1) }),
  large: (table, options) => measure(table, 'large', LARGE, ['ours'], { ...options, rounds: 1, threads: options.threads.slice(-1) }),
  long: (table, options) => measure(table, 'long', LONG, ['ours'], { ...options, rounds: 1, threads: options.threads.slice(-1) }),
};

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: 'string', default: '' },
      rounds: { type: 'string', default: '3' },
      threads: { type: 'string', default: '1,2' },
      limit: { type: 'string', default: '900' },
    },
  });
  const words = values.only.split(',').filter((word) => word !== '');
  const options: Options = {
    rounds: Number(values.rounds),
    threads: values.threads.split(',').map(Number),
    limit: Number(values.limit),
    wanted: (method) => words.length === 0 || words.some((word) => method.includes(word)),
  };
  const table = await Table.open('training', resultFile('training.json'));
  for (const mode of positionals.length > 0 ? positionals : Object.keys(MODES)) {
    if (!(mode in MODES)) throw new Error(`There is no mode ${mode}; modes are ${Object.keys(MODES).join(', ')}`);
    await MODES[mode](table, options);
  }
}

if (process.argv[2] === 'ours') console.log(JSON.stringify(await timeTraining(JSON.parse(process.argv[3]) as Spec, process.argv[4])));
else await main();
