import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process that was started; `ended` gives its exit code, or null where a signal ended it. */
export interface Running {
  readonly pid: number;
  readonly ended: Promise<number | null>;
}

export interface Kin {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** Every process of this machine that is alive; one that only waits to be reaped is not. */
export function processes(): Kin[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const [, state, parent] = /\) (\S) (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8'))!;
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return state === 'Z' ? [] : [{ pid: Number(name), parent: Number(parent), command }];
    } catch {
      return [];
    }
  });
}

/** Step processes of a worker. */
export const stepsOf = (worker: number): number[] =>
  processes()
    .filter(({ parent, command }) => parent === worker && command.includes('step-process'))
    .map(({ pid }) => pid);

/** Sends a signal (SIGKILL); false when the process has gone. */
export function end(pid: number, signal: NodeJS.Signals = 'SIGKILL'): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Starts a program with its output appended to a file. */
export function launch(
  file: string,
  args: readonly string[],
  { log, ...place }: { readonly log: string; readonly cwd?: string; readonly env?: NodeJS.ProcessEnv },
): Running {
  const out = openSync(log, 'a');
  const child = spawn(file, args, { ...place, stdio: ['ignore', out, out] });
  closeSync(out);
  const ended = new Promise<number | null>((done) => {
    child.once('error', () => done(-1));
    child.once('exit', (code) => done(code));
  });
  return { pid: child.pid ?? 0, ended };
}

export interface Ending {
  readonly name: string;
  readonly code: number | null;
  readonly at: number;
}

/** A program under a supervisor: when it ends without success, it is started again after a pause. */
export class Supervised {
  readonly name: string;
  /** Ends that nobody here had asked for. */
  readonly failures: Ending[] = [];
  /** Resolves with the time when it ended with exit code 0, or was stopped. */
  readonly finished: Promise<number>;
  starts = 0;
  readonly #start: () => Promise<Running>;
  readonly #pauseMs: () => number;
  #running: Running | undefined;
  #isWanted = true;
  #isKilled = false;

  constructor(name: string, start: () => Promise<Running>, pauseMs: () => number) {
    this.name = name;
    this.#start = start;
    this.#pauseMs = pauseMs;
    this.finished = this.#supervise();
  }

  /** Its process id while it runs. */
  get pid(): number | undefined {
    return this.#running?.pid;
  }

  /** Waits until it runs. */
  async up(): Promise<void> {
    while (this.pid === undefined) await sleep(20);
  }

  /** Kills it (-9); its supervisor starts it again. False when it was down. */
  async kill(): Promise<boolean> {
    if (!this.#running) return false;
    this.#isKilled = true;
    end(this.#running.pid);
    await this.#running.ended;
    return true;
  }

  /** Ends it (SIGTERM, after ten seconds SIGKILL) for good. */
  async stop(): Promise<void> {
    this.#isWanted = false;
    const running = this.#running;
    if (!running) return;
    end(running.pid, 'SIGTERM');
    const hard = setTimeout(() => end(running.pid), 10_000);
    await running.ended;
    clearTimeout(hard);
  }

  async #supervise(): Promise<number> {
    for (; this.#isWanted; await sleep(this.#pauseMs())) {
      this.starts++;
      this.#isKilled = false;
      const running = await this.#start().catch(() => undefined);
      this.#running = running;
      if (!this.#isWanted && running) end(running.pid);
      const code = running ? await running.ended : -1;
      this.#running = undefined;
      if (code === 0 || !this.#isWanted) break;
      if (!this.#isKilled) this.failures.push({ name: this.name, code, at: Date.now() });
    }
    return Date.now();
  }
}
