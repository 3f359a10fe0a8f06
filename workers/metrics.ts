import type { TaskEvent } from '../activities/task-event.ts';

type Labels = Readonly<Record<string, string>>;

/** Bounds of how long tasks take, in seconds: from what is found in the cache to what trains overnight. */
const SECONDS = [0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3_600, 14_400];

const escape = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
const labelled = (labels: Labels): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}="${escape(value)}"`)
    .join(',');

/** One metric, with a value for each set of labels. */
class Family {
  readonly #head: string;
  readonly #name: string;
  readonly #values = new Map<string, number>();

  constructor(name: string, type: 'counter' | 'gauge' | 'histogram', help: string) {
    this.#name = name;
    this.#head = `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
  }

  add(labels: Labels, by = 1, suffix = ''): void {
    const key = `${suffix}{${labelled(labels)}}`;
    this.#values.set(key, (this.#values.get(key) ?? 0) + by);
  }

  set(labels: Labels, value: number): void {
    this.#values.set(`{${labelled(labels)}}`, value);
  }

  /** The largest value so far. */
  raise(labels: Labels, value: number): void {
    this.set(labels, Math.max(value, this.#values.get(`{${labelled(labels)}}`) ?? 0));
  }

  /** Counts a value into every bucket that it fits. */
  observe(labels: Labels, value: number): void {
    for (const bound of SECONDS) this.add({ ...labels, le: String(bound) }, value <= bound ? 1 : 0, '_bucket');
    this.add({ ...labels, le: '+Inf' }, 1, '_bucket');
    this.add(labels, value, '_sum');
    this.add(labels, 1, '_count');
  }

  text(): string {
    if (this.#values.size === 0) return '';
    return this.#head + [...this.#values].map(([key, value]) => `${this.#name}${key.replace('{}', '')} ${value}\n`).join('');
  }
}

/** What the pool of step processes is like now. */
export interface PoolState {
  readonly processes: number;
  /** Resident memory of all of them. */
  readonly bytes: number;
}

/** What a worker has done since it started, for Prometheus. Labels name steps, queues and error codes: no runs, cells or values of params. */
export class Metrics {
  readonly #tasks = new Family('panelflow_tasks_total', 'counter', 'Attempts at tasks that ended, by step and by how.');
  readonly #failures = new Family('panelflow_task_failures_total', 'counter', 'Attempts at tasks that failed, by step and error code.');
  readonly #running = new Family('panelflow_tasks_running', 'gauge', 'Tasks under way.');
  readonly #slots = new Family('panelflow_slots', 'gauge', 'Most tasks at a time.');
  readonly #seconds = new Family('panelflow_task_seconds', 'histogram', 'How long computed tasks took.');
  readonly #peak = new Family('panelflow_step_memory_peak_bytes', 'gauge', 'Most resident memory of a process of that step so far.');
  readonly #memory = new Family('panelflow_memory_bytes', 'gauge', 'Resident memory of the worker and of its step processes.');
  readonly #processes = new Family('panelflow_step_processes', 'gauge', 'Step processes, at work or waiting for it.');
  readonly #draining = new Family('panelflow_draining', 'gauge', '1 while the worker stops.');
  readonly #build = new Family('panelflow_build_info', 'gauge', 'Version of panelflow.');

  constructor(version: string, slots: Readonly<Record<string, number>>) {
    this.#build.set({ version }, 1);
    for (const [queue, n] of Object.entries(slots)) {
      this.#slots.set({ queue }, n);
      this.#running.set({ queue }, 0);
    }
  }

  take({ status, uses, queue, ms, code }: TaskEvent): void {
    this.#running.add({ queue }, status === 'STARTED' ? 1 : -1);
    if (status === 'STARTED') return;
    this.#tasks.add({ uses, status: status === 'AGAIN' ? 'retried' : status.toLowerCase() });
    if (status === 'COMPLETED') this.#seconds.observe({ uses }, ms / 1000);
    if (code !== undefined) this.#failures.add({ uses, code });
  }

  /** The memory that a step took. */
  peak(uses: string, bytes: number | null): void {
    if (bytes !== null) this.#peak.raise({ uses }, bytes);
  }

  /** All of it in Prometheus' text format. */
  text({ processes, bytes }: PoolState, isDraining: boolean): string {
    this.#memory.set({ of: 'worker' }, process.memoryUsage.rss());
    this.#memory.set({ of: 'steps' }, bytes);
    this.#processes.set({}, processes);
    this.#draining.set({}, Number(isDraining));
    const families = [this.#build, this.#draining, this.#slots, this.#running, this.#tasks, this.#failures, this.#seconds];
    return [...families, this.#peak, this.#memory, this.#processes].map((family) => family.text()).join('');
  }
}
