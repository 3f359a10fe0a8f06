import { totalmem } from 'node:os';
import { activityInfo, cancellationSignal, Context } from '@temporalio/activity';
import type { ApplicationFailure } from '@temporalio/common';
import { keyText, missingCells, type ResolvedInputs } from '../core/cache-key.ts';
import { TimeLimitError } from '../core/errors.ts';
import { type ArtifactStore, recordPath } from '../core/store.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import type { PlannedTask } from '../schemas/plan.ts';
import type { Environment, Invocation, TaskEnd, TaskRecord, TaskStatus } from '../schemas/run.ts';
import {
  type CacheEntry,
  keyOf,
  checkpointKey,
  isDone,
  lookUp,
  readRecord,
  type Records,
  resolveInputs,
  type StoredEntry,
  tasksOf,
} from './cache.ts';
import { claimKey, UNCLAIMED } from './claims.ts';
import { errorRecord, toFailure } from './failure.ts';
import type { StepRunner } from './runner.ts';
import { aboutTask, type TaskEvent } from './task-event.ts';

/** What activities are made from. */
export interface ActivityDeps {
  readonly openStore: (work: string) => ArtifactStore;
  readonly runner: StepRunner;
  /** Names this worker in the trace. */
  readonly worker: string;
  readonly environment: () => Promise<Environment>;
  /** Hears of every task that begins and ends here. */
  readonly onTask: (event: TaskEvent) => void;
  /** The span of an attempt, where runs are traced. */
  readonly traceparentOf?: ((attempt: Pick<TaskEvent, 'run' | 'task' | 'at'>) => string) | undefined;
}

const HEARTBEAT_MS = 2_000;

/** Runs one task: its record, else the cache, else the step itself in a process of its own. Throws what Temporal is to know. */
export async function runStep(deps: ActivityDeps, invocation: Invocation): Promise<TaskEnd> {
  if (await isHeld(deps, invocation)) return HELD;
  const { failure, ...end } = await tryTask(deps, invocation, invocation.tasks[0]);
  if (failure) throw failure;
  return end;
}

/** Small tasks are attempted so many at a time: while one is computed, the records of others are read and written. */
const ABREAST = 4;

/** Runs several small tasks of a step; what fails and may be tried again is left to an activity of its own. */
export async function runTogether(deps: ActivityDeps, invocation: Invocation): Promise<TaskEnd[]> {
  const { tasks } = invocation;
  const ends: TaskEnd[] = [];
  const records: Records = new Map();
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let at = next++; at < tasks.length; at = next++) {
      if (await isHeld(deps, invocation)) {
        ends[at] = HELD;
        continue;
      }
      const { failure, ...end } = await tryTask(deps, invocation, tasks[at], records);
      ends[at] = failure ? { ...end, message: failure.message } : end;
    }
  };
  await Promise.all(Array.from({ length: ABREAST }, lane));
  return ends;
}

const HELD: TaskEnd = { status: 'HELD', ms: 0 };
const LOOK_MS = 500;
/** How often a look at the run itself is tried again. */
const PATIENT = { crash: 0, resource: 10, artifact: 10, timeout: 0 };
const holdsOf = new Map<string, { holds: number; at: number }>();

/** True when the run was held after this was asked for. */
async function isHeld({ openStore }: ActivityDeps, { run, work, holds }: Invocation): Promise<boolean> {
  const known = holdsOf.get(run);
  if (known && Date.now() - known.at < LOOK_MS) return known.holds > holds;
  const text = await openStore(work)
    .readRecord(recordPath.holds(run))
    .catch((error: unknown) => {
      throw toFailure(error, activityInfo().attempt, PATIENT);
    });
  const now = Number(text ?? 0);
  if (holdsOf.size > 100) holdsOf.clear();
  holdsOf.set(run, { holds: now, at: Date.now() });
  return now > holds;
}

type Tried = TaskEnd & { readonly failure?: ApplicationFailure };

