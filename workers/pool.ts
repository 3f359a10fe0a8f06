import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunOptions, StepJob, StepOutcome, StepRunner } from '../activities/runner.ts';
import {
  ArtifactError,
  ConfigError,
  CrashError,
  DataError,
  PanelflowError,
  PluginError,
  ResourceError,
  TrainingError,
} from '../core/errors.ts';
import { TENSOR_ENV } from '../tensor/backend.ts';
import type { FromProcess, ToProcess } from './messages.ts';
import type { PoolState } from './metrics.ts';

const GRACE_MS = 2_000;
const SAMPLE_MS = 250;
/** A process that has done so many steps, or keeps so much memory when idle, makes room for a fresh one. */
const STEPS_PER_PROCESS = 5_000;
const IDLE_RSS_BYTES = 3 * 2 ** 30;
const PAGE = 4096;

/** Steps have no business with the Temporal server, nor with the dashboard. */
const NO_BUSINESS = {
  TEMPORAL_API_KEY: undefined,
  PANELFLOW_PAYLOAD_KEY: undefined,
  PANELFLOW_PAYLOAD_KEY_FILE: undefined,
  PANELFLOW_UI_TOKEN: undefined,
};

interface StepProcess {
  readonly child: ChildProcess;
  steps: number;
  stderr: string;
}

type Failed = Extract<FromProcess, { kind: 'failed' }>;

const CLASSES = {
  CONFIG: ConfigError,
  PLUGIN: PluginError,
  DATA: DataError,
  ARTIFACT: ArtifactError,
  CRASH: CrashError,
  RESOURCE: ResourceError,
  TRAINING: TrainingError,
} as const;

/** An error of a step process as one of ours again. */
function revive({ error, retryable }: Failed): Error {
  const { code, message, context, mend } = error;
  const options = { context, retryable, ...(mend === undefined ? {} : { mend }) };
  const Class = CLASSES[code as keyof typeof CLASSES] as (new (m: string, o: typeof options) => PanelflowError) | undefined;
  return Class ? new Class(message, options) : Object.assign(new Error(message.replace(/^Unexpected: /, '')), { name: 'Bug' });
}

/** Resident memory of a process, in bytes; null where the system does not tell. */
function residentBytes(pid: number | undefined): number | null {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE;
  } catch {
    return null;
  }
}

