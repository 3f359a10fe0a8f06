import type { StepContext, StepDefinition } from '../core/plugin.ts';
import type { Dataset } from '../data/dataset.ts';
import { readDataset } from '../data/open.ts';
import type { Split } from '../plugins/contract.ts';
import builtin from '../plugins/index.ts';

/** What one contestant says of one selection. */
export interface Timing {
  readonly cpu_s: number;
  readonly wall_s: number;
  /** Of the whole process, the data included. */
  readonly peak_mb: number;
  /** Of that, what came after the data was loaded. */
  readonly added_mb: number;
  readonly version: string;
}

const context: StepContext = {
  seed: 0,
  signal: new AbortController().signal,
  threads: 1,
  memoryBytes: 8 * 2 ** 30,
  missing: {},
  progress: () => {},
  log: () => {},
  breathe: async () => {
    await new Promise((resolve) => setImmediate(resolve));
  },
};

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
  const peak = (): number => process.resourceUsage().maxRSS / 1024;
  const loaded = peak();
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
    peak_mb: peak(),
    added_mb: peak() - loaded,
    version: process.version,
  };
}
