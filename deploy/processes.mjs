// node deploy/processes.mjs: what compose.yaml describes as processes of this machine, where there is no Docker. Commands, environment,
// restarts and times to stop are read there; only hosts, ports and folders are this machine's own. Secrets come from deploy/.env.
// Left out: Temporal's pages, Prometheus, Grafana and the worker on the GPU. Ctrl-C or SIGTERM stops all, workers first.
import { execFileSync, spawn } from 'node:child_process';
import { chownSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs, parseEnv } from 'node:util';
import { Connection } from '@temporalio/client';
import { parse } from 'yaml';

const deploy = dirname(fileURLToPath(import.meta.url));
const cli = resolve(process.env.PANELFLOW_CLI ?? join(deploy, '..', 'dist', 'cli', 'main.js'));
const { values: flags } = parseArgs({
  options: {
    folder: { type: 'string', default: 'panelflow-deployment' },
    env: { type: 'string', default: join(deploy, '.env') },
    workers: { type: 'string', default: '2' },
    shift: { type: 'string', default: '0' },
  },
});
const folder = resolve(flags.folder);
const given = existsSync(flags.env) ? parseEnv(readFileSync(flags.env, 'utf8')) : {};
const { services } = parse(readFileSync(join(deploy, 'compose.yaml'), 'utf8'), { merge: true });
const say = (text) => process.stderr.write(`${text}\n`);

/** Where a container has a network to itself: ports of Temporal's parts. */
const TEMPORAL_PORTS = {
  FRONTEND_GRPC_PORT: 7233,
  FRONTEND_HTTP_PORT: 7243,
  FRONTEND_MEMBERSHIP_PORT: 6933,
  HISTORY_GRPC_PORT: 7234,
  HISTORY_MEMBERSHIP_PORT: 6934,
  MATCHING_GRPC_PORT: 7235,
  MATCHING_MEMBERSHIP_PORT: 6935,
  WORKER_GRPC_PORT: 7239,
  WORKER_MEMBERSHIP_PORT: 6939,
};
const HEALTH_PORT = 9464;
const PATIENCE_MS = 60_000;
const RESTART_MS = 1_000;
/** What Docker gives a container to stop in. */
const GRACE_MS = 10_000;
/** PostgreSQL does not run as root. */
const OWNER = 'postgres';

/** A port of compose.yaml on this machine, where each worker (0, 1, …) has a health port of its own. */
const portOf = (usual, worker = 0) => Number(usual) + Number(flags.shift) + (Number(usual) === HEALTH_PORT ? worker : 0);

/** A word of a command or of the environment as this machine has it. */
function placed(word, { volumes = [] }, worker) {
  const volume = volumes.map((text) => text.split(':')).find(([, inside]) => inside === word);
  if (volume) return resolve(volume[0].startsWith('.') ? deploy : folder, volume[0]);
  if (word === 'postgres' || word === '0.0.0.0') return '127.0.0.1';
  if (/^\d{4}$/.test(word)) return String(portOf(word));
  return word
    .replaceAll(/(?<![\w.])(?:temporal|s3|0\.0\.0\.0)?:(\d{4})(?!\d)/g, (_, port) => `127.0.0.1:${portOf(port, worker)}`)
    .replaceAll(/\$\{(\w+):([?-])([^}]*)\}/g, (_, name, kind, rest) => {
      if (kind === '?' && !given[name]) throw new Error(`${name} is not set in ${flags.env}: ${rest}`);
      return given[name] || rest;
    });
}

/** Command and environment of a service, with no more of this machine's environment than a container has. */
function read(name, worker) {
  const service = services[name];
  const named = Object.entries(service.environment ?? {}).map(([key, value]) => [key, placed(String(value), service, worker)]);
  const { PATH, HOME, LANG, PANELFLOW_CACHE } = process.env;
  const env = { PATH, HOME, LANG, PANELFLOW_CACHE, ...Object.fromEntries(named) };
  const args = (service.command ?? []).map((word) => placed(word, service, worker));
  return {
    args,
    env,
    graceMs: service.stop_grace_period === undefined ? GRACE_MS : Number.parseInt(service.stop_grace_period, 10) * 1_000,
  };
}