/** One attempt at a task, told to who watches. Gives an error back rather than throwing it, but for a cancellation. */
async function tryTask(deps: ActivityDeps, invocation: Invocation, id: string, records: Records = new Map()): Promise<Tried> {
  const { run, work, plan } = invocation;
  const task = (await tasksOf(deps.openStore(work), plan)).get(id)!;
  const at = Date.now();
  const about = { run, at, worker: deps.worker, attempt: activityInfo().attempt, ...aboutTask(task) };
  const tell = (end: Pick<TaskEvent, 'status' | 'ms' | 'code' | 'message'>): void => deps.onTask({ ...about, ...end });
  tell({ status: 'STARTED', ms: 0 });
  try {
    const { failure, ...end } = await attempt(deps, invocation, task, { records, traceparent: deps.traceparentOf?.(about) });
    tell({ status: end.status, ms: end.ms, ...(failure ? { code: end.code, message: failure.message } : {}) });
    return { failure, ...end };
  } catch (error) {
    tell({ status: 'ABORTED', ms: Date.now() - at });
    throw error;
  }
}

async function attempt(
  deps: ActivityDeps,
  { run, work, tasks, fresh = false }: Invocation,
  task: PlannedTask,
  { records, traceparent }: { readonly records: Records; readonly traceparent: string | undefined },
): Promise<Tried> {
  const store = deps.openStore(work);
  const { id } = task;
  const { scheduledTimestampMs } = activityInfo();
  const start = Date.now();
  const before = await readRecord(store, run, id);
  const failures = before?.status === 'RETRYING' ? before.failures : [];
  let key = '';
  const write = (status: TaskStatus, rest: Partial<TaskRecord>): Promise<void> => {
    const times = { submit: scheduledTimestampMs, start, complete: Date.now() };
    const record: TaskRecord = {
      ...blankRecord(task, deps.worker),
      status,
      key,
      attempt: failures.length + 1,
      failures,
      ...times,
      ...rest,
    };
    return store.writeRecord(recordPath.task(run, id), JSON.stringify(record));
  };
  const end = (status: TaskEnd['status'], facts: TaskRecord['facts'] = {}, ms = Date.now() - start): Tried => ({
    status,
    ms,
    ...scoreOf(task, facts),
  });
  try {
    const inputs = await resolveInputs(store, run, task, records);
    if (inputs === null) return end('SKIPPED');
    const text = keyText(task, inputs);
    key = keyOf(text);
    if (isDone(before) && before.key === key) return end(before.status as 'COMPLETED' | 'CACHED', before.facts);
    const found = fresh ? undefined : await lookUp(store, key);
    // What takes no time may be done twice: a claim would take longer.
    const claim = found
      ? { hit: found }
      : fresh || tasks.length > 1
        ? UNCLAIMED
        : await claimKey(store, key, `${run}/${id}`, { signal: cancellationSignal(), worker: deps.worker });
    if ('hit' in claim) {
      await write('CACHED', claim.hit);
      return end('CACHED', claim.hit.facts);
    }
    let facts: TaskRecord['facts'];
    let ms: number;
    try {
      const limits = limitsOf(task, failures);
      const training = task.until === undefined ? key : checkpointKey(task, inputs);
      const checkpoint = fresh ? keyOf(`${run}\n${training}`) : training;
      const job = { task, inputs, work, checkpoint, limits, isAlone: tasks.length === 1, traceparent };
      const { outputs, log, cpuMs, peakRssBytes, ...result } = await compute(deps, job);
      facts = { ...result.facts };
      ({ ms } = result);
      const entry: CacheEntry = { outputs: { ...outputs }, facts, log: [...log], made: { run, task: id } };
      const stored: StoredEntry = { ...entry, keyText: text };
      if (fresh) await store.createRecord(recordPath.cache(key), JSON.stringify(stored));
      else await store.writeRecord(recordPath.cache(key), JSON.stringify(stored));
      await write('COMPLETED', { ...entry, cpuMs, peakRssBytes, device: typeof facts.device === 'string' ? facts.device : null });
      if (tasks.length === 1 && task.until === undefined) await dropCheckpoint(store, checkpoint);
    } finally {
      await claim.release();
    }
    await noteHost(deps, store, run);
    return end('COMPLETED', facts, ms);
  } catch (error) {
    cancellationSignal().throwIfAborted();
    const { code, ...record } = errorRecord(error);
    const failed = { code: record.context.limit === undefined ? code : 'MEMORY', worker: deps.worker, ms: Date.now() - start };
    // Temporal counts attempts whose worker or store went away, too; they are no fault of the step.
    const failure = toFailure(error, failures.filter((f) => f.code === failed.code).length + 1, task.retries);
    if (failure.nonRetryable) await write('FAILED', { error: { code, ...record } });
    else await write('RETRYING', { failures: [...failures, failed], error: { code, ...record } });
    return { ...end(failure.nonRetryable ? 'FAILED' : 'AGAIN'), code, failure };
  }
}

