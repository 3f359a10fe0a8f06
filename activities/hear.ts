import { sorter } from '../core/drops.ts';
import { parseEvents } from '../core/s3-events.ts';
import type { WatchSpec } from '../schemas/watch.ts';
import type { Ledger } from './ledger.ts';
import type { Asked } from './sift.ts';

/** What messages told of. */
export interface Heard {
  readonly keys: readonly Pick<Asked, 'key' | 'or' | 'etags'>[];
  /** Beginnings of keys for which a marker or manifest has come. */
  readonly signs: readonly string[];
  readonly ignored: number;
  /** Why messages could not be read, of those that are new in the list of dead letters. */
  readonly dead: readonly string[];
}

/** Messages of a queue. */
export interface DropQueue {
  /** Waits so many seconds for messages, at most ten. */
  receive(seconds: number, signal: AbortSignal): Promise<readonly { readonly receipt: string; readonly text: string }[]>;
  remove(receipts: readonly string[]): Promise<void>;
}

/** Messages in one answer, and how long one activity waits for the first. */
const MESSAGES = 200;
const LISTEN_MS = 10 * 60_000;
const POLL_S = 20;

/** What messages tell of, for one watch; those that cannot be read become dead letters. */
export async function hear(
  { ledger, spec, from }: { readonly ledger: Ledger; readonly spec: WatchSpec; readonly from: 'queue' | 'webhook' },
  texts: readonly string[],
): Promise<Heard> {
  const roleOf = sorter(spec);
  const keys: Pick<Asked, 'key' | 'or' | 'etags'>[] = [];
  const signs = new Set<string>();
  const dead: string[] = [];
  let ignored = 0;
  for (const text of texts) {
    const parsed = parseEvents(text);
    ignored += parsed.ignored;
    if (parsed.problem !== undefined && (await ledger.dead({ from, at: Date.now(), why: parsed.problem, text }))) dead.push(parsed.problem);
    for (const { bucket, key, or, etag } of parsed.nudges) {
      const asked = [key, ...(or === undefined ? [] : [or])].filter((name) => bucket === spec.bucket && roleOf(name).role !== 'other');
      const [first, second] = asked;
      const role = first === undefined ? undefined : roleOf(first);
      if (role === undefined) ignored++;
      else if (role.role === 'sign') signs.add(role.of);
      else keys.push({ key: first, ...(second === undefined ? {} : { or: second }), etags: etag === undefined ? [] : [etag] });
    }
  }
  return { keys, signs: [...signs], ignored, dead };
}

/** Takes what a queue has, and waits for it where there is nothing; what is at hand is given when it is cancelled. */
export async function receive(queue: DropQueue, signal: AbortSignal): Promise<{ receipt: string; text: string }[]> {
  const messages: { receipt: string; text: string }[] = [];
  const end = Date.now() + LISTEN_MS;
  while (messages.length < MESSAGES && !signal.aborted) {
    const more = await queue.receive(messages.length === 0 ? POLL_S : 0, signal);
    messages.push(...more);
    if (more.length === 0 && (messages.length > 0 || Date.now() > end)) break;
  }
  return messages;
}
