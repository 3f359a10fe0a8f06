import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, readdir, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { ResourceError } from '../core/errors.ts';

/** Which TensorFlow library: `cpu`, or `gpu` for the CUDA 12 build, which falls back to the CPU where there is no GPU. */
export type Flavour = 'cpu' | 'gpu';

/** Where the native backend lies after `ensureNative`. */
export interface NativeTensorFlow {
  /** Version of the TensorFlow library. */
  readonly version: string;
  readonly addon: string;
  /** Folder of the shared libraries; undefined when the vendor's own download serves. */
  readonly libraries: string | undefined;
  readonly flavour: Flavour;
  /** False when everything was there already. */
  readonly fresh: boolean;
}

/** What `ensureNative` wants: a folder that outlives node_modules, a flavour, and where to say what happens. */
export interface NativeOptions {
  readonly cache: string;
  readonly flavour: Flavour;
  readonly say: (line: string) => void;
}

const VERSION = '2.18.1';
const WHEELS: Record<string, readonly [name: string, sha256: string]> = {
  'cpu-x64': ['tensorflow-cpu', '810c75d7149d2da0cb2092187817b0dcabb80728ca9f9cf3a61f3f42fadd1298'],
  'cpu-arm64': ['tensorflow', '8a6485edd2148f70d011dbd1d8dc2c775e91774a5a159466e83d0d1f21580944'],
  'gpu-x64': ['tensorflow', 'c9f87e5d2a680a4595f5dc30daf6bbaec9d4129b46d7ef1b2af63c46ac7d2828'],
};
const MACHINE: Record<string, string> = { x64: 'x86_64', arm64: 'aarch64' };

const UNPACK = `
import os, shutil, sys, zipfile
wheel, out = sys.argv[1:]
keep = ('tensorflow/c/', 'tensorflow/core/platform/', 'tsl/platform/', 'tsl/c/', 'xla/tsl/c/')
with zipfile.ZipFile(wheel) as z:
    for name in z.namelist():
        base = os.path.basename(name)
        inner = name.removeprefix('tensorflow/include/')
        if name.count('/') == 1 and base in ('libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'):
            to = os.path.join(out, 'libtf', base)
        elif inner != name and name.endswith('.h') and inner.startswith(keep):
            to = os.path.join(out, 'include', inner)
        elif name == 'tensorflow/include/LICENSE':
            to = os.path.join(out, 'LICENSE')
        else:
            if name.endswith('.dist-info/METADATA'):
                lines = z.read(name).decode().splitlines()
                cuda = [l.split(': ', 1)[1].split(';')[0].strip().replace(' ', '') for l in lines if l.startswith('Requires-Dist: nvidia') and 'and-cuda' in l]
                with open(os.path.join(out, 'cuda.txt'), 'w') as f: f.write('\\n'.join(cuda) + '\\n')
            continue
        os.makedirs(os.path.dirname(to), exist_ok=True)
        with z.open(name) as source, open(to, 'wb') as target: shutil.copyfileobj(source, target, 1 << 20)
`;

const exec = promisify(execFile);

async function tool(command: string, args: readonly string[], cwd?: string): Promise<string> {
  const { stdout } = await exec(command, [...args], { cwd, maxBuffer: 1 << 26 });
  return stdout;
}

async function mustHave(commands: readonly (readonly [string, ...string[]])[], what: string, mend: string): Promise<string> {
  for (const [command, ...args] of commands) {
    try {
      await tool(command, args);
      return command;
    } catch {
      continue;
    }
  }
  throw new ResourceError(`Setting up native TensorFlow needs ${what}, and this machine has none`, { mend });
}

const findPython = (): Promise<string> =>
  mustHave(
    [
      ['python3', '-m', 'pip', '--version'],
      ['python', '-m', 'pip', '--version'],
    ],
    'Python 3 with pip (it fetches the TensorFlow library)',
    'Install them, e.g. `apt-get install python3 python3-pip`, and run the command again.',
  );

const findCompiler = (): Promise<string> =>
  mustHave(
    [
      ['g++', '--version'],
      ['clang++', '--version'],
    ],
    'a C++ compiler (it builds the 90 kB addon between Node and TensorFlow)',
    'Install one, e.g. `apt-get install g++`, and run the command again.',
  );

/** Runs one stage and turns its failure into a ResourceError that quotes the tool's last line. */
async function stage<T>(what: string, mend: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const said = String((cause as { stderr?: string }).stderr ?? cause).trim();
    throw new ResourceError(`${what} failed: ${said.split('\n').at(-1)}`, { cause, mend });
  }
}

