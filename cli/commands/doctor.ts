import { access, constants, mkdir, statfs } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import type { Backend } from '../../tensor/backend.ts';
import { isS3 } from '../../core/s3-uri.ts';
import { openStore } from '../../workers/compose.ts';
import { temporalBinary } from '../embedded/binary.ts';
import { findServer } from '../embedded/server.ts';
import { findGateway } from '../embedded/versitygw.ts';
import { payloadCipher } from '../payload-keys.ts';
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
    (error: Error & { mend?: string }) => ({
      what,
      ok: false,
      found: error.mend ? `${error.message.replace(/\.$/, '')}. ${error.mend}` : error.message,
    }),
  );
}

/** Size of the matrices that each backend multiplies for a second, so that one product takes some milliseconds. */
const SIZE = { tensorflow: 1024, webgpu: 1024, wasm: 256, cpu: 128 } as const;

/** GFLOP/s of products of two n x n matrices. */
function pace({ tf }: Backend, n: number): number {
  const a = tf.ones([n, n]);
  const multiply = (): void => tf.tidy(() => void tf.matMul(a, a).slice([0, 0], [1, 1]).dataSync());
  multiply();
  let rounds = 0;
  const start = performance.now();
  for (; performance.now() - start < 1000; rounds++) multiply();
  const gflops = (2 * n ** 3 * rounds) / (performance.now() - start) / 1e6;
  a.dispose();
  return gflops;
}

/** The backend, its library, device, threads and pace; not fine when training is slower than this machine allows. */
async function tensorBackend(gpus: readonly string[]): Promise<string> {
  const { loadBackend } = await import('../../tensor/backend.ts');
  const said: string[] = [];
  const backend = await loadBackend((line) => void said.push(line));
  const { name, version, device, isGpu, threads } = backend;
  const counted = isGpu ? '' : `, ${threads} thread${threads === 1 ? '' : 's'}`;
  const found = `${name} ${version} on ${device}${counted}, ${pace(backend, SIZE[name]).toPrecision(3)} GFLOP/s`;
  if (gpus.length > 0 && !isGpu)
    throw new DoctorError([`${found}; the GPU is not used`, ...said].join('. '), 'Run `panelflow setup --gpu`.');
  if (name === 'wasm' || name === 'cpu') throw new DoctorError([found, ...said].join('. '));
  return [found, ...said].join('. ');
}

class DoctorError extends Error {
  readonly mend: string | undefined;

  constructor(message: string, mend?: string) {
    super(message);
    this.mend = mend;
  }
}

/** `panelflow doctor`: what works here, what does not, and how to mend it. */
export async function doctor(flags: { readonly work?: string; readonly address?: string; readonly json?: boolean }): Promise<number> {
  const set = settings(flags);
  const { listGpus } = await import('../../tensor/native.ts');
  const gpus = await listGpus();
  const findings = [
    await finding('node', async () => process.version),
    await finding(
      'machine',
      async () => `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} cores, ${gigabytes(totalmem())} memory`,
    ),
    await finding('store', async () => {
      if (isS3(set.work)) {
        await openStore(set.work).listRecords('runs/');
        return `${set.work}, can be read`;
      }
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
      const up = await findServer(set.local);
      return `embedded Temporal ${version} (${from}), ${up ? `up at ${up.address}, pages at ${up.ui}` : 'not up; commands start it'}`;
    }),
    await finding('payloads', async () => {
      const [first, ...others] = (await payloadCipher(set.payloads)).keyIds;
      if (first === undefined) return 'not encrypted at the Temporal server; `panelflow key` makes a key';
      return `encrypted at the Temporal server with key ${first}${others.length > 0 ? `; ${others.join(', ')} still read` : ''}`;
    }),
    await finding('s3', async () => {
      const found = await findGateway({ cache: set.cache, given: set.gatewayBinary });
      return found === undefined ? 'no versitygw here; `panelflow s3` builds it with Go' : `versitygw at ${found}, for \`panelflow s3\``;
    }),
    await finding('tensor', () => tensorBackend(gpus)),
    await finding('gpu', async () => gpus.join('; ') || 'none seen by nvidia-smi'),
  ];
  if (flags.json) process.stdout.write(`${JSON.stringify(findings, null, 1)}\n`);
  else for (const f of findings) process.stdout.write(`${f.ok ? green('✔') : red('✘')} ${f.what.padEnd(8)} ${f.found}\n`);
  return findings.every((f) => f.ok) ? 0 : 1;
}
