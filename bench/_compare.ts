import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Random } from '../stats/random.ts';

/** What one run of one contestant says: CPU seconds of the work alone, peak memory of the process, and how well it did. */
export interface Said {
  readonly cpu_s: number;
  readonly peak_mb: number;
  readonly accuracy: number;
  readonly version: string;
}

/** Two labelled blocks of cells, float32, rows x genes. */
export interface Case {
  readonly name: string;
  readonly rows: number;
  readonly testRows: number;
  readonly genes: number;
  readonly classes: number;
}

/** Cells of imbalanced classes in log scale, two thirds zeros: written as x.f32 and y.i32 (learning rows first), with case.json. */
export async function writeCase(folder: string, given: Case): Promise<void> {
  const { rows, testRows, genes, classes } = given;
  const random = Random.of(1, given.name);
  const n = rows + testRows;
  const level = Float64Array.from({ length: classes * genes }, () => (random.uniform() < 0.15 ? 2.5 : 0.8));
  const x = new Float32Array(n * genes);
  const y = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    y[i] = Math.floor(classes * random.uniform() ** 1.7);
    const depth = Math.exp(0.7 * random.normal());
    for (let j = 0; j < genes; j++) {
      const count = Math.floor(level[y[i] * genes + j] * depth * -Math.log(random.uniform()) * 0.9);
      x[i * genes + j] = Math.log1p((count * 10) / depth);
    }
  }
  await writeFile(join(folder, 'x.f32'), x);
  await writeFile(join(folder, 'y.i32'), y);
  await writeFile(join(folder, 'case.json'), JSON.stringify(given));
}

/** A command that does the work on a case's folder and prints a `Said` as its last line. */
export type Contestant = readonly [name: string, command: string, ...args: string[]];

/** Environment of a contestant: one thread. */
export const ONE_THREAD = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1', NUMBA_NUM_THREADS: '1' };

async function once([, command, ...args]: Contestant, folder: string): Promise<Said> {
  const { stdout } = await promisify(execFile)(command, [...args, folder], { env: { ...process.env, ...ONE_THREAD }, maxBuffer: 1 << 24 });
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Said;
}

const round = (x: number, digits = 3): number => Number(x.toPrecision(digits));

/** Runs all contestants in turn, `rounds` times; keeps the least CPU time of each. The first contestant is what ratios refer to. */
export async function compare(given: Case, contestants: readonly Contestant[], rounds = 3): Promise<object[]> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  try {
    await writeCase(folder, given);
    const best = new Map<string, Said>();
    for (let r = 0; r < rounds; r++) {
      for (const contestant of contestants) {
        const said = await once(contestant, folder);
        const before = best.get(contestant[0]);
        if (!before || said.cpu_s < before.cpu_s) best.set(contestant[0], said);
      }
    }
    const reference = best.get(contestants[0][0])!;
    return contestants.map(([name]) => {
      const { cpu_s, peak_mb, accuracy, version } = best.get(name)!;
      const ratios = { cpu_ratio: round(cpu_s / reference.cpu_s), memory_ratio: round(peak_mb / reference.peak_mb) };
      return {
        case: given.name,
        contestant: name,
        cpu_s: round(cpu_s),
        ...ratios,
        peak_mb: Math.round(peak_mb),
        accuracy: round(accuracy, 4),
        version,
      };
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A file in bench/results, whether the bench runs from its source or compiled. */
export const resultFile = (name: string): URL =>
  new URL(`${import.meta.url.includes('/dist/') ? '../../bench/results/' : 'results/'}${name}`, import.meta.url);

/** Prints the table and keeps it in bench/results, with the kind of machine. */
export async function publish(name: string, rows: readonly object[]): Promise<void> {
  console.table(rows);
  await record(name, resultFile(`${name}.json`), rows);
}

/** Writes rows with the kind of machine: first beside the file, then in its place, so that no cut leaves half of it. */
export async function record(question: string, file: URL, rows: readonly object[]): Promise<void> {
  const machine = { cpu: cpus()[0].model, cores: cpus().length, memory_gb: Math.round(totalmem() / 2 ** 30), node: process.version };
  const content = { question, ...machine, written: new Date().toISOString(), rounds: 'interleaved, least CPU time', rows };
  await mkdir(new URL('.', file), { recursive: true });
  const part = new URL(`${file.href}.part`);
  await writeFile(part, `${JSON.stringify(content, null, 2)}\n`);
  await rename(part, file);
}

/** CPU seconds and peak memory of this process for some work. */
export async function measured(work: () => Promise<number>, version: string): Promise<Said> {
  const before = process.cpuUsage();
  const accuracy = await work();
  const { user, system } = process.cpuUsage(before);
  return { cpu_s: (user + system) / 1e6, peak_mb: process.resourceUsage().maxRSS / 1024, accuracy, version };
}
