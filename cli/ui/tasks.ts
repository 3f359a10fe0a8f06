import { checkpointKey, keyOf, readRecord, resolveInputs, type StoredEntry } from '../../activities/cache.ts';
import { ConfigError } from '../../core/errors.ts';
import { keyFields } from '../../core/key-changes.ts';
import { type ArtifactStore, recordPath } from '../../core/store.ts';
import { taskName } from '../../core/task-name.ts';
import { decode } from '../../data/portable.ts';
import type { ArtifactRef } from '../../schemas/artifact.ts';
import type { PlannedTask } from '../../schemas/plan.ts';
import type { TaskRecord } from '../../schemas/run.ts';
import { type CurvesOf, type PanelOf, STATES, type TaskDetail } from '../../ui/shapes.ts';
import type { Reader } from './reader.ts';
import type { RunStates } from './states.ts';

/** Of a long gathered list so many tasks are named; so many genes of a ranking, and values of a curve, are shown. */
const NAMED = 12;
const GENES = 1_000;
const POINTS = 400;
/** Genes of a panel whose size nothing tells. */
const USUAL = 50;
/** A checkpoint that is larger is not read for its curves. */
const MOST_BYTES = 64 * 2 ** 20;

/** A task of a run, found by its id. */
interface Found {
  readonly store: ArtifactStore;
  readonly run: string;
  readonly isFresh: boolean;
  readonly states: RunStates;
  readonly at: number;
  readonly task: PlannedTask;
  readonly record: TaskRecord | undefined;
}

/** Finds a task; ConfigError when the plan in force has none of that id. */
export async function findTask(reader: Reader, run: string, id: string): Promise<Found> {
  const { store } = reader;
  const { states, record } = await reader.index(run);
  const at = states.at.get(id);
  if (at === undefined) throw new ConfigError(`The run ${run} has no task "${id}"`);
  const isFresh = record.policy.fresh === true;
  return { store, run, isFresh, states, at, task: states.plan.tasks[at], record: await readRecord(store, run, id) };
}

export async function detailOf({ store, states, at, task, record }: Found): Promise<TaskDetail> {
  const { id, step, uses, cell, params, seed } = task;
  const entry = record?.key ? (JSON.parse((await store.readRecord(recordPath.cache(record.key))) ?? '{}') as Partial<StoredEntry>) : {};
  const named = (other: string): [number, string] => {
    const number = states.at.get(other)!;
    return [number, taskName(states.plan.tasks[number])];
  };
  return {
    ...{ id, at, name: taskName(task), step, uses, cell, params, seed },
    state: STATES[states.stateOf(at)],
    inputs: Object.entries(task.inputs).map(([port, input]) => {
      const from = 'gather' in input ? input.gather.map((source) => source.task) : [input.task];
      return { port, from: from.slice(0, NAMED).map(named), more: Math.max(0, from.length - NAMED) };
    }),
    fields: entry.keyText === undefined ? [] : [...keyFields(entry.keyText)],
    record: record ? shown(record) : null,
  };
}

function shown(record: TaskRecord): TaskDetail['record'] {
  const { status, key, attempt, worker, queue, device, submit, start, complete, cpuMs, peakRssBytes } = record;
  const { error, log, failures, facts, made, outputs } = record;
  return {
    ...{ status, key, attempt, worker, queue, device, submit, start, complete, cpuMs, peakRssBytes, error, log, failures, facts },
    outputs: Object.entries(outputs).map(([port, ref]) => ({ port, ...ref })),
    made: made ?? null,
  };
}

/** Curves of checkpoints that were read lately: they are asked for more often than they change. */
const seen = new Map<string, CurvesOf>();
const SEEN = 50;

/** The curves of a task's training: of its panel, else of its last checkpoint. */
export async function curvesOf({ store, run, isFresh, task, record }: Found): Promise<CurvesOf> {
  const ref = Object.values(record?.outputs ?? {}).find(({ type }) => type === 'panel');
  if (ref) return { from: 'result', curves: curvesIn(decode(await store.get(ref))) ?? {} };
  const inputs = await resolveInputs(store, run, task);
  if (inputs === null) return { from: 'none', curves: {} };
  const training = checkpointKey(task, inputs);
  const text = await store.readRecord(recordPath.checkpoint(isFresh ? keyOf(`${run}\n${training}`) : training));
  const saved = text === undefined ? undefined : (JSON.parse(text) as ArtifactRef);
  if (saved === undefined || saved.bytes > MOST_BYTES) return { from: 'none', curves: {} };
  const known = seen.get(saved.sha256);
  if (known) return known;
  // It may be replaced just now: the next look finds the newer one.
  const state = await store.get(saved).then(decode, () => undefined);
  const found: CurvesOf = { from: 'checkpoint', curves: curvesIn(state) ?? {} };
  seen.set(saved.sha256, found);
  if (seen.size > SEEN) seen.delete(seen.keys().next().value!);
  return found;
}

/** The curves in a panel or in the state of a training, wherever that keeps them. */
function curvesIn(value: unknown, depth = 0): CurvesOf['curves'] | undefined {
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value) || depth > 4) return undefined;
  const { curves } = value as { curves?: Record<string, ArrayLike<number>> };
  const own = Object.entries(curves ?? {}).filter(([, values]) => ArrayBuffer.isView(values) || Array.isArray(values));
  if (own.length > 0) return Object.fromEntries(own.map(([name, values]) => [name, thinned(values)]));
  for (const inner of Object.values(value)) {
    const found = curvesIn(inner, depth + 1);
    if (found) return found;
  }
  return undefined;
}

function thinned(values: ArrayLike<number>): (number | null)[] {
  const step = Math.max(1, Math.ceil(values.length / POINTS));
  return Array.from(values)
    .filter((_, i) => i % step === 0 || i === values.length - 1)
    .map((value) => (Number.isFinite(value) ? Number(value.toPrecision(5)) : null));
}

/** The panel that a task chose; ConfigError when it chose none. */
export async function panelOf({ store, states, task, record }: Found): Promise<PanelOf> {
  const ref = Object.values(record?.outputs ?? {}).find(({ type }) => type === 'panel');
  if (!ref) throw new ConfigError(`${taskName(task)} has no panel`, { mend: 'It has one when it has ended well.' });
  const { names, scores } = decode(await store.get(ref)) as { names: string[]; scores: ArrayLike<number> };
  const sizes = [task.cell.k ?? states.plan.axes.k ?? []].flat().filter((k) => typeof k === 'number');
  return {
    name: taskName(task),
    k: Math.min(names.length, sizes.length > 0 ? Math.max(...sizes) : USUAL),
    genes: names.slice(0, GENES).map((gene, i) => [gene, Number.isFinite(scores[i]) ? Number(scores[i].toPrecision(5)) : null]),
  };
}
