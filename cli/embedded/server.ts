import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ResourceError } from '../../core/errors.ts';
import { type BinaryOptions, SERVER_VERSION, TEMPORAL_VERSION, temporalBinary } from './binary.ts';

/** A Temporal server that commands share. */
export interface EmbeddedServer {
  readonly pid: number;
  readonly address: string;
  readonly ui: string;
  readonly version: string;
}

const RETENTION = '8760h';
/** WAL is 7 times the throughput of the default journal; the poll rates lift a cap of about 25 sequential tasks a second. */
export const TUNING = [
  '--sqlite-pragma',
  'journal_mode=WAL',
  '--sqlite-pragma',
  'synchronous=NORMAL',
  '--dynamic-config-value',
  'history.transferProcessorMaxPollRPS=2000',
  '--dynamic-config-value',
  'history.transferProcessorMaxPollHostRPS=2000',
  '--dynamic-config-value',
  'history.timerProcessorMaxPollRPS=2000',
  '--dynamic-config-value',
  'history.timerProcessorMaxPollHostRPS=2000',
  '--dynamic-config-value',
  'system.forceSearchAttributesCacheRefreshOnRead=true',
  '--dynamic-config-value',
  'matching.useNewMatcher=true',
  '--dynamic-config-value',
  'matching.enableFairness=true',
  // Priorities count within a partition.
  '--dynamic-config-value',
  'matching.numTaskqueueReadPartitions=1',
  '--dynamic-config-value',
  'matching.numTaskqueueWritePartitions=1',
];

/** Stands for the process of a server that was stopped on purpose. */
const STOPPED = 0;
/** So often one looks whether the server is still there. */
const KEEP_MS = 2_000;

const folderOf = (work: string): string => join(work, 'temporal');
const stateFile = (work: string): string => join(folderOf(work), 'server.json');

/** True for a process that runs; a zombie that nobody has reaped does not. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

/** True for a process that runs and is the server of this work folder, as far as the system tells. */
function isServerOf(work: string, pid: number): boolean {
  if (pid === STOPPED || !isAlive(pid)) return false;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folderOf(work));
  } catch {
    return true;
  }
}

/** True when something listens there. */
export function answers(address: string): Promise<boolean> {
  const [host, port] = address.split(':');
  return new Promise((resolve) => {
    const socket = createConnection({ host, port: Number(port), timeout: 1_000 });
    const end = (yes: boolean) => () => {
      socket.destroy();
      resolve(yes);
    };
    socket.once('connect', end(true)).once('error', end(false)).once('timeout', end(false));
  });
}

