import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ResourceError } from '../../core/errors.ts';
import { type BinaryOptions, goInstall } from './binary.ts';
import { answers } from './server.ts';

const run = promisify(execFile);

/** The pinned server that speaks S3 and keeps objects as files (Apache-2.0). */
const PROGRAM = 'github.com/versity/versitygw/cmd/versitygw@v1.8.0';
const REGION = 'us-east-1';
const START_MS = 15_000;

/** A server of S3 on this machine, and what a client needs to use it. */
export interface Gateway {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Resolves when it has ended, with its exit code. */
  readonly ended: Promise<number | null>;
  stop(): Promise<void>;
}

/** Where versitygw lies: the one that the user names, the cached one, one on the PATH; undefined when there is none. */
export async function findGateway({ cache, given }: Pick<BinaryOptions, 'cache' | 'given'>): Promise<string | undefined> {
  for (const path of given === undefined ? [join(cache, 'bin', 'versitygw'), 'versitygw'] : [given])
    if (
      await run(path, ['--version'], { timeout: 20_000 }).then(
        () => true,
        () => false,
      )
    )
      return path;
  if (given === undefined) return undefined;
  throw new ResourceError('PANELFLOW_VERSITYGW does not run', {
    context: { path: given },
    mend: 'Name the versitygw binary, or unset it.',
  });
}

/** versitygw, built with Go when it is not there yet; ResourceError when there is no Go. */
export async function gatewayBinary(options: BinaryOptions): Promise<string> {
  const found = await findGateway(options);
  if (found !== undefined) return found;
  options.say('Building versitygw with Go; this takes some minutes, once…');
  await goInstall(PROGRAM, join(options.cache, 'bin')).catch((error: Error) => {
    throw new ResourceError(`versitygw could not be had (go: ${error.message.split('\n')[0]})`, {
      cause: error,
      mend: 'Install Go, or versitygw (github.com/versity/versitygw/releases) and name it with PANELFLOW_VERSITYGW, or use another S3 server.',
    });
  });
  return join(options.cache, 'bin', 'versitygw');
}

/** What a gateway does beside keeping objects. */
export interface GatewayFlags {
  /** Buckets may keep every version of an object. */
  readonly versions?: boolean;
  /** Where it posts what happens in its buckets; it does not start while nobody listens there. */
  readonly webhook?: string;
}

/** Starts versitygw for this machine alone. Objects, keys made at random once, and the log lie in `root`. */
export async function startGateway(
  binary: string,
  root: string,
  port: number,
  { versions = false, webhook }: GatewayFlags = {},
): Promise<Gateway> {
  await mkdir(join(root, 'buckets'), { recursive: true });
  if (versions) await mkdir(join(root, 'versions'), { recursive: true });
  const credentials = await keysOf(join(root, 'keys.json'));
  const address = `127.0.0.1:${port}`;
  if (await answers(address))
    throw new ResourceError(`Something listens at ${address} already`, { mend: 'Stop it, or give another --port.', retryable: false });
  const path = join(root, 'gateway.log');
  const log = await open(path, 'a');
  const env = { ROOT_ACCESS_KEY: credentials.accessKeyId, ROOT_SECRET_KEY: credentials.secretAccessKey };
  const events = webhook === undefined ? [] : ['--event-webhook-url', webhook];
  const kept = versions ? ['--versioning-dir', join(root, 'versions')] : [];
  const args = ['--quiet', '--region', REGION, ...events, '--port', address, 'posix', ...kept, join(root, 'buckets')];
  const child = spawn(binary, args, { env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', log.fd, log.fd] });
  await log.close();
  const failed: { why?: string } = {};
  const ended = new Promise<number | null>((done) => {
    child.once('error', ({ message }) => {
      failed.why = message;
      done(null);
    });
    child.once('exit', (code) => {
      failed.why ??= `it ended with code ${code}`;
      done(code);
    });
  });
  for (let waited = 0; failed.why === undefined && waited < START_MS && !(await answers(address)); waited += 20) await sleep(20);
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
  };
  if (failed.why === undefined && (await answers(address)))
    return { endpoint: `http://${address}`, region: REGION, credentials, ended, stop };
  child.kill('SIGKILL');
  const tail = (await readFile(path, 'utf8')).trim().split('\n').at(-1) ?? '';
  throw new ResourceError(`versitygw did not start: ${failed.why ?? 'no answer in 15 seconds'} (${tail.slice(0, 200)})`, {
    context: { log: path },
    mend: 'It needs a file system with extended attributes (ext4, xfs, btrfs, apfs) for --root.',
    retryable: false,
  });
}

/** The keys of a server, made once; only its owner may read the file. */
async function keysOf(path: string): Promise<Gateway['credentials']> {
  const fresh = { accessKeyId: randomBytes(10).toString('hex'), secretAccessKey: randomBytes(20).toString('hex') };
  await writeFile(path, JSON.stringify(fresh), { flag: 'wx', mode: 0o600 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  return JSON.parse(await readFile(path, 'utf8')) as Gateway['credentials'];
}
