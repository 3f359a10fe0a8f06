import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { StepDefinition } from '../core/plugin.ts';
import type { Dataset } from '../data/dataset.ts';
import { readDataset } from '../data/open.ts';
import type { Split } from '../plugins/contract.ts';
import builtin from '../plugins/index.ts';
import { testContext } from '../test/kit/tiny-atlas.ts';
import { ONE_THREAD } from './_compare.ts';
import { watchMemory } from './_memory.ts';

/** What one contestant says of one selection. */
export interface Timing {
  readonly cpu_s: number;
  readonly wall_s: number;
  /** CPU seconds of the first run, before anything was compiled. */
  readonly first_cpu_s: number;
  /** Of the whole process, the data included. */
  readonly peak_mb: number;
  /** Of that, what came after the data was loaded. */
  readonly added_mb: number;
  readonly version: string;
}

/** Times one of our selectors on all cells of a prepared file (log values in X, counts in layers): the least of up to five runs. */
export async function timeOurs(id: string, file: string, label: string, k: number, given: object): Promise<Timing> {
  const step: StepDefinition = (await builtin.contributions.selector[id]()).default;
  const read = await readDataset(file);
  const data: Dataset = { ...read.data, scale: 'log' };
  const split: Split = {
    train: Uint32Array.from({ length: data.X.rows }, (_, i) => i),
    validation: new Uint32Array(0),
    test: new Uint32Array(0),
  };
  const shape = step.params.shape as Record<string, unknown>;
  const params = step.params.parse({
    ...('k' in shape ? { k } : {}),
    ...('tasks' in shape ? { tasks: [{ column: label }] } : {}),
    ...('limit' in shape ? { limit: k } : {}),
    ...given,
  });
  const context = testContext({ memoryBytes: 8 * 2 ** 30 });
  globalThis.gc?.();
  const memory = watchMemory();
  const times: { cpu: number; wall: number }[] = [];
  while (times.length < 5 && (times.length === 0 || times.reduce((sum, t) => sum + t.cpu, 0) < 2)) {
    const [cpu, wall] = [process.cpuUsage(), performance.now()];
    await step.run(context, { data, split }, params);
    const { user, system } = process.cpuUsage(cpu);
    times.push({ cpu: (user + system) / 1e6, wall: (performance.now() - wall) / 1e3 });
  }
  return {
    cpu_s: Math.min(...times.map((t) => t.cpu)),
    wall_s: Math.min(...times.map((t) => t.wall)),
    first_cpu_s: times[0].cpu,
    peak_mb: memory.peak(),
    added_mb: memory.added(),
    version: process.version,
  };
}

/** Runs one contestant in a process of its own; where there is no timing, a text that says why. */
export async function timed(command: string, args: readonly string[], limit: number): Promise<Timing | string> {
  const options = { env: { ...process.env, ...ONE_THREAD }, maxBuffer: 1 << 28, timeout: 1000 * limit, killSignal: 'SIGKILL' as const };
  try {
    const { stdout } = await promisify(execFile)(command, args, options);
    return JSON.parse(stdout.trim().split('\n').at(-1)!) as Timing;
  } catch (error) {
    return whyNot(error as Failure, limit);
  }
}

interface Failure {
  readonly killed?: boolean;
  readonly signal?: string | null;
  readonly stderr?: string;
  readonly message: string;
}

function whyNot({ killed, signal, stderr = '', message }: Failure, limit: number): string {
  if (killed) return `> ${limit} s`;
  if (/heap out of memory|MemoryError|bad_alloc|Array buffer allocation failed|Unable to allocate/.test(stderr)) return 'out of memory';
  if (signal === 'SIGKILL') return 'killed from outside, most likely for want of memory';
  const lines = stderr.trim().split('\n');
  const said = lines.findLast((line) => /^(\w+\.)*\w*(Error|Exception)\b/.test(line)) ?? lines.at(-1);
  return (said || message).slice(0, 300);
}

/** Is it worth another try, now that something may have been installed or mended? Limits and want of memory are results. */
export const isMishap = (said: unknown): boolean => typeof said === 'string' && !/^> |memory|^ResourceError/.test(said);