/** The path of a program, by one of its names: on the PATH, in panelflow's cache, or in Debian's folders of PostgreSQL. */
function program(how, ...names) {
  const cache = join(process.env.PANELFLOW_CACHE ?? join(homedir(), '.cache', 'panelflow'), 'bin');
  const debian = [17, 16, 15, 14, 13].map((version) => `/usr/lib/postgresql/${version}/bin`);
  const places = [...(process.env.PATH ?? '').split(delimiter), cache, ...debian];
  const found = places.flatMap((place) => names.map((name) => join(place, name))).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`${names[0]} is missing: ${how}`);
  return found;
}
const built = (what) => `take it from Temporal's releases, or run: GOBIN=~/.cache/panelflow/bin go install ${what}@v1.32.0`;

/** Who PostgreSQL runs as. */
const owner = () => {
  if (process.getuid() !== 0) return {};
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, OWNER])));
  return { uid, gid };
};

const running = new Map();
let isWanted = true;

/** Who runs, for programs that watch: the file appears whole. */
function note() {
  const now = [...running].map(([name, { child, at }]) => [name, { pid: child.pid, at }]);
  writeFileSync(join(folder, 'services.json.new'), JSON.stringify(Object.fromEntries(now)));
  renameSync(join(folder, 'services.json.new'), join(folder, 'services.json'));
}

/** Starts a program, in a group of its own, and again whenever it ends. */
function start(name, file, { args, env, graceMs, at, signal = 'SIGTERM', ...place }) {
  const log = openSync(join(folder, 'logs', `${name}.log`), 'a');
  const child = spawn(file, args, { cwd: folder, env, stdio: ['ignore', log, log], detached: true, ...place });
  closeSync(log);
  const ended = new Promise((done) => child.once('error', done).once('exit', done));
  running.set(name, { child, at, ended, signal, graceMs });
  note();
  say(`${name.padEnd(10)} ${at.padEnd(15)} pid ${child.pid}`);
  const again = async () => {
    const code = await ended;
    running.delete(name);
    say(`${name.padEnd(10)} ended (${code ?? child.signalCode})`);
    if (isWanted) await sleep(RESTART_MS);
    if (isWanted) start(name, file, { args, env, graceMs, at, signal, ...place });
  };
  void again();
}

async function stop(...names) {
  await Promise.all(
    names.map(async (name) => {
      const { child, ended, signal, graceMs } = running.get(name) ?? {};
      if (!child) return;
      child.kill(signal);
      const hard = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await ended;
      clearTimeout(hard);
    }),
  );
}

/** Waits until something succeeds. */
async function until(what, attempt) {
  for (const end = Date.now() + PATIENCE_MS; ; await sleep(100)) {
    const error = await attempt().then(
      () => undefined,
      (why) => why,
    );
    if (error === undefined) return;
    if (!isWanted || Date.now() > end) throw new Error(`${what} does not answer: ${error.message}; see ${join(folder, 'logs')}`);
  }
}
const listens = (port) =>
  new Promise((done, fail) => {
    const socket = connect(port, '127.0.0.1', () => done(socket.destroy())).once('error', fail);
  });

/** Somebody else's server would be taken for ours. */
async function refuseTaken() {
  for (const port of [5432, 7233, 7070, 7878].map((usual) => portOf(usual))) {
    const isTaken = await listens(port).then(
      () => true,
      () => false,
    );
    if (isTaken) throw new Error(`Something listens at 127.0.0.1:${port} already: stop it, or add to all ports with --shift 1000`);
  }
}

