import type { StoredEntry } from '../activities/cache.ts';
import { readRecord } from '../activities/cache.ts';
import { type KeyFields, keyChanges, keyFields, nearestKey } from '../core/key-changes.ts';
import { type ArtifactStore, recordPath } from '../core/store.ts';
import type { RunRecord } from '../schemas/run.ts';
import { abreast } from '../runs/abreast.ts';
import { planOf } from '../runs/records.ts';
import { taskName } from '../core/task-name.ts';

/** A search reads at most so many records of tasks: a store may hold millions. */
const MOST_RECORDS = 2_000;

/** The key of a task that was done in an earlier run. */
export interface EarlierKey {
  readonly run: string;
  readonly task: string;
  readonly label: string;
  readonly key: string;
  readonly fields: KeyFields;
}

/** What a search found, by kind/id, the newest runs first; and how many runs and records of tasks it read for that. */
export interface Earlier {
  readonly keys: ReadonlyMap<string, readonly EarlierKey[]>;
  readonly runs: number;
  readonly records: number;
}

/** Looks for keys of these kinds of steps in earlier runs: first in those of that name, then in others, the newest first. `before` is a run; those that began after it do not count. */
export async function earlierKeys(
  store: ArtifactStore,
  { name, uses, before }: { readonly name: string; readonly uses: ReadonlySet<string>; readonly before?: string },
): Promise<Earlier> {
  const keys = new Map<string, EarlierKey[]>();
  const seen = new Set<string>();
  let [runs, records] = [0, 0];
  for (const run of await runsToSearch(store, name, before)) {
    if (records >= MOST_RECORDS) break;
    const text = await store.readRecord(recordPath.run(run));
    const plan = text === undefined ? undefined : await planOf(store, (JSON.parse(text) as RunRecord).plans.at(-1)!).catch(() => undefined);
    if (plan === undefined) continue;
    const tasks = plan.tasks.filter((task) => uses.has(task.uses)).slice(0, MOST_RECORDS - records);
    runs++;
    records += tasks.length;
    const found = new Map<string, EarlierKey>();
    await abreast(tasks, async (task) => {
      const key = (await readRecord(store, run, task.id))?.key ?? '';
      if (key === '' || seen.has(key)) return;
      seen.add(key);
      const entry = JSON.parse((await store.readRecord(recordPath.cache(key))) ?? '{}') as Partial<StoredEntry>;
      if (entry.keyText === undefined) return;
      found.set(task.id, { run, task: taskName(task), label: task.label, key, fields: keyFields(entry.keyText) });
    });
    // In the plan's order, not in that of the answers.
    for (const { id, uses: kind } of tasks) {
      const key = found.get(id);
      if (key) keys.set(kind, [...(keys.get(kind) ?? []), key]);
    }
  }
  return { keys, runs, records };
}

/** A run's name is that of its file, a hash, and the time it began at in base 36. */
async function runsToSearch(store: ArtifactStore, name: string, before: string | undefined): Promise<string[]> {
  const parsed = (run: string): { run: string; isSame: boolean; time: number } => {
    const [, mine, time = '0'] = /^(.+)-[0-9a-f]{8}-([0-9a-z]+)$/.exec(run) ?? [];
    return { run, isSame: mine === name, time: Number.parseInt(time, 36) };
  };
  const end = before === undefined ? Infinity : parsed(before).time;
  return (await store.listFolders('runs/'))
    .map(parsed)
    .filter(({ run, time }) => run !== before && time <= end)
    .sort((a, b) => Number(b.isSame) - Number(a.isSame) || b.time - a.time)
    .map(({ run }) => run);
}

/** The earlier key of that kind with the fewest changes, and the changes; those of the same cell go first among equals. */
export function nearestOf(
  earlier: Earlier,
  { uses, label }: { readonly uses: string; readonly label: string },
  keyText: string,
): { readonly nearest: EarlierKey; readonly changes: readonly string[] } | undefined {
  const fields = keyFields(keyText);
  const all = earlier.keys.get(uses) ?? [];
  const nearest = nearestKey(fields, [...all.filter((k) => k.label === label), ...all.filter((k) => k.label !== label)]);
  return nearest && { nearest, changes: keyChanges(nearest.fields, fields) };
}
