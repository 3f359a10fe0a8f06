import { heartbeat } from '@temporalio/activity';
import { sorter } from '../core/drops.ts';
import { globPrefix } from '../core/glob.ts';
import type { Drop, DropRecord, WatchSpec } from '../schemas/watch.ts';
import { dropHash, type Ledger } from './ledger.ts';
import type { DropBucket, Gate, Listed } from './readiness.ts';

/** A key to look at. */
export interface Asked {
  readonly key: string;
  /** Another key that may be meant. */
  readonly or?: string;
  /** What its ETag is, or was, as events say. */
  readonly etags: readonly string[];
  /** Versions of it that are known to wait; those that wait for their turn alone stay as they are while they are there. */
  readonly held: readonly Held[];
}

export interface Held extends Drop {
  readonly isReady: boolean;
}

/** A version that may run, now or when it is looked at again in `again` milliseconds. */
export interface Candidate extends Drop {
  readonly again: number | null;
  /** It runs already. */
  readonly isRunning: boolean;
}

export interface Sifted {
  readonly candidates: readonly Candidate[];
  /** Versions that are not run, as newer ones came before. */
  readonly superseded: readonly Pick<DropRecord, 'hash' | 'key' | 'message'>[];
}

/** Keys in one answer to a listing. */
const LISTED = 500;

/** Why a version is not run that is not there any more. */
export const OVERWRITTEN = 'written over or removed before it was read';

/** An ETag without its quotes. */
export const bare = (etag: string): string => etag.replaceAll('"', '');

/** What of a record is the version itself. */
export const dropOf = ({ hash, key, version, etag, bytes, modified, retries }: Drop): Drop => ({
  hash,
  key,
  version,
  etag,
  bytes,
  modified,
  retries,
});

/** What makes a version this one: its VersionId, or its ETag where there is none. */
const markOf = (spec: WatchSpec, { version, etag }: Pick<Listed, 'version' | 'etag'>): string =>
  spec.versions && version !== 'null' ? version : bare(etag);

/** Keys with versions that are not known, from behind a key on; `next`: there may be more from there. */
export async function list(
  spec: WatchSpec,
  bucket: DropBucket,
  known: ReadonlySet<string>,
  after: string,
): Promise<{ keys: string[]; next: string | null }> {
  const roleOf = sorter(spec);
  const keys = new Set<string>();
  const prefix = globPrefix(spec.glob);
  const pages = spec.versions
    ? bucket.versions(prefix, after)
    : (async function* () {
        for await (const { objects } of bucket.pages(prefix, { after })) yield objects.map((o) => ({ ...o, version: 'null' }));
      })();
  let last = '';
  for await (const page of pages) {
    heartbeat();
    for (const object of page) {
      if (object.key !== last && keys.size >= LISTED) return { keys: [...keys], next: last };
      last = object.key;
      if (roleOf(object.key).role === 'drop' && !known.has(dropHash(spec.bucket, object.key, markOf(spec, object)))) keys.add(object.key);
    }
  }
  return { keys: [...keys], next: null };
}

/** The versions of an object, the newest first; where the bucket keeps none, what is there. */
async function versionsOf(spec: WatchSpec, bucket: DropBucket, key: string): Promise<Listed[]> {
  if (!spec.versions) {
    const head = await bucket.head(key);
    return head ? [{ ...head, key, version: 'null' }] : [];
  }
  const found: Listed[] = [];
  for await (const page of bucket.versions(key)) {
    found.push(...page.filter((version) => version.key === key));
    if (page.at(-1)?.key !== key) break;
  }
  return found;
}

interface Sieve {
  readonly ledger: Ledger;
  readonly spec: WatchSpec;
  readonly bucket: DropBucket;
  readonly gate: Gate;
}

/** Looks up what there is of a key, and what of it may run. */
export async function sift(sieve: Sieve, { key, or, etags, held }: Asked): Promise<Sifted> {
  const { ledger, spec, bucket, gate } = sieve;
  const versions = await versionsOf(spec, bucket, key);
  const isMeant = (those: readonly Listed[]): boolean => those.some(({ etag }) => etags.length === 0 || etags.includes(bare(etag)));
  if (or !== undefined && !isMeant(versions)) {
    const others = await versionsOf(spec, bucket, or);
    if (isMeant(others) || (versions.length === 0 && others.length > 0)) return sift(sieve, { key: or, etags, held: [] });
  }
  const candidates: Candidate[] = [];
  const superseded: Sifted['superseded'][number][] = [];
  const now = Date.now();
  const waits = { state: 'waiting', seen: now, started: null, ended: null, run: null, out: null, message: '' } as const;
  const pass = async (drop: Drop, message: string): Promise<void> => {
    const known = await ledger.beyondWaiting(drop.hash);
    if (known?.state === 'running') return;
    await ledger.end({ ...dropOf(drop), ...waits, state: 'superseded', ended: now, message });
    if (known === undefined) superseded.push({ hash: drop.hash, key: drop.key, message });
  };
  const seen = new Set<string>();
  for (const [i, version] of versions.entries()) {
    const drop = dropFrom(spec, key, version);
    const isReady = held.some((h) => h.hash === drop.hash && h.isReady);
    // The same content, written twice.
    if (seen.has(drop.hash)) continue;
    seen.add(drop.hash);
    const beyond = await ledger.beyondWaiting(drop.hash);
    if (beyond?.state === 'running') candidates.push({ ...dropOf(beyond), again: null, isRunning: true });
    else if (beyond) await ledger.leave(drop);
    else {
      const newer = versions[i - 1];
      if (newer && !isReady && (gate.hasSigns || newer.modified - drop.modified < spec.quietMs)) {
        await pass(drop, 'a newer version came before it was its turn');
        continue;
      }
      const { again, why } = isReady ? { again: null, why: '' } : await gate.opens(version);
      const record = await ledger.wait({ ...drop, ...waits, message: why });
      if (record.state === 'waiting' || record.state === 'running')
        candidates.push({ ...dropOf(record), again, isRunning: record.state === 'running' });
    }
  }
  for (const drop of held) if (!seen.has(drop.hash)) await pass(drop, OVERWRITTEN);
  if (spec.versions) return { candidates, superseded };
  for (const etag of etags) {
    const hash = dropHash(spec.bucket, key, etag);
    if (!seen.has(hash) && !held.some((h) => h.hash === hash))
      await pass({ hash, key, version: null, etag, bytes: 0, modified: 0, retries: 0 }, OVERWRITTEN);
  }
  return { candidates, superseded };
}

function dropFrom(spec: WatchSpec, key: string, { version, etag, bytes, modified }: Listed): Drop {
  const hash = dropHash(spec.bucket, key, markOf(spec, { version, etag }));
  return { hash, key, version: spec.versions ? version : null, etag: bare(etag), bytes, modified, retries: 0 };
}
