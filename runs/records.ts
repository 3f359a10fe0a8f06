import { ConfigError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { taskName } from '../core/task-name.ts';
import { type ArtifactStore, recordPath } from '../core/store.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import type { Plan, PlannedTask } from '../schemas/plan.ts';
import type { RunRecord, RunRequest } from '../schemas/run.ts';
import type { Loaded } from './load.ts';

export async function recordOf(store: ArtifactStore, run: string): Promise<RunRecord> {
  const text = await store.readRecord(recordPath.run(run));
  if (text === undefined)
    throw new ConfigError(`The store has no record of the run "${run}"`, { mend: 'Name the store it ran in with --work.' });
  return JSON.parse(text) as RunRecord;
}

const readJson = async (store: ArtifactStore, ref: ArtifactRef): Promise<unknown> =>
  JSON.parse(Buffer.from(await store.get(ref)).toString('utf8')) as unknown;
const storeJson = (store: ArtifactStore, value: unknown, type: string): Promise<ArtifactRef> =>
  store.put([Buffer.from(JSON.stringify(value))], type);

export const planOf = async (store: ArtifactStore, ref: ArtifactRef): Promise<Plan> => (await readJson(store, ref)) as Plan;

/** The tasks of a plan that a word means: an id, a cell, or a name as `taskName` gives it. ConfigError when there is none. */
export function tasksNamed(plan: Plan, run: string, word: string): PlannedTask[] {
  const found = plan.tasks.filter((task) => [task.id, task.label, taskName(task)].includes(word));
  if (found.length > 0) return found;
  const near = nearest(
    word,
    plan.tasks.flatMap((task) => [task.label, taskName(task)]),
  );
  throw new ConfigError(`The run ${run} has no task "${word}"`, {
    mend: near ? `Did you mean "${near}"?` : 'Name it as `panelflow log` does: its id, or its cell.',
  });
}

export const storePlan = (store: ArtifactStore, plan: Plan): Promise<ArtifactRef> => storeJson(store, plan, 'plan');

/** Notes a run in the store, where commands and reports find it. */
export async function noteRun(
  store: ArtifactStore,
  request: RunRequest,
  more: Pick<RunRecord, 'workflow' | 'name' | 'started' | 'out' | 'plugins'>,
): Promise<RunRecord> {
  const { work: _, ...kept } = request;
  const record: RunRecord = { ...kept, ...more };
  await store.writeRecord(recordPath.run(request.run), JSON.stringify(record));
  return record;
}

/** What a plan is compiled from. */
export interface Source extends Pick<Loaded, 'definition' | 'run' | 'plugins'> {
  /** Folder that relative paths start at. */
  readonly folder: string;
}

export const sourceOf = async (store: ArtifactStore, ref: ArtifactRef): Promise<Source> => (await readJson(store, ref)) as Source;

export const storeSource = (store: ArtifactStore, { definition, run, plugins, folder }: Source): Promise<ArtifactRef> =>
  storeJson(store, { definition, run, plugins, folder }, 'source');
