import { createHash } from 'node:crypto';
import { keyText, missingCells, type ResolvedInputs } from '../core/cache-key.ts';
import { type ArtifactStore, recordPath } from '../core/store.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import type { Plan, PlannedInput, PlannedTask } from '../schemas/plan.ts';
import type { TaskRecord } from '../schemas/run.ts';

/** What the cache knows of a key's result. */
export type CacheEntry = Pick<TaskRecord, 'outputs' | 'facts' | 'log' | 'made'>;

/** What the cache keeps for a key: the text of the key, too, so that `explain` can tell keys apart. Older entries have none. */
export type StoredEntry = CacheEntry & { readonly keyText?: string };

const plans = new Map<string, Promise<Map<string, PlannedTask>>>();

/** The plan's tasks by id; kept in memory, since a plan never changes. */
export async function tasksOf(store: ArtifactStore, ref: ArtifactRef): Promise<Map<string, PlannedTask>> {
  const known = plans.get(ref.sha256);
  if (known) return known;
  const loading = store
    .get(ref)
    .then((bytes) => new Map((JSON.parse(Buffer.from(bytes).toString('utf8')) as Plan).tasks.map((t) => [t.id, t])));
  plans.set(ref.sha256, loading);
  loading.catch(() => plans.delete(ref.sha256));
  if (plans.size > 20) plans.delete(plans.keys().next().value!);
  return loading;
}

/** A task's record in a run, if it has one. */
export async function readRecord(store: ArtifactStore, run: string, task: string): Promise<TaskRecord | undefined> {
  const text = await store.readRecord(recordPath.task(run, task));
  return text === undefined ? undefined : (JSON.parse(text) as TaskRecord);
}

/** True for the record of a task whose outputs are there. */
export const isDone = (record: TaskRecord | undefined): record is TaskRecord =>
  (record?.status === 'COMPLETED' || record?.status === 'CACHED') && record.gone !== true;

/** Records read for several tasks together, by task: what many need is read once. */
export type Records = Map<string, Promise<TaskRecord | undefined>>;

/** The artifacts that flow into a task, or null where a needed one is missing (its task failed or was skipped). Holes in a gathered list are left out. */
export async function resolveInputs(
  store: ArtifactStore,
  run: string,
  task: PlannedTask,
  records: Records = new Map(),
): Promise<ResolvedInputs | null> {
  const read = (id: string): Promise<TaskRecord | undefined> => {
    const known = records.get(id) ?? readRecord(store, run, id);
    records.set(id, known);
    return known;
  };
  const resolved: Record<string, ResolvedInputs[string]> = {};
  for (const [port, input] of Object.entries(task.inputs)) {
    const found =
      'gather' in input
        ? await gathered(read, input)
        : (await read(input.task).then((r) => (isDone(r) ? r : undefined)))?.outputs[input.port];
    if (found === undefined) return null;
    resolved[port] = found;
  }
  return resolved;
}

async function gathered(
  read: (id: string) => Promise<TaskRecord | undefined>,
  input: Extract<PlannedInput, { gather: unknown }>,
): Promise<ResolvedInputs[string] | undefined> {
  const records = new Map<string, TaskRecord | undefined>();
  const ids = [...new Set(input.gather.map((s) => s.task))];
  for (let at = 0; at < ids.length; at += 64) {
    await Promise.all(ids.slice(at, at + 64).map(async (id) => records.set(id, await read(id))));
  }
  const list = input.gather.flatMap(({ task, port, cell }) => {
    const record = records.get(task);
    const ref = isDone(record) ? record.outputs[port] : undefined;
    return ref === undefined ? [] : [{ ref, cell }];
  });
  return list.length > 0 ? list : undefined;
}

/** True when no gathered list has holes. */
export const isWhole = (task: PlannedTask, inputs: ResolvedInputs): boolean => Object.keys(missingCells(task, inputs)).length === 0;

/** The key in the cache that a text stands for (see `keyText`). */
export const keyOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A task's key in the cache. */
export const cacheKey = (task: PlannedTask, inputs: ResolvedInputs): string => keyOf(keyText(task, inputs));

/** Names the checkpoint of a task's training: one, however far it is asked to go. */
export const checkpointKey = (task: PlannedTask, inputs: ResolvedInputs): string => cacheKey({ ...task, until: undefined }, inputs);

/** The cache's answer for a key, when all its artifacts are still there. */
export async function lookUp(store: ArtifactStore, key: string): Promise<CacheEntry | undefined> {
  const text = await store.readRecord(recordPath.cache(key));
  if (text === undefined) return undefined;
  const { keyText: _, ...entry } = JSON.parse(text) as StoredEntry;
  const there = await Promise.all(Object.values(entry.outputs).map((ref) => store.has(ref)));
  return there.every(Boolean) ? entry : undefined;
}
