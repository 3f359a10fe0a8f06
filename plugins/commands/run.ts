import { spawn } from 'node:child_process';
import {
  closeSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  realpathSync,
  rmSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, CrashError, DataError, ResourceError } from '../../core/errors.ts';
import type { Gathered, StepContext, StepDefinition } from '../../core/plugin.ts';
import { type Dataset, type ReportFile, z } from '../contract.ts';
import { isWithin, MOST_BYTES, PLAIN_NAME, placeFiles, readFiles, tooMuch } from './_folder.ts';
import { watchOver } from './_guard.ts';

const STDOUT = 'stdout.txt';
/** From the polite signal to the last one. The engine ends a step that does not stop within two seconds. */
const GRACE_MS = 1_500;
const LOOK_MS = 500;
/** So much of what the program said last is shown. */
const TAIL = { bytes: 4_000, lines: 8 };
/** What a program gets of this process's environment. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'TMPDIR'];

const text = z.string().refine((s) => !s.includes('\0'), 'a zero byte cannot be handed to a program');
const word = z.union([text, z.number(), z.boolean()]);

const params = z.strictObject({
  argv: z.array(word).min(1).describe('the program and its arguments; no shell reads them: for one, write [bash, -c, "..."]'),
  outputs: z
    .record(
      z.string().regex(PLAIN_NAME, 'a name is letters, digits, ".", "_" and "-"'),
      text.refine(isWithin, 'a path in the folder that the command starts in'),
    )
    .refine((outputs) => !Object.hasOwn(outputs, STDOUT), `${STDOUT} is the name of what the program prints`)
    .default({})
    .describe('name of each result, and the file in its folder that the program writes it to'),
  env: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'a variable is letters, digits and "_"'), word)
    .default({})
    .describe(`environment variables; of the worker's own, ${PASSED_ON.join(', ')} are passed on and no others`),
  stdin: text.optional().describe('a text to read from standard input'),
  version: z
    .string()
    .optional()
    .describe('of the program, in any words: a result is reused only under the same (the program itself is not looked at)'),
});
type Params = z.infer<typeof params>;

interface Inputs {
  readonly in?: readonly ReportFile[];
  readonly all?: readonly Gathered<readonly ReportFile[]>[];
  readonly data?: Dataset;
}

/** Where a program runs: an empty folder to work in, and its streams, which are files. */
interface Place {
  readonly home: string;
  readonly work: string;
  readonly stdout: number;
  readonly stderr: number;
  readonly stdin: number | 'ignore';
}

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
}

/**
 * Runs a program for one cell. `in` lies in in/, each of `all` in in/0/, in/1/, ... with their cells in in/cells.json, `data` in data.h5ad.
 * Gives the outputs that were named, and stdout.txt. ConfigError: no such program; DataError: it failed, or left no such output; CrashError:
 * a signal ended it.
 */
const definition: StepDefinition<typeof params> = {
  kind: 'command',
  id: 'run',
  version: 1,
  summary: 'Runs a program in a fresh folder: any language, files in, files out',
  params,
  inputs: {
    in: { type: 'folder', optional: true },
    all: { type: 'folder', optional: true, many: true },
    data: { type: 'dataset', optional: true },
  },
  outputs: { out: 'folder' },
  queue: 'cpu',
  seeded: false,
  run: async (context, inputs, given) => {
    const place = open(given);
    try {
      await placeInputs(place.work, inputs as Inputs);
      judge(given, await execute(context, given, place), place);
      const out = readFiles(place.work, given.outputs, { name: STDOUT, fd: place.stdout });
      return { outputs: { out }, facts: { files: out.length, bytes: out.reduce((sum, { bytes }) => sum + bytes.byteLength, 0) } };
    } finally {
      close(place, context);
    }
  },
};
export default definition;

let home: string | undefined;
let count = 0;

function open({ stdin }: Params): Place {
  home ??= realpathSync.native(mkdtempSync(join(tmpdir(), 'panelflow-')));
  const work = join(home, String(++count));
  // The folder above may be gone: some machines clear away what is idle for long.
  mkdirSync(work, { recursive: true });
  return {
    home,
    work,
    stdout: openNameless(`${work}.out`),
    stderr: openNameless(`${work}.err`),
    stdin: stdin === undefined ? 'ignore' : openNameless(`${work}.in`, stdin),
  };
}

/** A file that goes when the last who has it open goes. It is no other cell's, whatever an earlier program left running. */
function openNameless(path: string, content = ''): number {
  const fd = openSync(path, 'w+');
  unlinkSync(path);
  writeSync(fd, content, 0);
  return fd;
}

