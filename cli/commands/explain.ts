import { cacheKey, readRecord, resolveInputs, type StoredEntry } from '../../activities/cache.ts';
import { keyText } from '../../core/cache-key.ts';
import { ConfigError } from '../../core/errors.ts';
import { keyFields } from '../../core/key-changes.ts';
import { type ArtifactStore, recordPath } from '../../core/store.ts';
import { plural } from '../../core/units.ts';
import type { PlannedTask } from '../../schemas/plan.ts';
import type { TaskRecord } from '../../schemas/run.ts';
import { type Earlier, earlierKeys, nearestOf } from '../earlier-keys.ts';
import { duration, print, table } from '../print.ts';
import { planOf, recordOf, tasksNamed } from '../../runs/records.ts';
import { taskName } from '../../core/task-name.ts';
import { findRun, type RunsFlags, withServer } from '../runs.ts';

/** The most letters of a field that are shown. */
const SHOWN = 100;

/** `panelflow explain RUN CELL`: where a task's result came from, its key, and what changed against the nearest earlier key. */
export function explain(word: string, cell: string, flags: RunsFlags): Promise<number> {
  return withServer(flags, async (connected, store) => {
    const { run } = await findRun(word, connected);
    const { name, plans } = await recordOf(store, run);
    const [task, ...others] = tasksNamed(await planOf(store, plans.at(-1)!), run, cell);
    if (others.length > 0)
      throw new ConfigError(`"${cell}" names ${others.length + 1} tasks of ${run}`, {
        mend: `Name one: ${[task, ...others].map((t) => `"${taskName(t)}"`).join(', ')}.`,
      });
    const record = await readRecord(store, run, task.id);
    const text = await keyTextOf(store, run, task, record);
    const earlier = await earlierKeys(store, { name, uses: new Set([task.uses]), before: run });
    const near = text === undefined ? undefined : nearestOf(earlier, task, text);
    const fields = text === undefined ? undefined : keyFields(text);
    const origin = originOf(run, record);
    if (flags.json) {
      const nearest = near ? { run: near.nearest.run, task: near.nearest.task, key: near.nearest.key, changes: near.changes } : null;
      const looked = { runs: earlier.runs, records: earlier.records };
      const told = { run, task: task.id, name: taskName(task), state: record?.status ?? 'WAITING', origin, made: record?.made ?? null };
      print(JSON.stringify({ ...told, key: record?.key || null, fields: fields && Object.fromEntries(fields), nearest, looked }));
      return 0;
    }
    print(`${taskName(task)} of ${run}: ${origin}`);
    if (record?.key) print(`key ${record.key}`);
    if (fields)
      print(
        `\n${table(
          [...fields].map(([field, value]) => [field, short(value)]),
          ['field', 'value'],
        )}`,
      );
    print(`\n${against(task, near, earlier)}`);
    return 0;
  });
}

const short = (text: string): string => (text.length > SHOWN ? `${text.slice(0, SHOWN - 1)}…` : text);

/** The text of a task's key: as the cache keeps it, else from its inputs; undefined where neither is known. */
async function keyTextOf(
  store: ArtifactStore,
  run: string,
  task: PlannedTask,
  record: TaskRecord | undefined,
): Promise<string | undefined> {
  if (record?.key) {
    const entry = JSON.parse((await store.readRecord(recordPath.cache(record.key))) ?? '{}') as Partial<StoredEntry>;
    if (entry.keyText !== undefined) return entry.keyText;
  }
  const inputs = await resolveInputs(store, run, task);
  if (inputs === null || (record?.key && cacheKey(task, inputs) !== record.key)) return undefined;
  return keyText(task, inputs);
}

/** Where a result came from, for people. */
function originOf(run: string, record: TaskRecord | undefined): string {
  if (record === undefined) return 'not done yet';
  const { status, made, worker, start, complete, error } = record;
  const gone = record.gone ? '; its result has gone since' : '';
  if (status === 'COMPLETED') return `computed in this run by ${worker} in ${duration(complete - start)}${gone}`;
  if (status !== 'CACHED') return `${status.toLowerCase()}${error ? `: ${error.message}` : ''}`;
  const where = made === undefined ? 'by an earlier run' : made.run === run ? 'earlier in this run' : `by the run ${made.run}`;
  return `found in the cache, computed ${where}${gone}`;
}

function against({ uses }: PlannedTask, near: ReturnType<typeof nearestOf>, { runs, records }: Earlier): string {
  const looked = `Looked at ${plural(records, 'task')} of ${plural(runs, 'earlier run')}.`;
  if (!near) return `No earlier key of ${uses} to compare with. ${looked}`;
  const { nearest, changes } = near;
  const title = `${nearest.task} of ${nearest.run}`;
  if (changes.length === 0) return `The same key as ${title}: nothing changed. ${looked}`;
  return `Against the nearest earlier key of ${uses}, ${title}:\n${changes.map((change) => `  ${change}`).join('\n')}\n${looked}`;
}
