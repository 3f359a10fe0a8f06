import type { StoredEntry } from '../../activities/cache.ts';
import { ConfigError } from '../../core/errors.ts';
import { type ArtifactStore, recordPath, type StoredItem } from '../../core/store.ts';
import { bytes, milliseconds, plural } from '../../core/units.ts';
import type { LaunchOrder } from '../../schemas/launch.ts';
import type { ArtifactRef } from '../../schemas/artifact.ts';
import { abreast } from '../../runs/abreast.ts';
import { markGone } from '../gone.ts';
import { Needs } from '../needs.ts';
import { print, size, tick } from '../print.ts';
import { findRun, forgetRuns, type RunRow, type RunsFlags, runsOf, withServer } from '../runs.ts';
import type { Connected } from '../connect.ts';

export interface CleanFlags extends RunsFlags {
  readonly keep?: number;
  readonly olderThan?: string;
  readonly intermediates?: string | true;
  readonly grace: string;
  readonly dryRun?: boolean;
}

/** Outputs below this size are not worth computing anew: panels and metrics are small, matrices are not. */
const SMALLEST = 2 ** 20;
/** Longer than a notice is tried. */
const NOTICE_MS = 7 * 86_400_000;

/** What goes, or would go. */
interface Gone {
  readonly runs: readonly string[];
  objects: number;
  entries: number;
  bytes: number;
}

/** `panelflow clean [RUN ...]`: drops runs, and all that no other run needs. */
export function clean(words: readonly string[], flags: CleanFlags): Promise<number> {
  const grace = asked('--grace', flags.grace, milliseconds);
  const smallest =
    flags.intermediates === undefined
      ? Infinity
      : flags.intermediates === true
        ? SMALLEST
        : asked('--intermediates', flags.intermediates, bytes);
  return withServer(flags, async (connected, store) => {
    const runs = await store.listFolders('runs/');
    const rows = new Map((await runsOf(connected)).map((row) => [row.run, row]));
    const { dropped, young } = await choose(store, words, { flags, grace, runs, rows, connected });
    const needs = new Needs(store);
    for (const [i, run] of runs.entries()) {
      tick(`looking at run ${i + 1} of ${runs.length}: ${run}`);
      if (!dropped.has(run)) await needs.add(run, rows.get(run)?.status === 'COMPLETED' ? smallest : Infinity);
    }
    await addOrders(store, needs);
    const gone: Gone = { runs: [...dropped], objects: 0, entries: 0, bytes: 0 };
    const sweeping: Sweep = { store, needs, grace, gone, isDry: flags.dryRun === true };
    if (!sweeping.isDry) await drop(connected, store, dropped);
    await sweepRecords(sweeping);
    if (!sweeping.isDry) {
      await markGone(
        store,
        [...needs.intermediates].flatMap(([sha256, paths]) => (needs.objects.has(sha256) ? [] : paths)),
      );
      // What began or went on meanwhile may have come to need more.
      const open = new Set((await runsOf(connected)).filter((row) => row.status === 'RUNNING').map((row) => row.run));
      for (const run of await store.listFolders('runs/')) if (open.has(run) || !runs.includes(run)) await needs.add(run);
    }
    await sweepObjects(sweeping);
    tick('');
    tell(gone, { flags, kept: runs.length - dropped.size, young });
    return 0;
  });
}

function asked(flag: string, text: string, read: (text: string) => number): number {
  const value = read(text);
  if (!Number.isNaN(value)) return value;
  throw new ConfigError(`${flag} ${text}: that cannot be read`, { mend: 'Write a time such as 90s, 2h or 30d, a size such as 500 MB.' });
}

interface Choice {
  readonly flags: CleanFlags;
  readonly grace: number;
  readonly runs: readonly string[];
  readonly rows: ReadonlyMap<string, RunRow>;
  readonly connected: Connected;
}

/** The runs that go: those named, or those that the rules name, but never one that is open, or that another server may know. Young ones are left alone. */
async function choose(
  store: ArtifactStore,
  words: readonly string[],
  { flags, grace, runs, rows, connected }: Choice,
): Promise<{ readonly dropped: Set<string>; readonly young: string[] }> {
  const wanted = new Set<string>();
  for (const word of words) {
    const run = runs.includes(word) ? word : (await findRun(word, connected)).run;
    if (!runs.includes(run)) throw new ConfigError(`The store has no record of the run "${run}"`, { mend: 'Name its store with --work.' });
    if (rows.get(run)?.status === 'RUNNING')
      throw new ConfigError(`The run ${run} is open`, { mend: `\`panelflow cancel ${run}\` ends it.` });
    wanted.add(run);
  }
  const mine = runs.flatMap((run) => rows.get(run) ?? []).sort((a, b) => b.started.getTime() - a.started.getTime());
  const baselines = await baselinesOf(store);
  for (const row of mine) if (row.status !== 'RUNNING' && !baselines.has(row.run) && isSurplus(row, mine, flags)) wanted.add(row.run);
  const [dropped, young] = [new Set<string>(), [] as string[]];
  for (const run of runs) {
    const isLeft = !rows.has(run) && (await store.readRecord(recordPath.run(run))) === undefined;
    if (!wanted.has(run) && !isLeft) continue;
    if ((await ageOf(store, run)) > grace) dropped.add(run);
    else young.push(run);
  }
  return { dropped, young };
}