function close({ work, stdout, stderr, stdin }: Place, context: StepContext): void {
  for (const fd of [stdout, stderr, stdin]) if (fd !== 'ignore') closeSync(fd);
  try {
    rmSync(work, { recursive: true, force: true });
  } catch (error) {
    context.log(`The command's folder could not be removed: ${(error as Error).message}`);
  }
}

async function placeInputs(work: string, { in: one, all, data }: Inputs): Promise<void> {
  if (one) placeFiles(join(work, 'in'), one);
  if (all) {
    for (const [i, { value }] of all.entries()) placeFiles(join(work, 'in', String(i)), value);
    writeFileSync(join(work, 'in', 'cells.json'), `${JSON.stringify(all.map(({ cell }) => cell))}\n`);
  }
  if (data) {
    const { writeH5ad } = await import('../../data/h5ad-write.ts');
    await writeH5ad(join(work, 'data.h5ad'), data);
  }
}

/** Runs the program to its end, in a process group of its own that ends with it, with the step, and with this process. */
async function execute({ signal }: StepContext, { argv, env }: Params, { home, work, stdin, stdout, stderr }: Place): Promise<Ended> {
  signal.throwIfAborted();
  const [program, ...args] = argv.map(String);
  const own = PASSED_ON.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]] as const]));
  const timers: NodeJS.Timeout[] = [];
  let end: (name: NodeJS.Signals) => void = () => {};
  let isTooMuch = false;
  const onAbort = (): void => {
    end('SIGTERM');
    timers.push(setTimeout(() => end('SIGKILL'), GRACE_MS));
  };
  try {
    return await new Promise<Ended>((resolve, reject) => {
      const child = spawn(program, args, {
        cwd: work,
        env: { ...Object.fromEntries(own), ...Object.fromEntries(Object.entries(env).map(([name, value]) => [name, String(value)])) },
        detached: true,
        stdio: [stdin, stdout, stderr],
      });
      child.once('error', (error) => reject(notStarted(program, error)));
      if (child.pid === undefined) return;
      const group = child.pid;
      end = (name) => killGroup(group, name);
      watchOver(group, home);
      child.once('exit', (code, name) => {
        end('SIGKILL');
        watchOver(0, home);
        if (signal.aborted) reject(signal.reason);
        else if (isTooMuch) reject(tooMuch('what it prints'));
        else resolve({ code, signal: name });
      });
      signal.addEventListener('abort', onAbort);
      timers.push(
        setInterval(() => {
          isTooMuch ||= fstatSync(stdout).size + fstatSync(stderr).size > MOST_BYTES;
          if (isTooMuch) end('SIGKILL');
        }, LOOK_MS),
      );
    });
  } finally {
    signal.removeEventListener('abort', onAbort);
    for (const timer of timers) clearTimeout(timer);
  }
}

/** The leader and all that it started and did not set apart; nothing happens when none is left. */
function killGroup(group: number, name: NodeJS.Signals): void {
  try {
    process.kill(-group, name);
  } catch {
    return;
  }
}

function notStarted(program: string, error: NodeJS.ErrnoException): Error {
  const options = { cause: error, context: { program } };
  if (error.code === 'ENOENT')
    return new ConfigError(`There is no program "${program}" on this worker`, {
      ...options,
      mend: 'Install it on every worker that serves the queue, or give its whole path: the step runs in a folder of its own.',
    });
  if (error.code === 'EACCES')
    return new ConfigError(`"${program}" may not be run`, { ...options, mend: 'Make it executable (chmod +x), or name its interpreter.' });
  return new ResourceError(`"${program}" could not be started: ${error.message}`, options);
}

/** Throws unless the program ended well. */
function judge({ argv }: Params, { code, signal }: Ended, { stderr }: Place): void {
  if (code === 0) return;
  const said = lastLines(stderr);
  const context = { argv: argv.join(' ').slice(0, 500) };
  if (signal !== null)
    throw new CrashError(`${argv[0]} was ended by ${signal}${said}`, {
      context,
      mend: signal === 'SIGKILL' ? 'Most likely the machine ran out of memory: use fewer --slots.' : 'It is tried again.',
    });
  throw new DataError(`${argv[0]} ended with exit code ${code}${said}`, {
    context: { ...context, exit: code! },
    mend: 'Mend what it complains of; the same arguments in an empty folder show the same.',
  });
}

/** The last lines of a file, in one line. */
function lastLines(fd: number): string {
  const size = fstatSync(fd).size;
  const tail = Buffer.alloc(Math.min(size, TAIL.bytes));
  readSync(fd, tail, 0, tail.length, size - tail.length);
  const lines = tail
    .toString()
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return lines.length > 0 ? `: ${lines.slice(-TAIL.lines).join(' | ')}` : '';
}
