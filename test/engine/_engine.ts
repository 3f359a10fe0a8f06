import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const CLI = resolve(process.env.PANELFLOW_CLI ?? 'dist/cli/main.js');
export const TOY = resolve('test/fixtures/toy/plugin.mjs');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

/** A command that was started, and how it ended. */
export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** An empty project folder, with a server of its own that is stopped in the end. */
export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), 'panelflow-test-'));
  /** What all commands have in their environment. */
  env: Readonly<Record<string, string>> = {};
  /** A command that commands run through. */
  protected readonly through: readonly string[] = [];

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, text: string): string {
    writeFileSync(this.path(name), text);
    return this.path(name);
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  bytes(name: string): Buffer {
    return readFileSync(this.path(name));
  }

  /** Names in a folder, or none. */
  list(name: string): string[] {
    return this.has(name) ? readdirSync(this.path(name)) : [];
  }

  has(name: string): boolean {
    return existsSync(this.path(name));
  }

  /** Lines of a file, or none. */
  lines(name: string): string[] {
    return this.has(name) ? this.read(name).trim().split('\n').filter(Boolean) : [];
  }

  start(...args: string[]): Started {
    return this.startWith({}, ...args);
  }

  startWith(more: Record<string, string>, ...args: string[]): Started {
    const started = Date.now();
    const env = { ...process.env, CI: '', NO_COLOR: '1', TEMPORAL_ADDRESS: '', VITEST: '', ...this.env, ...more };
    const [file, ...rest] = [...this.through, process.execPath, CLI, ...args];
    const child = spawn(file, rest, { cwd: this.folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    return { child, ended: new Promise((done) => child.once('close', (code) => done({ code, stdout, stderr, ms: Date.now() - started }))) };
  }

  run(...args: string[]): Promise<Ended> {
    return this.start(...args).ended;
  }

  /** The same with more environment variables. */
  runWith(more: Record<string, string>, ...args: string[]): Promise<Ended> {
    return this.startWith(more, ...args).ended;
  }

  /** Rows of a run's trace, by column name. */
  trace(name: string): Record<string, string>[] {
    const [header, ...rows] = this.lines(`results/${name}/trace.tsv`).map((line) => line.split('\t'));
    return rows.map((row) => Object.fromEntries(row.map((value, i) => [header[i], value])));
  }

  /** Writes a file with an addition of `ms` milliseconds for each n, noted in NAME.log, and a list of all; gives its path. */
  sweep(
    name: string,
    ns: readonly number[],
    { ms = 0, value = 5, log = false }: { ms?: number; value?: number; log?: boolean } = {},
  ): string {
    const noted = `log: ${this.path(`${name}.log`)}`;
    return this.write(
      `${name}.yaml`,
      `name: ${name}
plugins: [${TOY}]
axes: { n: [${ns.join(', ')}] }
steps:
  base: { uses: toy/number, with: { value: ${value}${log ? `, ${noted}` : ''} } }
  add: { uses: toy/add, in: { in: base.out }, with: { plus: '\${{ axis.n }}', ms: ${ms}, ${noted} } }
  list: { uses: toy/list, in: { all: { from: add.out, gather: all } } }
`,
    );
  }

  /** The record of the newest run of that name, as a path. */
  recordOf(name: string): string {
    const run = this.list('.panelflow/runs')
      .filter((folder) => folder.startsWith(`${name}-`))
      .toSorted()
      .at(-1);
    return `.panelflow/runs/${run}/run.json`;
  }

  serverPid(): number {
    return (JSON.parse(this.read('.panelflow/temporal/server.json')) as { pid: number }).pid;
  }

  async close(): Promise<void> {
    await this.run('server', 'stop');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Waits until something holds. */
export async function until(what: () => boolean, limitMs = 120_000): Promise<void> {
  for (let waited = 0; !what(); waited += 50) {
    if (waited > limitMs) throw new Error(`waited too long for ${what.toString()}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** Kills (-9) the step processes of a process; gives how many there were. */
export function killSteps(parent: number | undefined): number {
  let killed = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      if (!status.includes(`PPid:\t${parent}\n`) || !readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('step-process')) continue;
      process.kill(Number(pid), 'SIGKILL');
      killed++;
    } catch {
      continue;
    }
  }
  return killed;
}
