import { spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { ConfigError, ResourceError } from '../../core/errors.ts';
import { plural } from '../../core/units.ts';
import { recordOf } from '../../runs/records.ts';
import type { Done } from '../../ui/shapes.ts';
import { amendment, asked, change } from '../commands/control.ts';
import { runnableFiles } from './files.ts';
import type { Reader } from './reader.ts';

const Words = z.array(z.string().min(1).max(500)).max(50).default([]);

/** What the page may ask for. */
const Order = z.strictObject({
  /** Why, for people; it stands in the run's history. */
  note: z.string().max(500).default(''),
  /** For retry: ids of failed tasks; none means all. */
  tasks: z.array(z.string().max(500)).max(10_000).default([]),
  add: Words,
  drop: Words,
  set: Words,
  /** For amend: only say what would come and go. */
  dryRun: z.boolean().default(false),
});
type Order = z.infer<typeof Order>;

export const VERBS = ['pause', 'resume', 'stop', 'cancel', 'retry', 'amend', 'attach'] as const;
export type Verb = (typeof VERBS)[number];

const Start = z.strictObject({ file: z.string().max(1000), set: Words, name: z.string().max(200).optional() });

/** A command that was started says within this time which run it serves, or why not. */
const PATIENCE_MS = 60_000;

function parsed<T>(schema: z.ZodType<T>, body: unknown): T {
  const { success, data, error } = schema.safeParse(body);
  if (!success) throw new ConfigError(`That is no such order: ${z.prettifyError(error)}`);
  return data;
}

/** Carries out what the page asks of a run: a run that goes on is told; one that has ended is taken up by a command of its own, as `panelflow` would. */
export async function carryOut(reader: Reader, run: string, verb: Verb, body: unknown): Promise<Done> {
  const order = parsed(Order, body ?? {});
  const row = await reader.row(run);
  const { connected, store } = reader;
  const handle = connected.client.workflow.getHandle(row.workflow);
  const isOpen = (await handle.describe()).status.name === 'RUNNING';
  const target = { connected, handle, row: { ...row, status: isOpen ? 'RUNNING' : row.status } };
  try {
    if (verb === 'attach') return await command(reader, ['attach', run]);
    if (verb === 'cancel' && isOpen) {
      await handle.cancel();
      return { said: `Asked ${run} to end. What it has finished stays in the cache.` };
    }
    if (verb === 'amend') return await amend(reader, target, order);
    if (!isOpen && verb === 'resume') return await command(reader, ['resume', run]);
    if (!isOpen && verb === 'retry') return await command(reader, ['retry', run, ...order.tasks]);
    return await tell(target, verb, order);
  } finally {
    reader.refresh();
  }

  async function amend(from: Reader, to: typeof target, { add, drop, set, dryRun }: Order): Promise<Done> {
    const { words, said, refs } = await amendment(store, await recordOf(store, run), { add, drop, set });
    if (dryRun) return { said: `That would be: ${said}.` };
    if (isOpen) {
      await change(to, 'amend', { ...asked([words, order.note].filter(Boolean).join(': ')), ...(await refs()) });
      return { said: `${run} goes on with ${said}.` };
    }
    const flags = [...add.map((w) => `--add=${w}`), ...drop.map((w) => `--drop=${w}`), ...set.map((w) => `--set=${w}`)];
    return command(from, ['amend', run, ...flags]);
  }
}

async function tell(target: Parameters<typeof change>[0], verb: string, { note, tasks }: Order): Promise<Done> {
  const { run } = target.row;
  if (verb === 'retry') {
    const count = await change<number>(target, 'retry', { ...asked(note), ...(tasks.length > 0 ? { tasks } : {}) });
    return {
      said: count === 0 ? 'No task has failed.' : `${plural(count, 'failed task')} of ${run} ${count === 1 ? 'is' : 'are'} done anew.`,
    };
  }
  // The note of a stop is what the report gives as the reason.
  await change(target, verb, asked(verb === 'stop' ? note || 'it was asked to stop' : note));
  const said: Record<string, string> = {
    pause: `${run} is paused: what is under way ends, nothing more begins.`,
    resume: `${run} goes on.`,
    stop: `${run} stops when what is under way has ended, and reports what there is.`,
  };
  return { said: said[verb] };
}

/** Starts a file of the folder that the server was started in. */
export async function start(reader: Reader, folder: string, body: unknown): Promise<Done> {
  const { file, set, name } = parsed(Start, body);
  if (!(await runnableFiles(folder)).includes(file))
    throw new ConfigError(`There is no file "${file}" to run here`, { mend: 'Reload the page: it lists the files that there are.' });
  try {
    return await command(reader, ['run', join(folder, file), ...set.map((w) => `--set=${w}`), ...(name ? [`--name=${name}`] : [])], folder);
  } finally {
    reader.refresh();
  }
}

/** Starts this very program once more, with a life of its own: it goes on when the page and its server are gone. Gives the run that it serves. */
async function command({ set }: Reader, args: readonly string[], cwd?: string): Promise<Done> {
  const log = join(mkdtempSync(join(tmpdir(), 'panelflow-ui-')), `${args[0]}.log`);
  const output = openSync(log, 'a', 0o600);
  const place = [`--work=${set.work}`, ...(set.address === undefined ? [] : [`--address=${set.address}`]), `--namespace=${set.namespace}`];
  const child = spawn(process.execPath, [process.argv[1], ...args, '--json', ...place], {
    detached: true,
    stdio: ['ignore', output, output],
    ...(cwd === undefined ? {} : { cwd }),
  });
  child.unref();
  let isOver = false;
  child.once('exit', () => (isOver = true)).once('error', () => (isOver = true));
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(50)) {
    const wasOver = isOver;
    const events = readFileSync(log, 'utf8').split('\n').flatMap(eventOf);
    const failed = events.find((e) => e.event === 'error');
    if (failed) throw new ConfigError(String(failed.message), typeof failed.mend === 'string' ? { mend: failed.mend } : {});
    const begun = events.find((e) => e.event === 'run');
    if (begun) return { said: `${String(begun.run)} is under way.`, run: String(begun.run) };
    if (wasOver) break;
  }
  throw new ResourceError(`\`panelflow ${args[0]}\` did not begin`, { context: { log }, mend: 'The log says what it printed.' });
}

function eventOf(line: string): Record<string, unknown>[] {
  if (!line.startsWith('{')) return [];
  try {
    return [JSON.parse(line) as Record<string, unknown>];
  } catch {
    return [];
  }
}
