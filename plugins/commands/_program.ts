import { spawn } from 'node:child_process';
import { closeSync, fstatSync, mkdirSync, mkdtempSync, openSync, readSync, realpathSync, rmSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';
import { isInside } from '../../core/allowed.ts';
import { ConfigError, CrashError, DataError, ResourceError } from '../../core/errors.ts';
import { plainText } from '../../core/plain-text.ts';
import type { StepContext } from '../../core/plugin.ts';
import { z } from '../contract.ts';
import { MOST_BYTES, tooMuch } from './_folder.ts';
import { watchOver } from './_guard.ts';

/** From the polite signal to the last one. The engine ends a step that does not stop within two seconds. */
const GRACE_MS = 1_500;
const LOOK_MS = 500;
/** So much of what the program said last is shown. */
const TAIL = { bytes: 4_000, lines: 8, note: 80 };
/** What a program gets of this process's environment. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'TRACEPARENT'];
/** An argument with none of the characters by which shells and options are known, and one that ends as programs in text do. */
const PLAIN = /^[^\s=;|&<>$*?"'`(){}[\]\\-][^\s=;|&<>$*?"'`(){}[\]\\]*$/;
const SCRIPT = /\.(?:py|r|jl|sh|pl|rb|js|mjs|m|lua)$/i;

export const text = z.string().refine((s) => !s.includes('\0'), 'a zero byte cannot be handed to a program');
const word = z.union([text, z.number(), z.boolean()]);

/** The params of every step that runs a program. */
export const programParams = {
  argv: z
    .array(word)
    .min(1)
    .describe(
      'the program and its arguments; no shell reads them: for one, write [bash, -c, "..."]. Scripts count by content (docs/commands.md)',
    ),
  env: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'a variable is letters, digits and "_"'), word)
    .default({})
    .describe(`environment variables; of the worker's own, ${PASSED_ON.join(', ')} are passed on and no others`),
  version: z
    .string()
    .optional()
    .describe(
      'of the program, in any words: a result is reused only under the same (beside scripts that argv names, the program is not looked at)',
    ),
};

/** A program, and what it reads from standard input. */
export interface Program {
  readonly argv: readonly (string | number | boolean)[];
  readonly env: Readonly<Record<string, string | number | boolean>>;
  readonly stdin?: string | undefined;
}

/**
 * The arguments that are files beside the user's file (or anywhere, or in S3): those that begin with ./ or ../, end as scripts do (.py, .R,
 * .sh, ...), or stand first and hold a slash. `own`: paths in the folder that the program starts in, which are none of them.
 */
export function scriptsOf({ argv }: Pick<Program, 'argv'>, own: readonly string[]): string[] {
  const inFolder = own.map((path) => normalize(path));
  return argv.filter((item, i): item is string => {
    if (typeof item !== 'string') return false;
    // The name of an object in S3 may end in a mark that pins its content.
    if (item.startsWith('s3://')) return SCRIPT.test(item.replace(/#.*$/, ''));
    const path = normalize(item);
    if (!PLAIN.test(item) || item.includes('://') || path.startsWith('in/') || inFolder.includes(path)) return false;
    return /^\.{1,2}\//.test(item) || SCRIPT.test(item) || (i === 0 && item.includes('/') && isInside(item));
  });
}

/** What is put into the folder before a program starts, and what is made of it when it has ended well. */
export interface Exchange<T> {
  readonly place: (folder: string) => Promise<void>;
  /** `stdout` is a file to read from its start. */
  readonly collect: (folder: string, stdout: number) => T;
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
 * Runs a program in a fresh folder, which goes when it ends; the last line that it printed is its progress. ConfigError: no such program;
 * DataError: it failed; CrashError: a signal ended it.
 */
export async function runProgram<T>(context: StepContext, program: Program, { place, collect }: Exchange<T>): Promise<T> {
  const at = open(program);
  try {
    await place(at.work);
    judge(program, await execute(context, program, at), at);
    return collect(at.work, at.stdout);
  } finally {
    close(at, context);
  }
}

let home: string | undefined;
let count = 0;

function open({ stdin }: Program): Place {
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

/** Runs the program to its end, in a process group of its own that ends with it, with the step, and with this process. */
async function execute(context: StepContext, { argv, env }: Program, { home, work, stdin, stdout, stderr }: Place): Promise<Ended> {
  const { signal } = context;
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
          else tellProgress(context, lastLines(stdout).at(-1));
        }, LOOK_MS),
      );
    });
  } finally {
    signal.removeEventListener('abort', onAbort);
    for (const timer of timers) clearTimeout(timer);
  }
}

/** A line is a note of progress; a percentage in it says how far. */
function tellProgress(context: StepContext, line: string | undefined): void {
  if (line === undefined) return;
  const percent = /(\d+(?:\.\d+)?) ?%/.exec(line);
  context.progress(percent === null ? 0 : Math.min(1, Number(percent[1]) / 100), line.slice(0, TAIL.note));
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
      mend: 'Install it on every worker that serves the queue, or give its path.',
    });
  if (error.code === 'EACCES')
    return new ConfigError(`"${program}" may not be run`, { ...options, mend: 'Make it executable (chmod +x), or name its interpreter.' });
  return new ResourceError(`"${program}" could not be started: ${error.message}`, options);
}

/** Throws unless the program ended well. */
function judge({ argv }: Program, { code, signal }: Ended, { stderr }: Place): void {
  if (code === 0) return;
  const lines = lastLines(stderr);
  const said = lines.length > 0 ? `: ${lines.join(' | ')}` : '';
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

/** The last lines of a file that are not empty. */
export function lastLines(fd: number): string[] {
  const size = fstatSync(fd).size;
  const tail = Buffer.alloc(Math.min(size, TAIL.bytes));
  readSync(fd, tail, 0, tail.length, size - tail.length);
  return tail
    .toString()
    .split('\n')
    .map((line) => plainText(line.trim()))
    .filter((line) => line !== '')
    .slice(-TAIL.lines);
}
