import { spawnSync } from 'node:child_process';
import { access, constants, mkdir, statfs } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { temporalBinary } from '../embedded/binary.ts';
import { findServer } from '../embedded/server.ts';
import { green, red } from '../print.ts';
import { settings } from '../settings.ts';

interface Finding {
  readonly what: string;
  readonly ok: boolean;
  readonly found: string;
}

const gigabytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GB`;

async function finding(what: string, look: () => Promise<string>): Promise<Finding> {
  return look().then(
    (found) => ({ what, ok: true, found }),
    (error: Error & { mend?: string }) => ({ what, ok: false, found: `${error.message}${error.mend ? ` ${error.mend}` : ''}` }),
  );
}

/** Multiplies two 1024 x 1024 matrices for a second and gives the pace. */
async function tensorBackend(): Promise<string> {
  const { loadBackend } = await import('../../tensor/backend.ts');
  const { tf, name, version, device } = await loadBackend();
  const n = name === 'tensorflow' ? 1024 : 128;
  const a = tf.ones([n, n]);
  const multiply = (): void => tf.tidy(() => void tf.matMul(a, a).slice([0, 0], [1, 1]).dataSync());
  multiply();
  let rounds = 0;
  const start = performance.now();
  for (; performance.now() - start < 1000; rounds++) multiply();
  const gflops = (2 * n ** 3 * rounds) / (performance.now() - start) / 1e6;
  if (name !== 'tensorflow')
    throw new Error(`plain JavaScript only (${gflops.toFixed(1)} GFLOP/s): training is about 150 times slower. Run \`panelflow setup\`.`);
  return `${name} ${version} on ${device}, ${availableParallelism()} threads, ${gflops.toFixed(0)} GFLOP/s`;
}

/** `panelflow doctor`: what works here, what does not, and how to mend it. */
export async function doctor(flags: { readonly work?: string; readonly address?: string; readonly json?: boolean }): Promise<number> {
  const set = settings(flags);
  const findings = [
    await finding('node', async () => process.version),
    await finding(
      'machine',
      async () => `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} cores, ${gigabytes(totalmem())} memory`,
    ),
    await finding('store', async () => {
      await mkdir(set.work, { recursive: true });
      await access(set.work, constants.W_OK);
      const disk = await statfs(set.work);
      return `${set.work}, ${gigabytes(disk.bavail * disk.bsize)} free`;
    }),
    await finding('server', async () => {
      if (set.address !== undefined) {
        const { connect } = await import('../connect.ts');
        await (await connect(set, () => {})).close();
        return `yours, at ${set.address}`;
      }
      const { version, from } = await temporalBinary({ cache: set.cache, given: set.temporalBinary, say: () => {} });
      const up = await findServer(set.work);
      return `embedded Temporal ${version} (${from}), ${up ? `up at ${up.address}, pages at ${up.ui}` : 'not up; commands start it'}`;
    }),
    await finding('tensor', tensorBackend),
    await finding('gpu', async () => {
      const smi = spawnSync('nvidia-smi', ['--query-gpu=name,memory.total,driver_version', '--format=csv,noheader'], { encoding: 'utf8' });
      return smi.status === 0 ? smi.stdout.trim().replaceAll('\n', '; ') : 'none seen';
    }),
  ];
  if (flags.json) process.stdout.write(`${JSON.stringify(findings, null, 1)}\n`);
  else for (const f of findings) process.stdout.write(`${f.ok ? green('✔') : red('✘')} ${f.what.padEnd(8)} ${f.found}\n`);
  return findings.every((f) => f.ok) ? 0 : 1;
}
