import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { heartbeat } from '@temporalio/activity';
import { type ArtifactStore, recordPath } from '../core/store.ts';
import { type CacheEntry, lookUp } from './cache.ts';

/** A claim that shows no sign of life for so long, by the clock of who waits for it, is taken over. */
const LEASE_MS = 20_000;
const RENEW_MS = 5_000;
const LOOK_MS = 500;

interface Claim {
  /** Run and task of who computes. */
  readonly owner: string;
  readonly worker: string;
  /** Another one each time that the claim is written: it changes while its owner lives. */
  readonly beat: string;
}

export interface Claimed {
  release(): Promise<void>;
}

/** For what is not worth a claim. */
export const UNCLAIMED: Claimed = { release: async () => {} };

interface Claimant {
  readonly signal: AbortSignal;
  readonly worker: string;
}

/**
 * Claims the right to compute a key, or waits for who has it: equal computations of all runs that share a store are done once. Gives the
 * cache's answer where another one's work was waited for. A task that lost its worker gets its own claim back at once.
 */
export async function claimKey(
  store: ArtifactStore,
  key: string,
  owner: string,
  { signal, worker }: Claimant,
): Promise<Claimed | { readonly hit: CacheEntry }> {
  const path = recordPath.claim(key);
  const text = (): string => JSON.stringify({ owner, worker, beat: randomUUID() } satisfies Claim);
  const mine = text();
  let seen = { tag: '', at: 0 };
  for (;;) {
    if (await store.createRecord(path, mine)) break;
    const there = await store.readTagged(path);
    if (there === undefined) continue;
    const now = Date.now();
    if (there.tag !== seen.tag) seen = { tag: there.tag, at: now };
    const isOwn = (JSON.parse(there.text) as Claim).owner === owner;
    if ((isOwn || now - seen.at > LEASE_MS) && (await store.replaceRecord(path, mine, there.tag))) break;
    heartbeat({ fraction: 0, note: `waits for ${(JSON.parse(there.text) as Claim).worker}, which computes the same`, checkpoint: null });
    await sleep(LOOK_MS, undefined, { signal });
    const hit = await lookUp(store, key);
    if (hit) return { hit };
  }
  // Who had the claim may have finished since this task looked for a result.
  const hit = await lookUp(store, key);
  const claim = keep(store, path, text, mine);
  if (!hit) return claim;
  await claim.release();
  return { hit };
}

/** Renews a claim until it is released; a claim that somebody took over is left to them. */
function keep(store: ArtifactStore, path: string, text: () => string, mine: string): Claimed {
  let renewing: Promise<void> = Promise.resolve();
  let written = mine;
  const own = async (): Promise<string | undefined> => {
    const there = await store.readTagged(path);
    return there?.text === written ? there.tag : undefined;
  };
  const renew = async (): Promise<void> => {
    const tag = await own();
    const next = text();
    if (tag !== undefined && (await store.replaceRecord(path, next, tag))) written = next;
  };
  const timer = setInterval(() => {
    renewing = renewing.then(renew).catch(() => {});
  }, RENEW_MS);
  return {
    release: async () => {
      clearInterval(timer);
      await renewing;
      await own()
        .then((tag) => (tag === undefined ? undefined : store.removeRecord(path)))
        .catch(() => {});
    },
  };
}