const noted = new Set<string>();

/** Says once for each run what this worker computes with. */
async function noteHost({ worker, environment }: ActivityDeps, store: ArtifactStore, run: string): Promise<void> {
  const path = recordPath.host(run, worker);
  if (noted.has(path)) return;
  if (noted.size > 1_000) noted.clear();
  noted.add(path);
  await store.writeRecord(path, JSON.stringify(await environment()));
}

/** The score of a result, where the plan asks for one. */
export function scoreOf({ score }: PlannedTask, facts: TaskRecord['facts']): Pick<TaskEnd, 'score'> {
  if (score === undefined) return {};
  const value = facts[score];
  return { score: typeof value === 'number' ? value : null };
}

/** What a task may use at this attempt: only what it ran out of grows, to twice as much each time. */
function limitsOf(task: PlannedTask, failures: TaskRecord['failures']): { memoryBytes: number | null; timeoutMs: number } {
  const grown = (code: string): number => 2 ** failures.filter((f) => f.code === code).length;
  return {
    memoryBytes: task.memoryBytes === null ? null : Math.min(totalmem(), task.memoryBytes * grown('MEMORY')),
    timeoutMs: task.timeoutMs * grown('TIMEOUT'),
  };
}

/** What a heartbeat carries: the next attempt finds the checkpoint there. */
interface Beat {
  readonly fraction: number;
  readonly note: string;
  readonly checkpoint: ArtifactRef | null;
}

interface Job {
  readonly task: PlannedTask;
  readonly inputs: ResolvedInputs;
  readonly work: string;
  /** Names its checkpoint. */
  readonly checkpoint: string;
  readonly limits: ReturnType<typeof limitsOf>;
  /** The only task of its activity, so that the heartbeat of the attempt before spoke of it. */
  readonly isAlone: boolean;
  readonly traceparent: string | undefined;
}

async function compute(
  deps: ActivityDeps,
  { task, inputs, work, checkpoint: name, limits, isAlone, traceparent }: Job,
): Promise<Awaited<ReturnType<StepRunner['run']>>> {
  // A step process answers outside of any activity's own context.
  const activity = Context.current();
  const before = isAlone ? (activity.info.heartbeatDetails as Beat | undefined) : undefined;
  let last: Beat = { fraction: 0, note: '', checkpoint: before?.checkpoint ?? null };
  const beat = setInterval(() => activity.heartbeat(last), HEARTBEAT_MS);
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), Math.min(limits.timeoutMs, 2 ** 31 - 1));
  if (isAlone) activity.heartbeat(last);
  try {
    return await deps.runner.run(
      {
        work,
        uses: task.uses,
        params: task.params,
        seed: task.seed ?? 0,
        inputs,
        missing: missingCells(task, inputs),
        memoryBytes: limits.memoryBytes,
        until: task.until ?? 1,
        checkpoint: { key: name, everyMs: task.checkpointMs, last: last.checkpoint },
        traceparent,
      },
      {
        signal: AbortSignal.any([activity.cancellationSignal, limit.signal]),
        onProgress: (fraction, note) => (last = { ...last, fraction, note }),
        onCheckpoint: (checkpoint) => activity.heartbeat((last = { ...last, checkpoint })),
      },
    );
  } catch (error) {
    if (!limit.signal.aborted || activity.cancellationSignal.aborted) throw error;
    const seconds = Math.round(limits.timeoutMs / 1000);
    throw new TimeLimitError(`${task.uses} took longer than it may: ${seconds} s`, {
      context: { step: task.step, seconds },
      mend: 'Raise "time" under "resources:" for this step.',
    });
  } finally {
    clearTimeout(timer);
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
    failures: [],
  };
}