/** A warm pool of step processes: one step at a time in each, so that a crash or a kill costs that attempt only. */
export class ProcessPool implements StepRunner {
  readonly #idle: StepProcess[] = [];
  readonly #all = new Set<StepProcess>();
  readonly #options: {
    readonly threads: number;
    readonly plugins: readonly string[];
    readonly keep: number;
    readonly env: Readonly<Record<string, string>>;
  };
  readonly #starting: Promise<StepProcess>[] = [];
  readonly #waiting: (() => void)[] = [];
  #places: number;
  #closed = false;

  constructor(options: {
    readonly threads: number;
    readonly plugins: readonly string[];
    readonly keep: number;
    readonly env?: Readonly<Record<string, string>>;
  }) {
    this.#options = { env: {}, ...options };
    this.#places = options.keep;
  }

  /** Starts processes before there is work for them. */
  warm(count: number): void {
    for (let i = 0; i < count; i++) {
      const starting = this.#spawn();
      // Who takes it hears of it.
      starting.catch(() => {});
      this.#starting.push(starting);
    }
  }

  async run(job: StepJob, options: RunOptions): Promise<StepOutcome> {
    if (this.#places > 0) this.#places--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      options.signal.throwIfAborted();
      return await this.#runOne(job, options);
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#places++;
    }
  }

  /** A process that has nothing to do, and lives. */
  async #take(): Promise<StepProcess> {
    for (;;) {
      // One that was started before there was work for it, and did not come up, is nobody's loss.
      const warm = this.#idle.pop() ?? (await this.#starting.shift()?.catch(() => undefined));
      const process = warm ?? (await this.#spawn());
      if (this.#all.has(process)) return process;
    }
  }

  async #runOne(job: StepJob, options: RunOptions): Promise<StepOutcome> {
    const process = await this.#take();
    const memory = { peak: 0, exceeded: false };
    const started = Date.now();
    const sampler = setInterval(() => this.#sample(process, job, memory), SAMPLE_MS);
    try {
      // A process may have taken seconds to start.
      options.signal.throwIfAborted();
      const outcome = await this.#converse(process, job, options, memory);
      this.#sample(process, job, memory);
      return { ...outcome, ms: Date.now() - started, peakRssBytes: memory.peak || null };
    } finally {
      clearInterval(sampler);
      this.#giveBack(process);
    }
  }

  /** How many processes there are, and their resident memory together. */
  get state(): PoolState {
    const processes = [...this.#all];
    return { processes: processes.length, bytes: processes.reduce((sum, { child }) => sum + (residentBytes(child.pid) ?? 0), 0) };
  }

  /** Ends all processes. Steps that still run fail with a CrashError. */
  close(): void {
    this.#closed = true;
    for (const { child } of this.#all) child.kill('SIGKILL');
  }

  #sample(process: StepProcess, job: StepJob, memory: { peak: number; exceeded: boolean }): void {
    const rss = residentBytes(process.child.pid);
    if (rss === null) return;
    memory.peak = Math.max(memory.peak, rss);
    if (job.memoryBytes === null || rss <= job.memoryBytes) return;
    memory.exceeded = true;
    process.child.kill('SIGKILL');
  }

  #spawn(): Promise<StepProcess> {
    const path = fileURLToPath(new URL(`./step-process${extname(import.meta.url)}`, import.meta.url));
    const child = fork(path, [JSON.stringify(this.#options.plugins)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      serialization: 'advanced',
      execArgv: ['--max-old-space-size=8192'],
      env: { ...globalThis.process.env, ...NO_BUSINESS, ...TENSOR_ENV, ...this.#options.env },
    });
    const process: StepProcess = { child, steps: 0, stderr: '' };
    this.#all.add(process);
    child.stderr?.on('data', (chunk: Buffer) => (process.stderr = (process.stderr + chunk.toString()).slice(-4_000)));
    return new Promise((resolve, reject) => {
      const died = (): void =>
        reject(new CrashError(`A step process did not start: ${lastLine(process.stderr)}`, { mend: 'Run `panelflow doctor`.' }));
      child.once('exit', () => {
        this.#all.delete(process);
        const at = this.#idle.indexOf(process);
        if (at >= 0) this.#idle.splice(at, 1);
        died();
      });
      child.on('error', died);
      child.once('message', () => resolve(process));
    });
  }

  #converse(
    process: StepProcess,
    job: StepJob,
    options: RunOptions,
    memory: { readonly peak: number; readonly exceeded: boolean },
  ): Promise<StepOutcome> {
    const { child } = process;
    let kill: NodeJS.Timeout | undefined;
    return new Promise<StepOutcome>((resolve, reject) => {
      const onMessage = (message: FromProcess): void => {
        if (message.kind === 'progress') options.onProgress(message.fraction, message.note);
        else if (message.kind === 'checkpoint') options.onCheckpoint(message.ref);
        else if (message.kind === 'done') finish(() => resolve(message.outcome));
        else if (message.kind === 'failed') finish(() => reject(options.signal.aborted ? options.signal.reason : revive(message)));
      };
      const onExit = (code: number | null, signal: string | null): void =>
        finish(() => reject(options.signal.aborted ? options.signal.reason : causeOf(job, code, signal, process.stderr, memory)));
      const onAbort = (): void => {
        child.send({ kind: 'cancel' } satisfies ToProcess);
        kill = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
      };
      const finish = (settle: () => void): void => {
        clearTimeout(kill);
        child.off('message', onMessage);
        child.off('exit', onExit);
        options.signal.removeEventListener('abort', onAbort);
        settle();
      };
      child.on('message', onMessage);
      child.once('exit', onExit);
      options.signal.addEventListener('abort', onAbort);
      const running = Math.max(1, this.#all.size - this.#idle.length);
      const threads = Math.max(1, Math.floor(this.#options.threads / running));
      child.send({ kind: 'run', job, threads } satisfies ToProcess);
    });
  }

  #giveBack(process: StepProcess): void {
    const { child } = process;
    if (child.exitCode !== null || child.signalCode !== null || !child.connected) return;
    const rss = residentBytes(child.pid);
    process.steps++;
    const worn = process.steps >= STEPS_PER_PROCESS || (rss ?? 0) > IDLE_RSS_BYTES;
    if (this.#closed || worn || this.#idle.length >= this.#options.keep) child.kill('SIGKILL');
    else this.#idle.push(process);
  }
}

const lastLine = (text: string): string =>
  text
    .trim()
    .split('\n')
    .findLast((line) => line.trim() !== '') ?? 'no message';

function causeOf(
  job: StepJob,
  code: number | null,
  signal: string | null,
  stderr: string,
  memory: { readonly peak: number; readonly exceeded: boolean },
): Error {
  const gigabytes = (memory.peak / 2 ** 30).toFixed(1);
  const context = { step: job.uses };
  if (memory.exceeded)
    return new ResourceError(`${job.uses} took more memory than it may: ${gigabytes} GB`, {
      context: { ...context, limit: job.memoryBytes! },
      mend: 'Raise "memory" under "resources:" for this step.',
    });
  if (signal === 'SIGKILL')
    return new ResourceError(`${job.uses} was killed by the system at ${gigabytes} GB of memory, most likely for want of memory`, {
      context,
      mend: 'Use a machine with more memory, fewer --slots, or a smaller k or dataset.',
    });
  if (stderr.includes('heap out of memory'))
    return new ResourceError(`${job.uses} ran out of heap memory at ${gigabytes} GB`, {
      context,
      mend: 'Use fewer cells or genes, or a machine with more memory.',
    });
  return new CrashError(`The process of ${job.uses} died (${signal ?? `exit code ${code}`}): ${lastLine(stderr)}`, {
    context,
    mend: 'It is tried again; if it dies each time, please report it.',
  });
}
