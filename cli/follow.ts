import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import proto from '@temporalio/proto';
import { ResourceError } from '../core/errors.ts';
import type { Plan } from '../schemas/plan.ts';
import type { Progress } from '../schemas/run.ts';
import type { RunningWorker } from '../workers/worker.ts';
import type { Connected } from './connect.ts';
import { timeLeft } from './pace.ts';
import { blank, type ProgressView } from './progress.ts';
import type { Settings } from './settings.ts';

const { TaskQueueType } = proto.temporal.api.enums.v1;
const QUERY_MS = 3_000;
/** Asking a run how far it is takes time from it: at most one part in so many. */
const LEISURE = 10;
const RECHECK_MS = 15_000;

/** Adds the counts of children that still run. */
export async function whole(progress: Progress, { client }: Connected): Promise<Progress> {
  if (progress.children.length === 0) return progress;
  const parts = await Promise.all(
    progress.children.map((id) =>
      client.workflow
        .getHandle(id)
        .query<Progress>('progress')
        .catch(() => undefined),
    ),
  );
  const steps = progress.steps.map((s) => ({ ...s }));
  for (const part of parts) {
    for (const p of part?.steps ?? []) {
      const mine = steps.find((s) => s.step === p.step);
      if (mine) for (const key of ['running', 'done', 'cached', 'failed', 'skipped', 'dropped'] as const) mine[key] += p[key];
    }
  }
  const kinds = { ...progress.kinds };
  for (const part of parts) {
    for (const [uses, { ended, computed, ms }] of Object.entries(part?.kinds ?? {})) {
      const before = kinds[uses] ?? { ended: 0, computed: 0, ms: 0 };
      kinds[uses] = { ended: before.ended + ended, computed: before.computed + computed, ms: before.ms + ms };
    }
  }
  return { ...progress, steps, kinds, failures: [...progress.failures, ...parts.flatMap((p) => p?.failures ?? [])] };
}

/** What running steps say of themselves, from their heartbeats. */
async function notesOf(handle: WorkflowHandle): Promise<string[]> {
  const { raw } = await handle.describe();
  return (raw.pendingActivities ?? []).slice(0, 20).flatMap((a) => {
    const data = a.heartbeatDetails?.payloads?.[0]?.data;
    if (!data)
      return a.lastFailure && (a.attempt ?? 0) > 1
        ? [`  ${a.activityType?.name}: attempt ${a.attempt} after: ${a.lastFailure.message}`]
        : [];
    const { fraction, note } = JSON.parse(Buffer.from(data).toString()) as { fraction?: number; note?: string };
    return note ? [`  ${a.activityType?.name}: ${note}${fraction ? ` (${Math.round(fraction * 100)} %)` : ''}`] : [];
  });
}

/** A run that is followed, and what it takes to follow it. */
export interface Followed {
  readonly handle: WorkflowHandle;
  readonly connected: Connected;
  readonly plan: Plan;
  readonly view: ProgressView;
  readonly signal: AbortSignal;
  /** The worker of this process, unless others serve the run. */
  readonly worker: RunningWorker | undefined;
  readonly set: Settings;
  readonly tell: (line: string) => void;
}

/** Follows a run to its end; undefined when interrupted. */
export async function follow(run: Followed): Promise<Progress | undefined> {
  const { handle, connected, plan, view, signal, worker } = run;
  const ended: { value?: Progress; error?: unknown } = {};
  const result = connected.client
    .withAbortSignal(signal, () => handle.result())
    .then(
      (value) => (ended.value = value as Progress),
      (error: unknown) => (ended.error = error),
    );
  worker?.stopped.catch((error: unknown) => (ended.error ??= error));
  const interrupted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  view.update(blank(plan), undefined, []);
  const start = Date.now();
  let took = 0;
  let warned = false;
  let check = Date.now() + 3_000;
  for (let tick = 0; ended.value === undefined && ended.error === undefined && !signal.aborted; tick++) {
    await Promise.race([result, interrupted, sleep(Math.max(tick < 10 ? 200 : 500, LEISURE * took), undefined, { ref: false })]);
    if (ended.value !== undefined || ended.error !== undefined || signal.aborted) break;
    const asked = Date.now();
    await look(run, start);
    took = Date.now() - asked;
    if (worker === undefined && !warned && Date.now() > check) {
      warned = await warnOfMissingWorkers(run);
      check = Date.now() + RECHECK_MS;
    }
  }
  if (ended.value === undefined && signal.aborted) return undefined;
  if (ended.value === undefined) {
    throw new ResourceError(`The run ended early: ${causeOf(ended.error)}`, {
      cause: ended.error,
      mend: 'Run the same command again to go on; what is finished is kept.',
    });
  }
  view.done(ended.value);
  return ended.value;
}

/** Paints how far the run is; a server that is busy is asked again at the next turn. */
async function look({ handle, connected, plan, view, signal }: Followed, start: number): Promise<void> {
  // Without a worker a query waits for one.
  const patience = AbortSignal.any([signal, AbortSignal.timeout(QUERY_MS)]);
  // Every part of a large run is asked at once, and each question listens.
  setMaxListeners(0, patience);
  const progress = await connected.client
    .withAbortSignal(patience, async () => whole(await handle.query<Progress>('progress'), connected))
    .catch(() => undefined);
  if (progress) view.update(progress, timeLeft(plan, progress, start), await notesOf(handle).catch(() => []));
}

function causeOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? causeOf(cause) : message;
}

/** Says it when nobody serves a queue that the plan needs; true when it was said. */
async function warnOfMissingWorkers({ connected: { client }, plan, set, tell }: Followed): Promise<boolean> {
  const missing: string[] = [];
  for (const queue of new Set(plan.tasks.map((t) => t.queue))) {
    const { pollers } = await client.workflowService.describeTaskQueue({
      namespace: set.namespace,
      taskQueue: { name: `panelflow-${queue}` },
      taskQueueType: TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
    });
    // The server lists pollers for minutes after they are gone; a living one asks at least once a minute.
    if (!(pollers ?? []).some((p) => Date.now() - Number(p.lastAccessTime?.seconds ?? 0) * 1000 < 70_000)) missing.push(queue);
  }
  if (missing.length > 0)
    tell(
      `No worker serves ${missing.join(' and ')}; the run waits. Start one: panelflow worker --queue ${missing.join(',')} --address ${set.address}`,
    );
  return missing.length > 0;
}
