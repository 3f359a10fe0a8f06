import { type Client, type WorkflowHandle, WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/client';
import { ConfigError } from '../core/errors.ts';
import { didYouMean } from '../core/problem.ts';
import type { ArtifactStore } from '../core/store.ts';
import type { RunRequest } from '../schemas/run.ts';
import { openStore } from '../workers/compose.ts';
import { type Connected, connect } from './connect.ts';
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

/** Every run that the server knows, or those that are open, newest first; of one that was taken up again, the newest execution. */
export async function runsOf({ client }: Connected, only: 'all' | 'open' = 'all'): Promise<RunRow[]> {
  const rows = new Map<string, RunRow>();
  const query = `WorkflowType = "runPipeline"${only === 'open' ? ' AND ExecutionStatus = "Running"' : ''}`;
  for await (const w of client.workflow.list({ query })) {
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
