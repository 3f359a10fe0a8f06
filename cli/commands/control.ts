import { hostname, userInfo } from 'node:os';
import { WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client';
import { ConfigError, ResourceError } from '../../core/errors.ts';
import { CompileError } from '../../core/problem.ts';
import { type ArtifactStore, recordPath } from '../../core/store.ts';
import { plural } from '../../core/units.ts';
import type { ArtifactRef } from '../../schemas/artifact.ts';
import type { Plan } from '../../schemas/plan.ts';
import type { RunRecord } from '../../schemas/run.ts';
import { accompany } from '../accompany.ts';
import { amendSource } from '../amend.ts';
import type { Connected } from '../connect.ts';
import { setParam } from '../../runs/load.ts';
import { compileSource } from '../../runs/prepare.ts';
import { say } from '../print.ts';
import { planOf, recordOf, type Source, sourceOf, storePlan, storeSource, tasksNamed } from '../../runs/records.ts';
import { findRun, type RunRow, type RunsFlags, startWorkflow, withServer } from '../runs.ts';
import { budgetOf } from './run.ts';
import type { Settings } from '../settings.ts';

/** A worker answers within this time, or there is none. */
const PATIENCE_MS = 15_000;

interface FollowFlags extends RunsFlags {
  /** Other limits for a run that is taken up again. */
  readonly budget?: readonly string[];
  readonly slots?: number;
  readonly quiet?: boolean;
}

interface Found {
  readonly row: RunRow;
  readonly record: RunRecord;
  readonly handle: WorkflowHandle;
  readonly isOpen: boolean;
  readonly connected: Connected;
  readonly store: ArtifactStore;
  readonly set: Settings;
}

function withRun(word: string, flags: RunsFlags, act: (found: Found) => Promise<number>): Promise<number> {
  return withServer(flags, async (connected, store, set) => {
    const row = await findRun(word, connected);
    const handle = connected.client.workflow.getHandle(row.workflow);
    const record = await recordOf(store, row.run);
    return act({ row, record, handle, isOpen: row.status === 'RUNNING', connected, store, set });
  });
}

/** Who asks for a change, and a note on it. */
export const asked = (note = ''): { by: string; note: string } => ({ by: `${userInfo().username}@${hostname()}`, note });

/** Sends a change to a run that goes on. */
export async function change<R>(
  { connected, handle, row }: Pick<Found, 'connected' | 'handle' | 'row'>,
  name: string,
  arg: object,
): Promise<R> {
  if (row.status !== 'RUNNING')
    throw new ConfigError(`The run ${row.run} is ${row.status.toLowerCase()} already`, {
      mend: '`panelflow retry` or `amend` takes it up again.',
    });
  try {
    return await connected.client.withDeadline(Date.now() + PATIENCE_MS, () => handle.executeUpdate<R, [object]>(name, { args: [arg] }));
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError)
      throw new ConfigError(`The run refuses that: ${error.cause?.message ?? error.message}`, { cause: error });
    throw new ResourceError(`No worker answers for the run ${row.run}`, {
      cause: error,
      mend: `\`panelflow attach ${row.run}\` serves it and goes on.`,
    });
  }
}

/** Starts a run's workflow again where it left off, with what changed. */
async function takeUp(found: Found, { budget = [], ...flags }: FollowFlags, before = found.record): Promise<number> {
  const record = { ...before, policy: { ...before.policy, budget: { ...before.policy.budget, ...budgetOf(budget) } } };
  const { connected, store, set } = found;
  const { workflow, name, started: _, out: __, plugins: ___, ...request } = record;
  await store.writeRecord(recordPath.run(record.run), JSON.stringify(record));
  await store.removeRecord(recordPath.holds(record.run));
  const handle = await startWorkflow(connected.client, { ...request, work: set.work }, { workflow, name });
  return accompany({ connected, set, store, handle, record, ...flags });
}

/** `panelflow attach RUN`: follow a run, serving it where nobody else does. */
export function attach(word: string, flags: FollowFlags): Promise<number> {
  return withRun(word, flags, async (found) => {
    const { row, handle, record, connected, set, store } = found;
    if (!found.isOpen && row.status !== 'COMPLETED') return takeUp(found, flags);
    return accompany({ connected, set, store, handle, record, ...flags });
  });
}

/** `panelflow pause RUN`: what runs ends, nothing more begins. */
export function pause(word: string, flags: RunsFlags): Promise<number> {
  return withRun(word, flags, async (found) => {
    await change(found, 'pause', asked());
    say(`${found.row.run} is paused: what is under way ends, nothing more begins. \`panelflow resume ${found.row.run}\` goes on.`);
    return 0;
  });
}

/** `panelflow resume RUN`: go on after a pause, or take up a run that was cancelled. */
export function resume(word: string, flags: FollowFlags): Promise<number> {
  return withRun(word, flags, async (found) => {
    if (!found.isOpen) return takeUp(found, flags);
    await change(found, 'resume', asked());
    say(`${found.row.run} goes on.`);
    return 0;
  });
}

