import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';
import { missingCells, type ResolvedInputs } from '../core/cache-key.ts';
import { ArtifactError } from '../core/errors.ts';
import { type ArtifactStore, recordPath } from '../core/store.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import type { PlannedTask } from '../schemas/plan.ts';
import type { Invocation, TaskRecord, TaskStatus } from '../schemas/run.ts';
import { type CacheEntry, cacheKey, isDone, lookUp, readRecord, resolveInputs, tasksOf } from './cache.ts';
import { errorRecord, toFailure } from './failure.ts';
import type { StepRunner } from './runner.ts';

/** What activities are made from. */
export interface ActivityDeps {
  readonly openStore: (work: string) => ArtifactStore;
  readonly runner: StepRunner;
  /** Names this worker in the trace. */
  readonly worker: string;
}

/** How a task ended; the refs of its outputs are in its record, in the store. */
export interface StepResult {
  readonly status: 'COMPLETED' | 'CACHED' | 'SKIPPED';
}

const HEARTBEAT_MS = 2_000;
/** Runs one task: its record, else the cache, else the step itself in a process of its own. */
export async function runStep(deps: ActivityDeps, invocation: Invocation): Promise<StepResult> {
  const store = deps.openStore(invocation.work);
  const task = (await tasksOf(store, invocation.plan)).get(invocation.task);
  if (!task)
    throw toFailure(new ArtifactError(`The plan has no task "${invocation.task}"`, { retryable: false }), 1, {
      crash: 0,
      resource: 0,
      artifact: 0,
    });
  const before = await readRecord(store, invocation.run, task.id);
  if (isDone(before)) return { status: before.status as 'COMPLETED' | 'CACHED' };
  const { attempt, scheduledTimestampMs } = activityInfo();
  const start = Date.now();
  let key = '';
  const write = async (status: TaskStatus, rest: Partial<TaskRecord>): Promise<void> => {
    const record: TaskRecord = {
      ...blankRecord(task, deps.worker),
      status,
      key,
      attempt,
      submit: scheduledTimestampMs,
      start,
      complete: Date.now(),
      ...rest,
    };
    await store.writeRecord(recordPath.task(invocation.run, task.id), JSON.stringify(record));
  };
  try {
    const inputs = await resolveInputs(store, invocation.run, task);
    if (inputs === null) return { status: 'SKIPPED' };
    key = cacheKey(task, inputs);
    const hit = await lookUp(store, key);
    if (hit) {
      await write('CACHED', hit);
      return { status: 'CACHED' };
    }
    const { outputs, facts, log, cpuMs, peakRssBytes } = await compute(deps, task, inputs, { work: invocation.work, key });
    const entry: CacheEntry = { outputs: { ...outputs }, facts: { ...facts }, log: [...log] };
    await store.writeRecord(recordPath.cache(key), JSON.stringify(entry));
    await write('COMPLETED', { ...entry, cpuMs, peakRssBytes, device: typeof facts.device === 'string' ? facts.device : null });
    await dropCheckpoint(store, key);
    return { status: 'COMPLETED' };
  } catch (error) {
    if (cancellationSignal().aborted) throw error;
    const failure = toFailure(error, attempt, task.retries);
    if (failure.nonRetryable) await write('FAILED', { error: errorRecord(error) });
    throw failure;
  }
}

/** What a heartbeat carries: the next attempt finds the checkpoint there. */
interface Beat {
  readonly fraction: number;
  readonly note: string;
  readonly checkpoint: ArtifactRef | null;
}

async function compute(
  deps: ActivityDeps,
  task: PlannedTask,
  inputs: ResolvedInputs,
  { work, key }: { readonly work: string; readonly key: string },
): Promise<Awaited<ReturnType<StepRunner['run']>>> {
  const before = activityInfo().heartbeatDetails as Beat | undefined;
  let last: Beat = { fraction: 0, note: '', checkpoint: before?.checkpoint ?? null };
  const beat = setInterval(() => heartbeat(last), HEARTBEAT_MS);
  heartbeat(last);
  try {
    return await deps.runner.run(
      {
        work,
        uses: task.uses,
        params: task.params,
        seed: task.seed ?? 0,
        inputs,
        missing: missingCells(task, inputs),
        memoryBytes: task.memoryBytes,
        checkpoint: { key, everyMs: task.checkpointMs, last: last.checkpoint },
      },
      {
        signal: cancellationSignal(),
        onProgress: (fraction, note) => (last = { ...last, fraction, note }),
        onCheckpoint: (checkpoint) => heartbeat((last = { ...last, checkpoint })),
      },
    );
  } finally {
    clearInterval(beat);
  }
}

/** A finished step needs its checkpoint no more. */
async function dropCheckpoint(store: ArtifactStore, key: string): Promise<void> {
  const path = recordPath.checkpoint(key);
  const text = await store.readRecord(path);
  if (text === undefined) return;
  await store.removeRecord(path);
  await store.remove(JSON.parse(text) as ArtifactRef);
}

/** A record with nothing in it but the task. */
export function blankRecord(task: PlannedTask, worker: string): TaskRecord {
  const now = Date.now();
  return {
    task: task.id,
    step: task.step,
    status: 'ABORTED',
    key: '',
    outputs: {},
    facts: {},
    attempt: 1,
    worker,
    queue: task.queue,
    device: null,
    submit: now,
    start: now,
    complete: now,
    cpuMs: null,
    peakRssBytes: null,
    error: null,
    log: [],
  };
}
