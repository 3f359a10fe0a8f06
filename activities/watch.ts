import { cancellationSignal } from '@temporalio/activity';
import { inputOf, outOf, runNameOf, sampleOf } from '../core/drops.ts';
import { type ArtifactStore, recordPath } from '../core/store.ts';
import type { LaunchOrder } from '../schemas/launch.ts';
import type { TaskRecord } from '../schemas/run.ts';
import type { Drop, DropRecord, WatchRecord, WatchSpec } from '../schemas/watch.ts';
import { guarded, PATIENT } from './guarded.ts';
import { type DropQueue, hear, type Heard, receive } from './hear.ts';
import { Ledger } from './ledger.ts';
import { type DropBucket, Gate } from './readiness.ts';
import { type Asked, bare, dropOf, list, OVERWRITTEN, sift, type Sifted } from './sift.ts';

/** A watch, and the store that keeps its ledger. */
export interface WatchRef {
  readonly name: string;
  readonly work: string;
}

/** How a version ended. */
export type DropEnd = Pick<DropRecord, 'state' | 'run' | 'out' | 'message'>;

/** The activities of watches; every worker serves them. */
export interface WatchActivities {
  /** Keys with versions that nothing is known of, from behind a key on; `next`: there may be more from there. */
  'watch/list'(watch: WatchRef, after: string): Promise<{ readonly keys: readonly string[]; readonly next: string | null }>;
  /** What there is of these keys, and may run. */
  'watch/sift'(watch: WatchRef, asked: readonly Asked[]): Promise<Sifted>;
  /** What the store knows that waits, so many from behind a place on in the order of arrival, without those at hand; and what runs. */
  'watch/recall'(
    watch: WatchRef,
    from: { readonly after: string; readonly most: number; readonly held: readonly string[] },
  ): Promise<{ readonly keys: readonly Asked[]; readonly running: readonly Drop[]; readonly next: string | null }>;
  /** Waits for messages of a queue; the receipts are to be settled when what they told of is noted. */
  'watch/receive'(watch: WatchRef, queue: string): Promise<Heard & { readonly receipts: readonly string[] }>;
  'watch/settle'(queue: string, receipts: readonly string[]): Promise<void>;
  /** Notes that a version runs, and says what is to be launched; or how it ends before. */
  'watch/begin'(watch: WatchRef, drop: Drop): Promise<{ readonly order: LaunchOrder } | DropEnd>;
  'watch/end'(watch: WatchRef, drop: Drop, end: DropEnd): Promise<DropEnd>;
  /** Has versions that failed wait anew. */
  'watch/again'(watch: WatchRef, hashes: readonly string[]): Promise<readonly Asked[]>;
}

export interface WatchDeps {
  openStore(work: string): ArtifactStore;
  openBucket(name: string): Promise<DropBucket>;
  openQueue(address: string): Promise<DropQueue>;
}

const ABREAST = 16;
/** Who looks at a bucket comes back anyway. */
const IMPATIENT = { crash: 0, resource: 1, artifact: 1, timeout: 0 };