/** `panelflow retry RUN [CELL ...]`: failed tasks are done anew. */
export function retry(word: string, cells: readonly string[], flags: FollowFlags): Promise<number> {
  return withRun(word, flags, async (found) => {
    const { row, record, store, isOpen } = found;
    const plan = await planOf(store, record.plans.at(-1)!);
    const tasks = cells.flatMap((cell) => tasksNamed(plan, row.run, cell).map((task) => task.id));
    if (!isOpen) return takeUp(found, flags);
    const count = await change<number>(found, 'retry', { ...asked(cells.join(', ')), ...(tasks.length > 0 ? { tasks } : {}) });
    say(count === 0 ? 'No task has failed.' : `${plural(count, 'failed task')} of ${row.run} ${count === 1 ? 'is' : 'are'} done anew.`);
    return 0;
  });
}

/** `panelflow stop RUN`: nothing more begins, and the report is made of what there is. */
export function stop(word: string, flags: RunsFlags): Promise<number> {
  return withRun(word, flags, async (found) => {
    await change(found, 'stop', asked('it was asked to stop'));
    say(`${found.row.run} stops when what is under way has ended, and reports what there is.`);
    return 0;
  });
}

interface AmendFlags extends FollowFlags {
  readonly add?: readonly string[];
  readonly drop?: readonly string[];
  readonly set?: readonly string[];
  readonly dryRun?: boolean;
}

/** `panelflow amend RUN`: change the sweep of a run while it goes on, or extend one that has ended. */
export function amend(word: string, { add = [], drop = [], set = [], dryRun = false, ...flags }: AmendFlags): Promise<number> {
  return withRun(word, flags, async (found) => {
    const { budget = [] } = flags;
    if (budget.length > 0 && found.isOpen) {
      await change(found, 'limit', { ...asked(budget.join(', ')), budget: budgetOf(budget) });
      say(`${found.row.run} has other limits now: ${budget.join(', ')}.`);
      if (add.length + drop.length + set.length === 0) return 0;
    }
    const { row, record, store, isOpen } = found;
    const { words, said, refs } = await amendment(store, record, { add, drop, set });
    if (dryRun) {
      say(`That would be: ${said}.`);
      return 0;
    }
    if (isOpen) {
      await change(found, 'amend', { ...asked(words), ...(await refs()) });
      say(`${row.run} goes on with ${said}.`);
      return 0;
    }
    say(`${row.run} is taken up again: ${said}.`);
    const changes = [...record.changes, { what: 'amend' as const, at: Date.now(), ...asked(words) }];
    const { plan, source } = await refs();
    const next = { ...record, plans: [...record.plans, plan], source, changes };
    return takeUp(found, flags, next);
  });
}

/** What an amendment comes to. */
interface Amendment {
  /** What is asked for, for people, and how many tasks come and go. */
  readonly words: string;
  readonly said: string;
  /** Stores the amended plan and what it was compiled from. */
  readonly refs: () => Promise<{ readonly plan: ArtifactRef; readonly source: ArtifactRef }>;
}

/** Compiles what a run becomes with values added, dropped and set; ConfigError for what makes no sense. Changes nothing. */
export async function amendment(
  store: ArtifactStore,
  record: RunRecord,
  { add, drop, set }: Required<Pick<AmendFlags, 'add' | 'drop' | 'set'>>,
): Promise<Amendment> {
  const words = [...add.map((w) => `add ${w}`), ...drop.map((w) => `drop ${w}`), ...set.map((w) => `set ${w}`)];
  if (words.length === 0)
    throw new ConfigError('Nothing to change', { mend: 'Give --add axis=value, --drop axis=value, --set key=value or --budget.' });
  const before = await sourceOf(store, record.source);
  const amended = amendSource(
    set.reduce((s, w) => ({ ...s, run: { ...s.run, params: setParam(s.run.params, w) } }), before),
    { add, drop },
  );
  const plan = await recompile(amended);
  const old = new Set((await planOf(store, record.plans.at(-1)!)).tasks.map((t) => t.id));
  const fresh = new Set(plan.tasks.map((t) => t.id));
  const [added, dropped] = [[...fresh].filter((id) => !old.has(id)).length, [...old].filter((id) => !fresh.has(id)).length];
  return {
    words: words.join('; '),
    said: `${plural(added, 'task')} added, ${dropped} dropped`,
    refs: async () => ({ plan: await storePlan(store, plan), source: await storeSource(store, amended) }),
  };
}

/** An amended source as a plan; what is wrong with it, as one error. */
async function recompile(source: Source): Promise<Plan> {
  try {
    return (await compileSource(source)).plan;
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    throw new ConfigError(error.problems.map((p) => [p.message, ...(p.mend ? [`  ${p.mend}`] : [])].join('\n')).join('\n\n'), {
      cause: error,
    });
  }
}