/** A port of this machine that nothing listens at: the one that is wished for, when it is free. */
export async function freePort(wish = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => (wish === 0 ? reject(error) : resolve(freePort())));
    server.listen(wish, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** The server of this work folder, when one is up. */
export async function findServer(work: string): Promise<EmbeddedServer | undefined> {
  const text = await readFile(stateFile(work), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  let state: EmbeddedServer;
  try {
    state = JSON.parse(text) as EmbeddedServer;
  } catch {
    return undefined;
  }
  return isServerOf(work, state.pid) && (await answers(state.address)) ? state : undefined;
}

/** Starts the server again whenever it is gone, unless somebody stopped it on purpose, until it is told to let it be. */
export function keepServer(work: string, options: BinaryOptions): () => void {
  let isBusy = false;
  const look = async (): Promise<void> => {
    const text = await readFile(stateFile(work), 'utf8').catch(() => undefined);
    if (text === undefined || (JSON.parse(text) as EmbeddedServer).pid === STOPPED || (await findServer(work))) return;
    options.say('The server is gone; starting it again…');
    await ensureServer(work, options);
  };
  const timer = setInterval(() => {
    if (isBusy) return;
    isBusy = true;
    void look()
      .catch((error: Error) => options.say(error.message))
      .finally(() => (isBusy = false));
  }, KEEP_MS);
  return () => clearInterval(timer);
}

/** Finds the server of this work folder or starts it; it stays up for later commands. One lock guards the database file. */
export async function ensureServer(work: string, options: BinaryOptions): Promise<EmbeddedServer> {
  const running = await findServer(work);
  if (running) return running;
  await mkdir(folderOf(work), { recursive: true }).catch((error: unknown) => {
    throw new ResourceError(`The work folder cannot be written: ${(error as Error).message}`, { mend: 'Give another folder with --work.' });
  });
  const binary = await temporalBinary(options);
  const unlock = await lock(work);
  try {
    return (await findServer(work)) ?? (await start(work, binary.path, binary.version));
  } finally {
    await unlock();
  }
}

/** A lock file with the holder's pid; one left by a dead process is taken over. */
async function lock(work: string): Promise<() => Promise<void>> {
  const path = join(folderOf(work), 'server.lock');
  for (let tries = 0; tries < 300; tries++) {
    const file = await open(path, 'wx').catch(() => undefined);
    if (file) {
      await file.writeFile(String(process.pid));
      await file.close();
      return () => rm(path, { force: true });
    }
    const holder = Number(await readFile(path, 'utf8').catch(() => ''));
    if (holder > 0 && !isAlive(holder)) await rm(path, { force: true });
    await sleep(100);
  }
  throw new ResourceError('Another command has been starting the server for 30 seconds', {
    context: { lock: path },
    mend: 'Wait for it; if none runs, delete that file.',
  });
}

/** Ports that are found free can be taken by somebody else before the server has them: other ones are tried then. */
async function start(work: string, binary: string, version: string): Promise<EmbeddedServer> {
  for (let tries = 1; ; tries++) {
    try {
      return await startOnce(work, { path: binary, version }, tries > 1);
    } catch (error) {
      if (tries === 5 || !(error as Error).message.includes('address already in use')) throw error;
    }
  }
}

async function startOnce(
  work: string,
  { path: binary, version }: { readonly path: string; readonly version: string },
  elsewhere: boolean,
): Promise<EmbeddedServer> {
  const old = await readFile(stateFile(work), 'utf8').catch(() => undefined);
  const before = old === undefined ? undefined : (JSON.parse(old) as EmbeddedServer);
  if (before && isServerOf(work, before.pid)) await waitForEnd(before.pid);
  const server = version === TEMPORAL_VERSION ? SERVER_VERSION : `cli-${version}`;
  // Workers of the server before find it again at the same place.
  const port = await freePort(elsewhere ? 0 : portOf(before?.address));
  const ui = await freePort(elsewhere ? 0 : portOf(before?.ui));
  const log = await open(join(folderOf(work), 'server.log'), 'a');
  const args = [
    'server',
    'start-dev',
    '--ip',
    '127.0.0.1',
    '--port',
    String(port),
    '--ui-port',
    String(ui),
    '--db-filename',
    join(folderOf(work), `temporal-${server}.db`),
    '--log-level',
    'warn',
    ...TUNING,
  ];
  const child = spawn(binary, args, { detached: true, stdio: ['ignore', log.fd, log.fd] });
  await log.close();
  const failed: { why?: string } = {};
  child.once('error', (error) => (failed.why = error.message));
  child.once('exit', (code) => (failed.why ??= `it ended with code ${code}`));
  const address = `127.0.0.1:${port}`;
  let isReady = false;
  for (let waited = 0; failed.why === undefined && !isReady && waited < 30_000; waited += 50) {
    // Somebody else may answer there, while the server has ended.
    isReady = (await answers(address)) && (await ready(address, failed));
    if (!isReady) await sleep(50);
  }
  if (!isReady || failed.why !== undefined || child.pid === undefined) {
    child.kill('SIGKILL');
    const tail = (await readFile(join(folderOf(work), 'server.log'), 'utf8').catch(() => '')).trim().split('\n').slice(-1)[0];
    throw new ResourceError(
      `The Temporal server did not start: ${failed.why ?? 'no answer in 30 seconds'}${tail ? ` (${tail.slice(0, 200)})` : ''}`,
      { context: { log: join(folderOf(work), 'server.log') }, mend: 'Read that log; `panelflow doctor` checks the machine.' },
    );
  }
  child.removeAllListeners();
  child.unref();
  const state: EmbeddedServer = { pid: child.pid, address, ui: `http://127.0.0.1:${ui}`, version: server };
  await writeFile(stateFile(work), JSON.stringify(state, null, 2));
  return state;
}

/** Waits until the namespace answers, and keeps closed runs for a year instead of a day; false when the server has ended meanwhile. */
async function ready(address: string, failed: { readonly why?: string }): Promise<boolean> {
  const { Connection } = await import('@temporalio/client');
  for (let tries = 0; failed.why === undefined; tries++) {
    try {
      const connection = await Connection.connect({ address, connectTimeout: 5_000 });
      await connection.workflowService.updateNamespace({
        namespace: 'default',
        config: { workflowExecutionRetentionTtl: { seconds: (Number.parseInt(RETENTION, 10) * 3600) as never } },
      });
      await connection.close();
      return true;
    } catch (error) {
      if (tries > 100)
        throw new ResourceError(`The Temporal server does not answer: ${(error as Error).message}`, { mend: 'Run `panelflow doctor`.' });
      await sleep(100);
    }
  }
  return false;
}

const portOf = (place: string | undefined): number => Number(place?.split(':').at(-1) ?? 0);

async function waitForEnd(pid: number): Promise<void> {
  for (let waited = 0; isAlive(pid) && waited < 10_000; waited += 100) await sleep(100);
}

/** Stops the server of this work folder; false when none was up. */
export async function stopServer(work: string): Promise<boolean> {
  const server = await findServer(work);
  if (!server) return false;
  process.kill(server.pid, 'SIGTERM');
  await waitForEnd(server.pid);
  await writeFile(stateFile(work), JSON.stringify({ ...server, pid: STOPPED }, null, 2));
  return true;
}
