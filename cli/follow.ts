import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { isGrpcServiceError, isRetryableError, ServiceError, type WorkflowHandle } from '@temporalio/client';
import proto from '@temporalio/proto';
import { isPanelflowError, ResourceError } from '../core/errors.ts';
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
/** A server that the user runs is waited for so long; one of this folder, whose process has died, comes back only with the next command. */
const PATIENCE_MS = { own: 90_000, embedded: 10_000 } as const;
const AGAIN_MS = 1_000;

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
async function notesOf(handle: WorkflowHandle, { payloads }: Connected): Promise<string[]> {
  const { raw } = await handle.describe();
  const notes = (raw.pendingActivities ?? []).slice(0, 20).map(async ({ activityType, attempt, heartbeatDetails, lastFailure }) => {
    const beat = (await payloads.value(heartbeatDetails?.payloads)) as { fraction?: number; note?: string } | undefined;
    if (beat?.note) return `  ${activityType?.name}: ${beat.note}${beat.fraction ? ` (${Math.round(beat.fraction * 100)} %)` : ''}`;
    if (beat || !lastFailure || (attempt ?? 0) < 2) return undefined;
    return `  ${activityType?.name}: attempt ${attempt} after: ${await payloads.message(lastFailure)}`;
  });
  return (await Promise.all(notes)).filter((note) => note !== undefined);
}

/** A run that is followed, and what it takes to follow it. */
export interface Followed {
  /** Its name. */
  readonly run: string;
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

/** Follows a run to its end; undefined when interrupted. A server that goes away for a while is waited for. */
export async function follow(given: Followed): Promise<Progress | undefined> {
  const { plan, view, worker } = given;
  const leave = new AbortController();
  const signal = AbortSignal.any([given.signal, leave.signal]);
  const run = { ...given, signal };
  // Each time that the server is asked for the result of a long run, one more listens.
  setMaxListeners(0, signal);
  const ended: { value?: Progress; error?: unknown } = {};
  const result = resultOf(run).then(
    (value) => (ended.value = value),
    (error: unknown) => (ended.error = error),
  );
  worker?.stopped.catch((error: unknown) => (ended.error ??= error));
  const interrupted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  view.update(blank(plan), undefined, []);
  const line = new Line(run);
  const start = Date.now();
  let took = 0;
  let warned = false;
  let check = Date.now() + 3_000;
  try {
    for (let tick = 0; ended.value === undefined && ended.error === undefined && !signal.aborted; tick++) {
      await Promise.race([result, interrupted, sleep(Math.max(tick < 10 ? 200 : 500, LEISURE * took), undefined, { ref: false })]);
      if (ended.value !== undefined || ended.error !== undefined || signal.aborted) break;
      const asked = Date.now();
      const isThere = await line.holds(await look(run, start));
      took = isThere ? Date.now() - asked : 0;
      if (isThere && worker === undefined && !warned && Date.now() > check) {
        warned = await warnOfMissingWorkers(run).catch(() => false);
        check = Date.now() + RECHECK_MS;
      }
    }
  } finally {
    leave.abort();
  }
  if (ended.value === undefined && given.signal.aborted) return undefined;
  if (isPanelflowError(ended.error)) throw ended.error;
  if (ended.value === undefined) {
    throw new ResourceError(`The run ended early: ${causeOf(ended.error)}`, {
      cause: ended.error,
      mend: 'Run the same command again to go on; what is finished is kept.',
    });
  }
  view.done(ended.value);
  return ended.value;
}

/** What a run ends with; asks again when the server went away meanwhile. */
async function resultOf({ handle, connected, signal }: Followed): Promise<Progress> {
  for (;;) {
    try {
      return (await connected.client.withAbortSignal(signal, () => handle.result())) as Progress;
    } catch (error) {
      const isAway = error instanceof ServiceError && isGrpcServiceError(error.cause) && isRetryableError(error.cause);
      if (!isAway || signal.aborted) throw error;
      await sleep(AGAIN_MS);
    }
  }
}

/** The line to the server: says once when it is cut and when it is mended, and gives up after a while. */
class Line {
  readonly #run: Followed;
  #cutAt: number | undefined;

  constructor(run: Followed) {
    this.#run = run;
  }

  /** True when the server is there: it has just answered, or does so now. ResourceError when it has been away for too long. */
  async holds(hasAnswered: boolean): Promise<boolean> {
    const { connected, tell, set, run, signal } = this.#run;
    const isThere = hasAnswered || (await this.#ask());
    if (signal.aborted) return false;
    if (isThere && this.#cutAt !== undefined) tell('The server answers again.');
    if (!isThere && this.#cutAt === undefined) tell('The server does not answer; waiting…');
    this.#cutAt = isThere ? undefined : (this.#cutAt ?? Date.now());
    const patience = set.address === undefined ? PATIENCE_MS.embedded : PATIENCE_MS.own;
    if (this.#cutAt === undefined || Date.now() - this.#cutAt < patience) return isThere;
    throw new ResourceError(`The Temporal server at ${connected.reach.address} has not answered for ${patience / 1000} s`, {
      mend: `Nothing finished is lost. ${set.address === undefined ? 'To start it again and go on' : 'Once it answers'}: panelflow attach ${run}`,
    });
  }

  #ask(): Promise<boolean> {
    const { client } = this.#run.connected;
    return client
      .withDeadline(Date.now() + QUERY_MS, () => client.workflowService.getSystemInfo({}))
      .then(
        () => true,
        () => false,
      );
  }
}

/** Paints how far the run is; true when it answered. A server that is busy is asked again at the next turn. */
async function look({ handle, connected, plan, view, signal }: Followed, start: number): Promise<boolean> {
  // Without a worker a query waits for one.
  const patience = AbortSignal.any([signal, AbortSignal.timeout(QUERY_MS)]);
  // Every part of a large run is asked at once, and each question listens.
  setMaxListeners(0, patience);
  const progress = await connected.client
    .withAbortSignal(patience, async () => whole(await handle.query<Progress>('progress'), connected))
    .catch(unlessOurs);
  if (progress) view.update(progress, timeLeft(plan, progress, start), await notesOf(handle, connected).catch(() => []));
  return progress !== undefined;
}

/** Nothing for an error that passes; one of ours, such as a missing key, does not. */
export function unlessOurs(error: unknown): undefined {
  if (isPanelflowError(error)) throw error;
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