/** True for what the rules let go of: all but the newest of its name, and what ended longer ago; with both rules, what both name. `mine` is sorted, newest first. */
function isSurplus(row: RunRow, mine: readonly RunRow[], { keep, olderThan }: CleanFlags): boolean {
  if (keep === undefined && olderThan === undefined) return false;
  const since = Date.now() - (olderThan === undefined ? 0 : asked('--older-than', olderThan, milliseconds));
  const newer = mine.filter(({ name }) => name === row.name).indexOf(row);
  return newer >= (keep ?? 0) && (row.closed ?? row.started).getTime() <= since;
}

/** Time since anything of a run was written, in milliseconds. */
async function ageOf(store: ArtifactStore, run: string): Promise<number> {
  let youngest = Infinity;
  for await (const page of store.walkRecords(recordPath.allOf(run))) for (const { age } of page) youngest = Math.min(youngest, age);
  return youngest;
}

async function drop(connected: Connected, store: ArtifactStore, runs: ReadonlySet<string>): Promise<void> {
  for (const run of runs) {
    tick(`dropping ${run}`);
    await store.removeRecords(recordPath.allOf(run));
  }
  if (runs.size > 0) await forgetRuns(connected, runs);
}

/** What schedules and watches are going to run is needed. */
async function addOrders(store: ArtifactStore, needs: Needs): Promise<void> {
  for await (const page of store.walkRecords('orders/'))
    await abreast(page, async ({ path }) => {
      const { source, plan } = JSON.parse((await store.readRecord(path)) ?? '{}') as Partial<LaunchOrder>;
      needs.addObjects([source, plan].filter((ref) => ref !== undefined && ref !== null));
    });
}

/** The runs that later ones are compared with. */
async function baselinesOf(store: ArtifactStore): Promise<Set<string>> {
  const runs = new Set<string>();
  const note = (text: string | undefined, read: (value: any) => unknown): void => {
    const run = text === undefined ? undefined : read(JSON.parse(text));
    if (typeof run === 'string') runs.add(run);
  };
  for await (const page of store.walkRecords('baselines/'))
    await abreast(page, async ({ path }) => note(await store.readRecord(path), (value) => value.run));
  for await (const page of store.walkRecords('orders/'))
    await abreast(page, async ({ path }) => note(await store.readRecord(path), (value) => value.after?.baseline));
  return runs;
}

interface Sweep {
  readonly store: ArtifactStore;
  readonly needs: Needs;
  readonly grace: number;
  readonly gone: Gone;
  readonly isDry: boolean;
}

/** Drops cache entries, checkpoints and claims that nobody needs. What young ones name is needed. */
async function sweepRecords({ store, needs, grace, gone, isDry }: Sweep): Promise<void> {
  const sweep = async (folder: string, wanted: ReadonlySet<string>, refs: (text: string) => readonly ArtifactRef[]): Promise<void> => {
    for await (const page of store.walkRecords(folder))
      await abreast(page, async ({ path, age, bytes: length }) => {
        const isWanted = wanted.has(path.slice(path.lastIndexOf('/') + 1, -'.json'.length));
        if (!isWanted && age > grace) {
          gone.bytes += length;
          gone.entries++;
          if (!isDry) await store.removeRecord(path);
        } else if (!isWanted || folder === 'checkpoints/') needs.addObjects(refs((await store.readRecord(path)) ?? ''));
      });
  };
  await sweep('cache/', needs.keys, (text) => (text === '' ? [] : Object.values((JSON.parse(text) as StoredEntry).outputs)));
  await sweep('checkpoints/', needs.checkpoints, (text) => (text === '' ? [] : [JSON.parse(text) as ArtifactRef]));
  // A claim is renewed while its owner lives; a notice is tried again for three days at most.
  await sweep('claims/', new Set(), () => []);
  await sweepNotices({ store, gone, isDry });
}

/** Word that notices were delivered serves nobody once they are not tried any more. */
async function sweepNotices({ store, gone, isDry }: Pick<Sweep, 'store' | 'gone' | 'isDry'>): Promise<void> {
  for await (const page of store.walkRecords('notices/'))
    await abreast(page, async ({ path, age, bytes: length }) => {
      if (age < NOTICE_MS) return;
      gone.bytes += length;
      gone.entries++;
      if (!isDry) await store.removeRecord(path);
    });
}

async function sweepObjects({ store, needs, grace, gone, isDry }: Sweep): Promise<void> {
  for await (const page of store.walkObjects()) {
    tick(`sweeping: ${plural(gone.objects, 'object')}, ${size(gone.bytes)}`);
    const idle = page.filter(({ sha256 = '', age }) => !needs.objects.has(sha256) && age > grace);
    gone.objects += idle.length;
    gone.bytes += idle.reduce((sum, item: StoredItem) => sum + item.bytes, 0);
    if (!isDry) await abreast(idle, ({ path }) => store.removeRecord(path));
  }
}

function tell(gone: Gone, { flags, kept, young }: { flags: CleanFlags; kept: number; young: readonly string[] }): void {
  const dryRun = flags.dryRun === true;
  if (flags.json) return print(JSON.stringify({ ...gone, kept, young, dry_run: dryRun }));
  for (const run of gone.runs) print(`${dryRun ? 'would drop' : 'dropped'} ${run}`);
  for (const run of young) print(`left alone ${run}: younger than ${flags.grace} (--grace)`);
  const what = `${plural(gone.runs.length, 'run')}, ${plural(gone.objects, 'object')}, ${gone.entries} cache entries, ${size(gone.bytes)}`;
  print(`${dryRun ? 'That would free' : 'Freed'}: ${what}. ${plural(kept, 'run')} kept.`);
}
