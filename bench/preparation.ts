// Question: does preparing a dataset (read, quality, normalise, variable genes) cost more than with scanpy?
// Usage: node dist/bench/preparation.js FILE.h5ad [PYTHON]
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Measured {
  readonly seconds: Record<string, number>;
  readonly processSeconds: number;
  readonly peakMb: number;
  readonly check: number;
  readonly versions: Record<string, string>;
}

const ROUNDS = 3;

/** One preparation in this process, CPU seconds of each stage. */
async function measure(path: string): Promise<Measured> {
  const { readDataset } = await import('../data/open.ts');
  const { cellMetrics, geneMetrics, mitochondrial, topShares } = await import('../stats/qc.ts');
  const { normalizeCounts } = await import('../stats/normalize.ts');
  const { hvgRanking } = await import('../stats/hvg.ts');
  const seconds: Record<string, number> = {};
  const timed = async <T>(name: string, work: () => T | Promise<T>): Promise<T> => {
    const start = process.cpuUsage();
    const result = await work();
    const { user, system } = process.cpuUsage(start);
    seconds[name] = (user + system) / 1e6;
    return result;
  };
  const { data } = await timed('read', () => readDataset(path));
  await timed('quality', () => [
    cellMetrics(data.X, mitochondrial(data.var.index)),
    topShares(data.X, [50, 100, 200, 500]),
    geneMetrics(data.X),
  ]);
  const log = await timed('normalise', () => normalizeCounts(data.X, { target: 1e4, log1p: true }));
  await timed('hvg seurat', () => hvgRanking({ log }, { flavor: 'seurat', top: 2000 }));
  await timed('hvg cell_ranger', () => hvgRanking({ log }, { flavor: 'cell_ranger', top: 2000 }));
  const last = await timed('hvg seurat_v3', () => hvgRanking({ counts: data.X }, { flavor: 'seurat_v3', top: 2000 }));
  const { user, system } = process.cpuUsage();
  const check = last.selected.reduce((s, x) => s + x, 0);
  return {
    seconds,
    processSeconds: (user + system) / 1e6,
    peakMb: process.resourceUsage().maxRSS / 1024,
    check,
    versions: { node: process.version, h5wasm: '0.10.3' },
  };
}

/** Runs one measurement in a process of its own and reads the JSON that it prints last. */
function runAlone(command: string, args: readonly string[]): Measured {
  const { stdout, stderr, status } = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, OMP_NUM_THREADS: '1', NUMBA_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' },
  });
  if (status !== 0) throw new Error(stderr.slice(-2000));
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

const least = (runs: readonly Measured[], pick: (m: Measured) => number): number => Math.min(...runs.map(pick));

/** Rows of the table: stage, ours, theirs, ratio. */
function compare(ours: readonly Measured[], theirs: readonly Measured[]): { stage: string; ours: number; scanpy: number; ratio: number }[] {
  const row = (stage: string, pick: (m: Measured) => number): { stage: string; ours: number; scanpy: number; ratio: number } => {
    const [a, b] = [least(ours, pick), least(theirs, pick)];
    return { stage, ours: Number(a.toFixed(3)), scanpy: Number(b.toFixed(3)), ratio: Number((a / b).toFixed(2)) };
  };
  const total = (m: Measured): number => Object.values(m.seconds).reduce((s, x) => s + x, 0);
  return [
    ...Object.keys(ours[0].seconds).map((stage) => row(`${stage} (CPU s)`, (m) => m.seconds[stage])),
    row('all stages (CPU s)', total),
    row('whole process with imports (CPU s)', (m) => m.processSeconds),
    row('peak memory (MB)', (m) => m.peakMb),
  ];
}

async function main([path, ...rest]: readonly string[]): Promise<void> {
  if (path === '--one') {
    process.stdout.write(`${JSON.stringify(await measure(rest[0]))}\n`);
    return;
  }
  const python = rest[0] ?? process.env.PYTHON ?? 'python3';
  if (!path || !existsSync(path) || !existsSync(python)) throw new Error('usage: preparation.js FILE.h5ad [PYTHON with scanpy]');
  const here = fileURLToPath(import.meta.url);
  const source = here.replace(/dist[\\/]bench/, 'bench').replace(/\.[jt]s$/, '.py');
  const [ours, theirs]: [Measured[], Measured[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(runAlone(process.execPath, [here, '--one', path]));
    theirs.push(runAlone(python, [source, path]));
  }
  const table = compare(ours, theirs);
  const machine = { cpu: cpus()[0].model, cores: cpus().length };
  const versions = { ...ours[0].versions, ...theirs[0].versions };
  const results = join(source, '..', 'results');
  mkdirSync(results, { recursive: true });
  writeFileSync(
    join(results, 'preparation.json'),
    `${JSON.stringify({ question: 'cost of preparing a dataset, ours against scanpy', file: basename(path), rounds: ROUNDS, threads: 1, machine, versions, table }, null, 2)}\n`,
  );
  for (const r of table)
    process.stdout.write(
      `${r.stage.padEnd(36)}${String(r.ours).padStart(10)}${String(r.scanpy).padStart(10)}${String(r.ratio).padStart(8)}\n`,
    );
  process.stdout.write(`${JSON.stringify({ machine, versions })}\n`);
}

await main(process.argv.slice(2));
