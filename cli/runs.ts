import { type Client, type WorkflowHandle, WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/client';
import { ConfigError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { didYouMean } from '../core/problem.ts';
import { type ArtifactStore, recordPath } from '../core/store.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import type { Plan, PlannedTask } from '../schemas/plan.ts';
import type { RunRecord, RunRequest } from '../schemas/run.ts';
import { openStore } from '../workers/compose.ts';
import { type Connected, connect } from './connect.ts';
import type { Loaded } from './load.ts';
import { say } from './print.ts';
import { type Settings, settings } from './settings.ts';

/** Flags of every command about a run. */
export interface RunsFlags {
  readonly work?: string;
  readonly address?: string;
  readonly namespace?: string;
  readonly json?: boolean;
}

/** A run as the server lists it. */
export interface RunRow {
  readonly run: string;
  readonly workflow: string;
  readonly execution: string;
  readonly name: string;
  readonly status: string;
  readonly started: Date;
  readonly closed: Date | undefined;
}

/** Every run that the server knows, newest first; of one that was taken up again, the newest execution. */
export async function runsOf({ client }: Connected): Promise<RunRow[]> {
  const rows = new Map<string, RunRow>();
  for await (const w of client.workflow.list({ query: 'WorkflowType = "runPipeline"' })) {
    const run = (w.memo?.run as string | undefined) ?? w.workflowId;
    const row = {
      run,
      workflow: w.workflowId,
      execution: w.runId,
      name: (w.memo?.name as string | undefined) ?? '',
      status: w.status.name,
      started: w.startTime,
      closed: w.closeTime,
    };
    const known = rows.get(run);
    if (!known || known.started < row.started) rows.set(run, row);
  }
  return [...rows.values()].sort((a, b) => b.started.getTime() - a.started.getTime());
}

/** Has the server forget runs that are closed, which it does within a minute. It may refuse: then they stay in its list. */
export async function forgetRuns({ client }: Connected, runs: ReadonlySet<string>): Promise<void> {
  const { namespace } = client.options;
  for await (const { memo, workflowId, runId, status } of client.workflow.list({ query: 'WorkflowType = "runPipeline"' })) {
    if (status.name === 'RUNNING' || !runs.has((memo?.run as string | undefined) ?? workflowId)) continue;
    await client.workflowService.deleteWorkflowExecution({ namespace, workflowExecution: { workflowId, runId } }).catch(() => {});
  }
}

/** The newest run whose name begins so; `last` is the newest of all. */
export async function findRun(word: string, connected: Connected): Promise<RunRow> {
  const runs = await runsOf(connected);
  const found =
    word === 'last' ? runs[0] : (runs.find((r) => r.run === word) ?? runs.find((r) => r.run.startsWith(word) || r.name === word));
  if (found) return found;
  throw new ConfigError(`There is no run "${word}"`, {
    mend:
      didYouMean(
        word,
        runs.slice(0, 10).map((r) => r.run),
      ) ?? 'No run is known here; `panelflow run FILE` starts one.',
  });
}

/** Connects, with the store that the flags name, and lets go of the connection in the end. */
export async function withServer(
  flags: RunsFlags,
  work: (connected: Connected, store: ArtifactStore, set: Settings) => Promise<number>,
): Promise<number> {
  const set = settings(flags);
  const connected = await connect(set, say);
  try {
    return await work(connected, openStore(set.work), set);
  } finally {
    await connected.close();
  }
}

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

/** How people name a task: its step and its cell, such as "select (seed=0 k=32)". */
export const taskName = ({ step, label }: Pick<PlannedTask, 'step' | 'label'>): string => (label === '' ? step : `${step} (${label})`);

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

/** What a plan is compiled from. */
export interface Source extends Pick<Loaded, 'definition' | 'run' | 'plugins'> {
  /** Folder that relative paths start at. */
  readonly folder: string;
}

export const sourceOf = async (store: ArtifactStore, ref: ArtifactRef): Promise<Source> => (await readJson(store, ref)) as Source;

export const storeSource = (store: ArtifactStore, { definition, run, plugins, folder }: Source): Promise<ArtifactRef> =>
  storeJson(store, { definition, run, plugins, folder }, 'source');

/** Starts a run's workflow, or finds it where it is open. */
export function startWorkflow(
  client: Client,
  request: RunRequest,
  { workflow, name, summary = name }: { readonly workflow: string; readonly name: string; readonly summary?: string },
): Promise<WorkflowHandle> {
  return client.workflow.start('runPipeline', {
    workflowId: workflow,
    taskQueue: 'panelflow',
    args: [request],
    memo: { run: request.run, work: request.work, name },
    staticSummary: summary,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
  });
}
