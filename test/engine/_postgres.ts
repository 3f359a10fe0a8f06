import { execFile, execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Connection } from '@temporalio/client';
import { goInstall } from '../../cli/embedded/binary.ts';
import { settings } from '../../cli/settings.ts';
import { serves } from './_cluster.ts';
import { end, launch, type Running } from './_processes.ts';

const run = promisify(execFile);

const MODULE = 'go.temporal.io/server';
const VERSION = 'v1.32.0';
/** Its server, and the tool that sets up a database for it, as Go packages; the last part names the binary. */
const PROGRAMS = ['cmd/server', 'cmd/tools/sql'] as const;
const DATABASES = { temporal: 'temporal', visibility: 'temporal_visibility' } as const;
/** Ports of its parts, as it names them; clients ask the first. */
const PORTS = [
  'FRONTEND_GRPC',
  ...['FRONTEND_HTTP', 'FRONTEND_MEMBERSHIP', 'HISTORY_GRPC', 'HISTORY_MEMBERSHIP', 'MATCHING_GRPC', 'MATCHING_MEMBERSHIP'],
  ...['WORKER_GRPC', 'WORKER_MEMBERSHIP'],
] as const;
/** PostgreSQL does not run as root. */
const OWNER = 'postgres';
const binary = (program: (typeof PROGRAMS)[number]): string => join(settings().cache, 'bin', program.split('/').at(-1)!);
const isRoot = process.getuid?.() === 0;

/** Compiles what is missing where PANELFLOW_CLUSTER_TESTS=1 asks for it (some minutes, once). Says why there can be no cluster; undefined when there can. */
async function lacking(): Promise<string | undefined> {
  const there = async (file: string, ...args: string[]): Promise<boolean> =>
    run(file, args).then(
      () => true,
      () => false,
    );
  if (!(await there('pg_ctl', '--version')) || !(await there('initdb', '--version'))) return 'there is no PostgreSQL (initdb, pg_ctl)';
  if (isRoot && !(await there('id', OWNER))) return `there is no user "${OWNER}", and PostgreSQL does not run as root`;
  for (const program of PROGRAMS) {
    if (existsSync(binary(program))) continue;
    if (process.env.PANELFLOW_CLUSTER_TESTS !== '1')
      return 'no Temporal server for PostgreSQL is built; PANELFLOW_CLUSTER_TESTS=1 builds it with Go';
    const failed = await goInstall(`${MODULE}/${program}@${VERSION}`, join(settings().cache, 'bin')).catch((error: Error) => error);
    if (failed) return `Go cannot build the Temporal server: ${failed.message.split('\n')[0]}`;
  }
  return undefined;
}

/** Why tests on a cluster are skipped; undefined when they run. */
export const noCluster = await lacking();
if (noCluster !== undefined) process.stderr.write(`Tests on a Temporal cluster are skipped: ${noCluster}\n`);

/** A Temporal server with its database in PostgreSQL, in a folder that goes with it. */
export class Cluster {
  readonly address: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'panelflow-cluster-'));
  readonly #data = join(this.#folder, 'postgres');
  readonly #ports: readonly number[];
  #server: Running | undefined;

  private constructor(ports: readonly number[]) {
    this.#ports = ports;
    this.address = `127.0.0.1:${ports[1]}`;
  }

  static async start(): Promise<Cluster> {
    const ports = new Set<number>();
    while (ports.size < 1 + PORTS.length) ports.add(await lowPort());
    const cluster = new Cluster([...ports]);
    try {
      await cluster.#startDatabase();
      await cluster.#setUp();
      await cluster.startServer();
      await register(cluster.address);
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  async startServer(): Promise<void> {
    const place = { log: join(this.#folder, 'server.log'), cwd: this.#folder, env: this.#env };
    this.#server = launch(binary('cmd/server'), ['--allow-no-auth', 'start'], place);
    const isUp = await Promise.race([reached(this.address), this.#server.ended.then(() => false)]);
    if (isUp) return;
    const tail = readFileSync(join(this.#folder, 'server.log'), 'utf8').trim().split('\n').at(-1);
    throw new Error(`The Temporal server did not start: ${tail?.slice(0, 400)}`);
  }

  /** Kills the server (-9); its database lives on. */
  async killServer(): Promise<void> {
    if (!this.#server) return;
    end(this.#server.pid);
    await this.#server.ended;
    this.#server = undefined;
  }

  async stop(): Promise<void> {
    await this.killServer();
    await this.#asOwner('pg_ctl', '-D', this.#data, '-m', 'immediate', '-w', 'stop').catch(() => {});
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #asOwner(file: string, ...args: string[]): Promise<unknown> {
    return isRoot ? run('runuser', ['-u', OWNER, '--', file, ...args], { cwd: '/' }) : run(file, args);
  }

  async #startDatabase(): Promise<void> {
    if (isRoot) {
      const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, OWNER])));
      chownSync(this.#folder, uid, gid);
    }
    await this.#asOwner('initdb', '-D', this.#data, '-U', 'temporal', '--auth=trust', '-E', 'UTF8');
    const options = `-p ${this.#ports[0]} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${this.#folder}`;
    await this.#asOwner('pg_ctl', '-D', this.#data, '-o', options, '-l', join(this.#folder, 'postgres.log'), '-w', 'start');
  }

  async #setUp(): Promise<void> {
    for (const [schema, database] of Object.entries(DATABASES)) {
      const to = ['--plugin', 'postgres12', '--ep', '127.0.0.1', '-p', String(this.#ports[0]), '-u', 'temporal', '--db', database];
      const sql = (...args: string[]): Promise<unknown> => run(binary('cmd/tools/sql'), [...to, ...args]);
      await sql('create');
      await sql('setup-schema', '-v', '0.0');
      await sql('update-schema', '--schema-name', `postgresql/v12/${schema}`);
    }
  }

  /** What the server takes its configuration from. */
  get #env(): NodeJS.ProcessEnv {
    const [database, ...ports] = this.#ports.map(String);
    return {
      ...{ PATH: process.env.PATH, DB: 'postgres12', DB_PORT: database, POSTGRES_SEEDS: '127.0.0.1', POSTGRES_USER: 'temporal' },
      ...{ LOG_LEVEL: 'warn', BIND_ON_IP: '127.0.0.1', TEMPORAL_BROADCAST_ADDRESS: '127.0.0.1' },
      DYNAMIC_CONFIG_FILE_PATH: resolve('deploy/temporal-dynamic.yaml'),
      ...Object.fromEntries(PORTS.map((name, i) => [`${name}_PORT`, ports[i]])),
    };
  }
}

/** A free port that fits into the column in which the servers keep their own, a smallint. */
function lowPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    const port = 10_000 + Math.floor(20_000 * Math.random());
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(lowPort()) : reject(error)));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(port)));
  });
}

/** Waits until a server answers; false when it does not. */
async function reached(address: string): Promise<boolean> {
  for (let tries = 0; tries < 300; tries++) {
    const connection = await Connection.connect({ address, connectTimeout: '2s' }).catch(() => sleep(100));
    if (!connection) continue;
    await connection.close();
    return true;
  }
  return false;
}

async function register(address: string): Promise<void> {
  const connection = await Connection.connect({ address });
  await connection.workflowService
    .registerNamespace({ namespace: 'default', workflowExecutionRetentionPeriod: { seconds: 86_400 as never } })
    .finally(() => connection.close());
  await serves(address);
}