async function download(python: string, requirements: string, folder: string, target: readonly string[]): Promise<void> {
  const list = join(folder, 'requirements.txt');
  await writeFile(list, `${requirements}\n`);
  const quiet = ['-m', 'pip', 'download', '-q', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:'];
  await tool(python, [...quiet, ...target, '-d', folder, '-r', list]);
}

/** The pip options that ask for one machine's wheel, whatever the version of the Python here. */
function targetOf(machine: string): string[] {
  const platforms = ['manylinux_2_17', 'manylinux2014', 'manylinux_2_27'].flatMap((p) => ['--platform', `${p}_${machine}`]);
  return ['--implementation', 'cp', '--python-version', '311', ...platforms];
}

const RETRY =
  'Check that the Python package index can be reached (`python3 -m pip download tensorflow-cpu==2.18.1`), then run the command again.';

/** The GPUs that nvidia-smi sees (name, memory, driver version); empty when there are none, or no such command. */
export async function listGpus(): Promise<string[]> {
  const said = await tool('nvidia-smi', ['--query-gpu=name,memory.total,driver_version', '--format=csv,noheader']).catch(() => '');
  return said.split('\n').filter((line) => line.includes(', '));
}

/** Puts the CUDA libraries beside the GPU build, where a GPU is and the system has none of them; a later call adds what is still missing. */
async function addCuda(home: string, say: NativeOptions['say']): Promise<boolean> {
  const nvidia = join(home, 'nvidia');
  if (existsSync(nvidia)) return false;
  const known = await tool('ldconfig', ['-p']).catch(() => '');
  if (known.includes('libcudart.so.12') && known.includes('libcudnn.so.9')) return false;
  if ((await listGpus()).length === 0) {
    say(
      'nvidia-smi sees no GPU here: the CUDA libraries (2 GB) are left out, and the GPU build runs on the CPU. Run the setup again where a GPU is.',
    );
    return false;
  }
  say('Fetching the CUDA libraries, which this machine lacks (about 2 GB)');
  const python = await findPython();
  const folder = await mkdtemp(join(home, '.cuda-'));
  try {
    await stage('Fetching CUDA', RETRY, async () => download(python, await readFile(join(home, 'cuda.txt'), 'utf8'), folder, []));
    for (const wheel of await readdir(folder)) {
      if (wheel.endsWith('.whl')) await tool(python, ['-m', 'zipfile', '-e', join(folder, wheel), folder]);
    }
    await rename(join(folder, 'nvidia'), nvidia).catch((error: unknown) => {
      if (!existsSync(nvidia)) throw error;
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return true;
}

async function compile(compiler: string, source: string, part: string): Promise<void> {
  const headers = join(dirname(createRequire(import.meta.url).resolve('node-api-headers/package.json')), 'include');
  const flags = ['-O2', '-std=c++17', '-fPIC', '-shared', '-w', '-DNAPI_VERSION=8', '-DBUILDING_NODE_EXTENSION'];
  const include = [`-I${headers}`, `-I${join(part, 'include')}`, `-I${source}`];
  const sources = [join(source, 'binding/tfjs_backend.cc'), join(source, 'binding/tfjs_binding.cc')];
  const libraries = [`-L${join(part, 'libtf')}`, '-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2'];
  const paths = '-Wl,-rpath,$ORIGIN/libtf:$ORIGIN/../../deps/lib';
  await tool(compiler, [...flags, ...include, ...sources, ...libraries, paths, '-o', join(part, 'tfjs_binding.node')]);
}

/** Loads the addon in a process of its own and asks for the library's version; undefined when it does not load. */
async function probe(addon: string): Promise<string | undefined> {
  const script = `process.stdout.write('version=' + require(${JSON.stringify(addon)}).TF_Version)`;
  const said = await tool(process.execPath, ['-e', script]).catch(() => '');
  return /version=(\S+)/.exec(said)?.[1];
}

/** Drops the symbol tables, about 190 MB, where `strip` is there. */
async function slim(folder: string): Promise<void> {
  for (const name of await readdir(folder)) await tool('strip', ['--strip-unneeded', join(folder, name)]).catch(() => '');
}

async function build(home: string, source: string, { flavour, say }: NativeOptions): Promise<void> {
  const wheelOf = WHEELS[`${flavour}-${process.arch}`];
  if (process.platform !== 'linux' || !wheelOf) {
    throw new ResourceError(`There is no ready TensorFlow library (${flavour}) for ${process.platform} on ${process.arch}`, {
      mend: "Run `npm rebuild @tensorflow/tfjs-node --ignore-scripts=false` to take the vendor's own build, or go on without it (slower).",
    });
  }
  const [python, compiler] = [await findPython(), await findCompiler()];
  await mkdir(dirname(home), { recursive: true });
  const part = await mkdtemp(join(dirname(home), '.part-'));
  try {
    say(`Fetching TensorFlow ${VERSION} (${flavour}, ${flavour === 'cpu' ? '220' : '590'} MB, once)`);
    await stage('Fetching TensorFlow', RETRY, () =>
      download(python, `${wheelOf[0]}==${VERSION} --hash=sha256:${wheelOf[1]}`, part, targetOf(MACHINE[process.arch])),
    );
    say('Unpacking TensorFlow and building its addon');
    const wheel = (await readdir(part)).find((name) => name.endsWith('.whl'))!;
    const space = 'It needs about 1 GB of free disk (4 GB for the GPU build) in the cache folder.';
    await stage('Unpacking TensorFlow', space, () => tool(python, ['-c', UNPACK, join(part, wheel), part]));
    await rm(join(part, wheel));
    await slim(join(part, 'libtf'));
    await stage('Building the addon', 'A g++ or clang++ with C++17 is needed.', () => compile(compiler, source, part));
    await rm(join(part, 'include'), { recursive: true });
    await rm(join(part, 'requirements.txt'));
    const version = await probe(join(part, 'tfjs_binding.node'));
    if (!version)
      throw new ResourceError('The TensorFlow addon was built but does not load', { mend: 'Delete the cache folder and try again.' });
    await writeFile(join(part, 'ready.json'), JSON.stringify({ version, flavour }));
    await chmod(part, 0o755);
    await rename(part, home).catch((error: unknown) => {
      if (!existsSync(join(home, 'ready.json'))) throw error;
    });
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}

async function link(target: string, at: string): Promise<void> {
  await mkdir(dirname(at), { recursive: true });
  const temporary = `${at}.${randomBytes(6).toString('hex')}`;
  await symlink(target, temporary);
  await rename(temporary, at).catch(async () => {
    await rm(at, { recursive: true, force: true });
    await rename(temporary, at);
  });
}

const isLinked = (at: string, target: string): boolean => existsSync(at) && existsSync(target) && realpathSync(at) === realpathSync(target);

/**
 * Makes `@tensorflow/tfjs-node` loadable: the vendor's library where it is there, else the library out of the TensorFlow wheel
 * (pinned by hash) and the addon built from the source in the npm package. Seconds when warm; safe to call at the same time twice.
 */
export async function ensureNative(options: NativeOptions): Promise<NativeTensorFlow> {
  const { flavour } = options;
  const source = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-node/package.json'));
  const home = resolve(options.cache, `tensorflow-${VERSION}-${flavour}-${process.platform}-${process.arch}`);
  const addon = join(home, 'tfjs_binding.node');
  const libraries = join(home, 'libtf');
  const placed = join(source, 'lib/napi-v8/tfjs_binding.node');
  const placedLibraries = join(source, 'deps/lib');
  const ready = join(home, 'ready.json');
  const done = async (fresh: boolean): Promise<NativeTensorFlow> => {
    const { version } = JSON.parse(await readFile(ready, 'utf8')) as { version: string };
    return { version, addon, libraries, flavour, fresh };
  };
  if (existsSync(ready) && isLinked(placed, addon) && isLinked(placedLibraries, libraries)) {
    return done(flavour === 'gpu' && (await addCuda(home, options.say)));
  }
  if (flavour === 'cpu' && !existsSync(ready) && existsSync(placed)) {
    const version = await probe(placed);
    if (version) return { version, addon: placed, libraries: undefined, flavour, fresh: false };
  }
  const started = Date.now();
  if (!existsSync(ready)) await build(home, source, options);
  if (flavour === 'gpu') await addCuda(home, options.say);
  await link(libraries, placedLibraries);
  await link(addon, placed);
  options.say(`TensorFlow ${VERSION} (${flavour}) is ready, after ${Math.round((Date.now() - started) / 1000)} s`);
  return done(true);
}

/** Which library `@tensorflow/tfjs-node` is linked to; undefined when it is the vendor's own. */
export async function placedLibrary(): Promise<Pick<NativeTensorFlow, 'flavour' | 'version'> | undefined> {
  const source = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-node/package.json'));
  try {
    const home = dirname(await realpath(join(source, 'deps/lib')));
    return JSON.parse(await readFile(join(home, 'ready.json'), 'utf8')) as Pick<NativeTensorFlow, 'flavour' | 'version'>;
  } catch {
    return undefined;
  }
}
