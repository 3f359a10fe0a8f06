import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Contestant } from './_engine-contestants.ts';

/** One run: when it began (epoch seconds), wall and CPU seconds of all its processes, its server's among them. */
export interface Measured {
  readonly began: number;
  readonly wall_s: number;
  readonly cpu_s: number;
  /** Peak resident memory by kind of process, in MB: the command that was run, and the largest of its step processes. */
  readonly peak_mb: { readonly command: number; readonly step: number; readonly steps: number };
}

const TREE = fileURLToPath(new URL('../../bench/engine-tree.py', import.meta.url));
const SAMPLE_MS = 250;
const TICKS = 100;

/** CPU seconds of a process so far, with those of its children that have ended. */
function cpuOf(pid: number | undefined): number {
  if (pid === undefined) return 0;
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) / TICKS, 0);
}

interface Peaks {
  command: number;
  step: number;
  readonly steps: Set<string>;
}

/** Looks at what a process started, and keeps the peaks. */
function sample(root: number, peaks: Peaks): void {
  const children = new Map<number, { pid: string; status: string }[]>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const parent = Number(/^PPid:\s+(\d+)/m.exec(status)![1]);
      children.set(parent, [...(children.get(parent) ?? []), { pid, status }]);
    } catch {
      continue;
    }
  }
  const peakOf = (status: string): number => Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
  for (const command of children.get(root) ?? []) {
    peaks.command = Math.max(peaks.command, peakOf(command.status));
    for (const step of children.get(Number(command.pid)) ?? []) {
      peaks.step = Math.max(peaks.step, peakOf(step.status));
      peaks.steps.add(step.pid);
    }
  }
}

/** Runs a contestant in its folder. Throws when it fails, or does not compute `expected` cells. */
export async function measure(contestant: Contestant, folder: string, isAgain: boolean, expected: number): Promise<Measured> {
  const before = isAgain ? cpuOf(contestant.server(folder)) : 0;
  const log = join(folder, isAgain ? 'again.log' : 'first.log');
  const out = openSync(log, 'w');
  const peaks: Peaks = { command: 0, step: 0, steps: new Set() };
  const child = spawn('python3', [TREE, ...contestant.command(isAgain)], {
    cwd: folder,
    env: { ...process.env, CI: '', NO_COLOR: '1', ...contestant.env },
    stdio: ['ignore', 'pipe', out],
  });
  const sampler = setInterval(() => sample(child.pid!, peaks), SAMPLE_MS);
  let said = '';
  child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await new Promise((resolve) => child.once('close', resolve));
  clearInterval(sampler);
  closeSync(out);
  const { began, wall_s, cpu_s, code } = JSON.parse(said) as { began: number; wall_s: number; cpu_s: number; code: number };
  const text = readFileSync(log, 'utf8');
  const computed = contestant.computed(folder, text);
  if (code !== 0 || computed !== expected)
    throw new Error(`${contestant.name}: exit code ${code}, ${computed} of ${expected} cells computed\n${text.slice(-2_000)}`);
  const { command, step, steps } = peaks;
  return { began, wall_s, cpu_s: cpu_s + cpuOf(contestant.server(folder)) - before, peak_mb: { command, step, steps: steps.size } };
}
