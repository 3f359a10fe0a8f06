import type { StoredEntry } from '../../activities/cache.ts';
import { ConfigError } from '../../core/errors.ts';
import { type ArtifactStore, recordPath } from '../../core/store.ts';
import { plural } from '../../core/units.ts';
import type { RunRecord, TaskRecord } from '../../schemas/run.ts';
import { openStore } from '../../workers/compose.ts';
import { abreast } from '../../runs/abreast.ts';
import { markGone } from '../gone.ts';
import { print, size, table, tick } from '../print.ts';
import { settings } from '../settings.ts';

interface CacheFlags {
  readonly work?: string;
  readonly json?: boolean;
  readonly mend?: boolean;
}

/** Objects are read so many at a time. */
const READERS = 8;

/** `panelflow cache [verify]`: the size of the store, or a check of every object in it. */
export async function cache(action: string | undefined, flags: CacheFlags): Promise<number> {
  if (action !== undefined && action !== 'verify')
    throw new ConfigError(`There is no action "${action}"`, { mend: 'Write verify, or nothing to see the size of the store.' });
  const store = openStore(settings(flags).work);
  return action === 'verify' ? verify(store, flags) : measure(store, flags);
}

/** Counts what lies in the store. */
async function measure(store: ArtifactStore, { json }: CacheFlags): Promise<number> {
  const count = { objects: 0, bytes: 0, entries: 0, runs: (await store.listFolders('runs/')).length };
  for await (const page of store.walkObjects()) {
    count.objects += page.filter(({ sha256 }) => sha256 !== undefined).length;
    count.bytes += page.reduce((sum, item) => sum + item.bytes, 0);
  }
  for await (const page of store.walkRecords('cache/')) count.entries += page.length;
  if (json) print(JSON.stringify({ store: store.uri, ...count }));
  else
    print(
      `${store.uri}\n${plural(count.objects, 'object')}, ${size(count.bytes)}\n${count.entries} cache entries\n${plural(count.runs, 'run')}`,
    );
  return 0;
}

/** A record that names a damaged object. */
interface Victim {
  readonly sha256: string;
  readonly run: string;
  /** A task's id, or "plan" or "source" of the run itself. */
  readonly task: string;
  readonly path: string;
}

/** Reads every object and compares it with its name; 1 when one is damaged. With `--mend`, damaged ones and the cache entries that name them are removed. */
async function verify(store: ArtifactStore, { json, mend = false }: CacheFlags): Promise<number> {
  const read = { objects: 0, bytes: 0 };
  const damaged = new Map<string, { readonly path: string; readonly bytes: number }>();
  for await (const page of store.walkObjects())
    await abreast(
      page,
      async ({ sha256, path, bytes }) => {
        if (sha256 === undefined) return;
        const found = await store.digest(sha256);
        if (found !== undefined && found !== sha256) damaged.set(sha256, { path, bytes });
        read.objects++;
        read.bytes += bytes;
        tick(`${plural(read.objects, 'object')} read, ${size(read.bytes)}, ${damaged.size} damaged`);
      },
      READERS,
    );
  tick('');
  const victims = damaged.size === 0 ? [] : await victimsOf(store, damaged);
  if (mend && damaged.size > 0) await remove(store, damaged, victims);
  if (json)
    print(
      JSON.stringify({
        ...read,
        damaged: [...damaged.keys()],
        named_by: victims.map(({ sha256, run, task }) => ({ sha256, run, task })),
        mended: mend,
      }),
    );
  else {
    if (damaged.size > 0) {
      const rows = [...damaged].flatMap(([sha256, { bytes }]): (string | number)[][] => {
        const named = victims.filter((victim) => victim.sha256 === sha256);
        return (named.length > 0 ? named : [{ run: '-', task: '-' }]).map(({ run, task }) => [sha256.slice(0, 12), bytes, run, task]);
      });
      print(table(rows, ['damaged', 'bytes', 'run', 'task']));
    }
    const fate =
      damaged.size === 0 ? '' : mend ? '; they were removed, and are computed anew when they are needed' : '; --mend removes them';
    print(`${plural(read.objects, 'object')}, ${size(read.bytes)}: ${damaged.size} damaged${fate}.`);
  }
  return damaged.size > 0 ? 1 : 0;
}

/** The runs and tasks that damaged objects belong to. */
async function victimsOf(store: ArtifactStore, damaged: ReadonlyMap<string, unknown>): Promise<Victim[]> {
  const victims: Victim[] = [];
  const note = (run: string, task: string, path: string, sha256: string): void => {
    if (damaged.has(sha256)) victims.push({ sha256, run, task, path });
  };
  for (const run of await store.listFolders('runs/')) {
    tick(`looking for them in ${run}`);
    const text = await store.readRecord(recordPath.run(run));
    const { plans = [], source } = JSON.parse(text ?? '{}') as Partial<RunRecord>;
    for (const { sha256 } of plans) note(run, 'plan', '', sha256);
    if (source) note(run, 'source', '', source.sha256);
    for await (const page of store.walkRecords(recordPath.tasks(run)))
      await abreast(page, async ({ path }) => {
        const { task, outputs } = JSON.parse((await store.readRecord(path)) ?? '{"outputs":{}}') as TaskRecord;
        for (const { sha256 } of Object.values(outputs)) note(run, task, path, sha256);
      });
  }
  tick('');
  return victims;
}

/** Removes damaged objects with what leads to them: first the records, so that nobody is sent to what has gone. */
async function remove(
  store: ArtifactStore,
  damaged: ReadonlyMap<string, { readonly path: string }>,
  victims: readonly Victim[],
): Promise<void> {
  await markGone(
    store,
    victims.flatMap(({ path }) => (path === '' ? [] : [path])),
  );
  for await (const page of store.walkRecords('cache/'))
    await abreast(page, async ({ path }) => {
      const text = await store.readRecord(path);
      if (text === undefined) return;
      if (Object.values((JSON.parse(text) as StoredEntry).outputs).some(({ sha256 }) => damaged.has(sha256)))
        await store.removeRecord(path);
    });
  await abreast(damaged.values(), ({ path }) => store.removeRecord(path));
}
