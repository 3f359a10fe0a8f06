import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** A Python with scanpy and anndata, named by PANELFLOW_PYTHON; tests that need it are skipped, and counted as skipped, without it. */
const python = process.env.PANELFLOW_PYTHON ?? '';

/** True when that Python is there. */
export const hasPython = existsSync(python);

/** Runs a script and gives the JSON that it prints as its last line. */
export function runPython(script: string, ...args: string[]): any {
  const { stdout, stderr, status } = spawnSync(python, ['-W', 'ignore', '-c', script, ...args], { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`the Python peer failed: ${stderr.slice(-2000)}`);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? 'null');
}