export function createWatchActivities(deps: WatchDeps): WatchActivities {
  const ledgerOf = ({ name, work }: WatchRef): Ledger => new Ledger(deps.openStore(work), name);
  const open = async (watch: WatchRef): Promise<{ ledger: Ledger; record: WatchRecord; spec: WatchSpec; bucket: DropBucket }> => {
    const ledger = ledgerOf(watch);
    const record = await ledger.watch();
    return { ledger, record, spec: record.spec, bucket: await deps.openBucket(record.spec.bucket) };
  };
  return {
    'watch/list': (watch, after) =>
      guarded(IMPATIENT, async () => {
        const { ledger, spec, bucket } = await open(watch);
        return list(spec, bucket, await ledger.known(), after);
      }),
    'watch/sift': (watch, asked) =>
      guarded(IMPATIENT, async () => {
        const { ledger, record, spec, bucket } = await open(watch);
        const gate = new Gate(bucket, record, ledger);
        const found: Sifted[] = [];
        for (let at = 0; at < asked.length; at += ABREAST)
          found.push(...(await Promise.all(asked.slice(at, at + ABREAST).map((one) => sift({ ledger, spec, bucket, gate }, one)))));
        return { candidates: found.flatMap((f) => f.candidates), superseded: found.flatMap((f) => f.superseded) };
      }),
    'watch/recall': (watch, { after, most, held }) =>
      guarded(IMPATIENT, async () => {
        const ledger = ledgerOf(watch);
        const known = new Set(held);
        const names = (await ledger.waitingNames()).filter((name) => name > after && !known.has(name.split('-').at(-1)!));
        const taken = names.slice(0, most);
        const records = (await Promise.all(taken.map((name) => ledger.waiting(name)))).filter((record) => record !== undefined);
        return {
          keys: records.map(askedOf),
          running: (await ledger.running()).map(dropOf),
          next: names.length > most ? taken.at(-1)! : null,
        };
      }),
    'watch/receive': (watch, address) =>
      guarded(IMPATIENT, async () => {
        const { ledger, spec } = await open(watch);
        const messages = await receive(await deps.openQueue(address), cancellationSignal());
        const heard = await hear(
          { ledger, spec, from: 'queue' },
          messages.map(({ text }) => text),
        );
        return { ...heard, receipts: messages.map(({ receipt }) => receipt) };
      }),
    'watch/settle': (address, receipts) => guarded(IMPATIENT, async () => (await deps.openQueue(address)).remove(receipts)),
    'watch/begin': (watch, drop) =>
      guarded(PATIENT, async () => {
        const { ledger, spec, bucket } = await open(watch);
        await ledger.begin(drop, Date.now());
        if (!(await isThere(bucket, drop))) return { state: 'superseded', run: null, out: null, message: OVERWRITTEN };
        const template = await deps.openStore(watch.work).readRecord(recordPath.order(`watch-${watch.name}`));
        return orderOf(spec, JSON.parse(template!) as LaunchOrder, drop);
      }),
    'watch/end': (watch, drop, end) =>
      guarded(PATIENT, async () => {
        const { ledger, bucket } = await open(watch);
        const isGone = end.state === 'failed' && !(await isThere(bucket, drop));
        const why = end.state === 'failed' && end.run !== null ? await failureOf(deps.openStore(watch.work), end.run) : undefined;
        const message = [isGone ? OVERWRITTEN : '', end.message, why ?? ''].filter(Boolean).join(': ');
        const before = await ledger.begin(drop, Date.now());
        const record = { ...before, ...end, message, ended: Date.now(), ...(isGone ? { state: 'superseded' as const } : {}) };
        const { state, run, out, message: said } = await ledger.end(record);
        return { state, run, out, message: said };
      }),
    'watch/again': (watch, hashes) =>
      guarded(IMPATIENT, async () => {
        const ledger = ledgerOf(watch);
        const records = (await Promise.all(hashes.map((hash) => ledger.again(hash)))).filter((record) => record !== undefined);
        return records.map(askedOf);
      }),
  };
}

const askedOf = (record: DropRecord): Asked => ({ key: record.key, etags: [], held: [{ ...dropOf(record), isReady: false }] });

/** True when a version can still be read: one that the bucket keeps, or one that nothing was written over. */
const isThere = async (bucket: DropBucket, { key, version, etag }: Drop): Promise<boolean> =>
  version !== null || bare((await bucket.head(key))?.etag ?? '') === etag;

/** What is launched for a version, or why nothing is. */
function orderOf(spec: WatchSpec, template: LaunchOrder, drop: Drop): { order: LaunchOrder } | DropEnd {
  const sample = sampleOf(spec, drop.key);
  if (sample === undefined && spec.samples.length > 0 && spec.unmatched === 'refuse')
    return { state: 'refused', run: null, out: null, message: 'The sample sheet has no row for it' };
  const params = { ...template.params, ...sample, [spec.param]: inputOf(spec.bucket, drop) };
  const after = { ...template.after, out: outOf(spec.out, drop) };
  return { order: { ...template, name: runNameOf(spec.name, drop.key), params, after } };
}

/** Why a run failed: the first failure of a task. */
async function failureOf(store: ArtifactStore, run: string): Promise<string | undefined> {
  for (const path of await store.listRecords(recordPath.tasks(run))) {
    const record = JSON.parse((await store.readRecord(path)) ?? '{}') as Partial<TaskRecord>;
    if (record.status === 'FAILED' && record.error) return [record.error.message, record.error.mend].filter(Boolean).join('. ');
  }
  return undefined;
}