async function startPostgres() {
  const { env, graceMs } = read('postgres');
  const data = join(folder, 'postgres');
  const how = 'install PostgreSQL 12 or newer';
  const place = { ...owner(), cwd: '/' };
  const isNew = !existsSync(data);
  if (isNew) {
    mkdirSync(data, { mode: 0o700 });
    const secret = join(folder, 'initdb.secret');
    writeFileSync(secret, env.POSTGRES_PASSWORD, { mode: 0o600 });
    if (place.uid !== undefined) for (const path of [data, secret]) chownSync(path, place.uid, place.gid);
    const args = ['--pgdata', data, '--username', env.POSTGRES_USER, '--pwfile', secret, '--auth', 'scram-sha-256', '--encoding', 'UTF8'];
    execFileSync(program(how, 'initdb'), args, { ...place, stdio: 'pipe' });
    rmSync(secret);
  }
  const args = ['-D', data, '-p', String(portOf(5432)), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='];
  // SIGINT: it ends at once and in order, whoever is connected.
  start('postgres', program(how, 'postgres'), { args, env, graceMs, at: `127.0.0.1:${portOf(5432)}`, signal: 'SIGINT', ...place });
  await until('PostgreSQL', () => listens(portOf(5432)));
  return isNew;
}

/** As the image's own start does: databases, their schemas, the server, and the namespace. */
async function startTemporal(isNew) {
  const { env, graceMs } = read('temporal');
  const sql = program(built('go.temporal.io/server/cmd/tools/sql'), 'temporal-sql-tool', 'sql');
  for (const [schema, database] of [
    ['temporal', 'temporal'],
    ['visibility', 'temporal_visibility'],
  ]) {
    const to = { SQL_PLUGIN: env.DB, SQL_HOST: env.POSTGRES_SEEDS, SQL_PORT: env.DB_PORT, SQL_USER: env.POSTGRES_USER };
    const tool = (...args) =>
      execFileSync(sql, args, { env: { ...env, ...to, SQL_PASSWORD: env.POSTGRES_PWD, SQL_DATABASE: database }, stdio: 'pipe' });
    if (isNew) tool('create-database');
    if (isNew) tool('setup-schema', '--version', '0.0');
    tool('update-schema', '--schema-name', `postgresql/v12/${schema}`);
  }
  const ports = Object.fromEntries(Object.entries(TEMPORAL_PORTS).map(([name, port]) => [name, String(portOf(port))]));
  start('temporal', program(built('go.temporal.io/server/cmd/server'), 'temporal-server', 'server'), {
    args: ['--allow-no-auth', 'start'],
    env: { ...env, ...ports, BIND_ON_IP: '127.0.0.1', TEMPORAL_BROADCAST_ADDRESS: '127.0.0.1' },
    graceMs,
    at: `127.0.0.1:${portOf(7233)}`,
  });
  await until('Temporal', async () => {
    const connection = await Connection.connect({ address: `127.0.0.1:${portOf(7233)}`, connectTimeout: '2s' });
    const seconds = 3_600 * Number.parseInt(env.DEFAULT_NAMESPACE_RETENTION, 10);
    const asked = { namespace: 'default', workflowExecutionRetentionPeriod: { seconds } };
    const ALREADY_EXISTS = 6;
    await connection.workflowService
      .registerNamespace(asked)
      .catch((error) => {
        if (error.code !== ALREADY_EXISTS) throw error;
      })
      .finally(() => connection.close());
  });
}

async function startStore() {
  const { args, ...rest } = read('s3');
  mkdirSync(args.at(-1), { recursive: true });
  start('s3', program('run `panelflow s3` once, which builds it', 'versitygw'), { args, ...rest, at: `127.0.0.1:${portOf(7070)}` });
  await until('S3', () => listens(portOf(7070)));
  const bucket = read('bucket');
  const [, ...options] = services.bucket.entrypoint;
  execFileSync(process.execPath, [...options, ...bucket.args], { env: bucket.env, cwd: join(deploy, '..'), stdio: 'pipe' });
}

async function startPanelflow() {
  for (let worker = 0; worker < Number(flags.workers); worker++) {
    const { args, ...rest } = read('worker', worker);
    start(`worker-${worker + 1}`, process.execPath, { args: [cli, ...args], ...rest, at: `127.0.0.1:${portOf(HEALTH_PORT, worker)}` });
  }
  const { args, ...rest } = read('dashboard');
  start('dashboard', process.execPath, { args: [cli, ...args], ...rest, at: `127.0.0.1:${portOf(7878)}` });
  await until('The dashboard', () => listens(portOf(7878)));
}

async function stopAll() {
  isWanted = false;
  await stop('dashboard', ...[...running.keys()].filter((name) => name.startsWith('worker')));
  await stop('temporal', 's3');
  await stop('postgres');
}

// Who started this, and listened, may have gone: then all stops, too.
const asked = new Promise((done) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, done);
  process.stderr.on('error', done);
});
mkdirSync(folder, { recursive: true, mode: 0o711 });
mkdirSync(join(folder, 'logs'), { recursive: true, mode: 0o700 });
try {
  const up = (async () => {
    await refuseTaken();
    await startTemporal(await startPostgres());
    await startStore();
    await startPanelflow();
    say(`All is up. Ctrl-C stops it; what it keeps lies in ${folder}`);
  })();
  await Promise.race([up, asked]);
  await asked;
} catch (error) {
  say(`${error.message}${error.stderr?.length ? `\n${error.stderr}` : ''}`);
  process.exitCode = 1;
}
await stopAll();
