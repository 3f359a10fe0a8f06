import type { Heard } from '../activities/hear.ts';
import type { Asked, Candidate, Sifted } from '../activities/sift.ts';
import type { DropEnd } from '../activities/watch.ts';
import type { Drop, WatchNews, WatchStatus } from '../schemas/watch.ts';

/** So many waiting versions are at hand; more wait in the store. */
const HELD = 1_000;
/** Keys that are looked at together. */
const BATCH = 100;
/** So many keys that are to be looked at may be handed to a successor; it looks at the whole bucket where there are more. */
const HANDED = 2_000;
/** So many things that happened are remembered. */
const NEWS = 200;

interface Waiting extends Drop {
  /** When it is looked at again (epoch milliseconds); null: it waits for its turn alone. */
  readonly due: number | null;
}

type Inbox = Map<string, { or?: string; readonly etags: Set<string> }>;

/** What a desk hands to its successor. */
export interface Papers {
  readonly inbox: readonly Omit<Asked, 'held'>[];
  readonly waiting: readonly Waiting[];
  readonly running: readonly Drop[];
  /** More wait in the store than are at hand, from behind there on. */
  readonly more: string | null;
  readonly isShort: boolean;
  readonly counts: Readonly<Record<string, number>>;
  readonly trouble: WatchStatus['trouble'];
  readonly news: readonly WatchNews[];
  readonly isPaused: boolean;
  /** Keys were left out: the bucket is to be gone through. */
  readonly isBehind: boolean;
}

export const BLANK: Papers = {
  inbox: [],
  waiting: [],
  running: [],
  more: '',
  isShort: false,
  counts: {},
  trouble: {},
  news: [],
  isPaused: false,
  isBehind: false,
};

/** Where all that is heard of drops comes together; it decides what is looked at and what is begun. Pure. */
export class Desk {
  isPaused: boolean;
  isStopping = false;
  /** The bucket is to be gone through, however seldom that is done. */
  isBehind: boolean;
  /** Where to go on with what waits in the store; null: all is at hand. */
  more: string | null;
  /** Some were passed by on the way: the store is gone through again. */
  #isShort: boolean;
  readonly #inbox: Inbox = new Map();
  /** Keys that are being looked at. */
  #sifting: Inbox = new Map();
  /** What ended while they were: they may be told of as if they waited. */
  readonly #justEnded = new Set<string>();
  readonly #waiting = new Map<string, Waiting>();
  readonly #running = new Map<string, Drop>();
  readonly #counts: Record<string, number>;
  readonly #trouble: WatchStatus['trouble'];
  readonly #news: WatchNews[];

  constructor(papers: Papers) {
    this.take(papers.inbox);
    for (const drop of papers.waiting) this.#waiting.set(drop.hash, drop);
    for (const drop of papers.running) this.#running.set(drop.hash, drop);
    this.more = papers.more;
    this.#isShort = papers.isShort;
    this.#counts = { ...papers.counts };
    this.#trouble = { ...papers.trouble };
    this.#news = [...papers.news];
    this.isPaused = papers.isPaused;
    this.isBehind = papers.isBehind;
  }

  papers(): Papers {
    const inbox = [...this.#sifting, ...this.#inbox].map(([key, { or, etags }]) => ({
      key,
      ...(or === undefined ? {} : { or }),
      etags: [...etags],
    }));
    return {
      inbox: inbox.slice(0, HANDED),
      waiting: [...this.#waiting.values()],
      running: [...this.#running.values()],
      more: this.more,
      isShort: this.#isShort,
      counts: this.#counts,
      trouble: this.#trouble,
      news: this.#news,
      isPaused: this.isPaused,
      isBehind: this.isBehind || inbox.length > HANDED,
    };
  }

  get running(): readonly Drop[] {
    return [...this.#running.values()];
  }

  /** True when nothing is left to look at. */
  get isClear(): boolean {
    return this.#inbox.size === 0;
  }

  /** True when all that is to be looked at can be handed over. */
  get isHandy(): boolean {
    return this.#inbox.size + this.#sifting.size <= HANDED;
  }

  /** True when little is left to begin: more may be heard of. */
  get hasRoom(): boolean {
    let ready = this.#inbox.size;
    for (const { due } of this.#waiting.values()) if (due === null) ready++;
    return ready < HELD / 2;
  }

  /** True when no more of what waits in the store can come to hand. */
  get isFull(): boolean {
    return this.#waiting.size >= HELD / 2;
  }

  get held(): string[] {
    return [...this.#waiting.keys(), ...this.#running.keys()];
  }

  take(keys: readonly Pick<Asked, 'key' | 'or' | 'etags'>[]): void {
    for (const { key, or, etags } of keys) {
      const known = this.#inbox.get(key) ?? { etags: new Set<string>() };
      if (or !== undefined) known.or = or;
      for (const etag of etags) known.etags.add(etag);
      this.#inbox.set(key, known);
    }
  }

  hear({ keys, signs, ignored, dead }: Heard, now: number): void {
    this.take(keys);
    if (signs.length > 0)
      for (const { key, due } of this.#waiting.values())
        if (due !== null && signs.some((sign) => key.startsWith(sign))) this.take([{ key, etags: [] }]);
    this.#count('ignored', ignored);
    for (const why of dead) this.#tell('dead', now, 'a message', why);
  }

  /** Takes what the store knew. */
  recall(keys: readonly Asked[], running: readonly Drop[], now: number): void {
    for (const { key, held } of keys) {
      for (const { isReady: _, ...drop } of held) if (!this.#waiting.has(drop.hash)) this.#waiting.set(drop.hash, { ...drop, due: now });
      this.take([{ key, etags: [] }]);
    }
    for (const drop of running) this.#running.set(drop.hash, drop);
    for (const { hash } of running) this.#waiting.delete(hash);
  }

  /** True when some at hand are not ready. */
  get mayRotate(): boolean {
    return [...this.#waiting.values()].some(({ due }) => due !== null);
  }

  /** Versions that are not ready make room for others of the store. */
  rotate(): void {
    for (const [hash, { due }] of this.#waiting) if (due !== null) this.#isShort = this.#waiting.delete(hash);
  }

  /** The store was gone through as far as that; null: to its end. */
  wentOn(next: string | null): void {
    this.more = next ?? (this.#isShort ? '' : null);
    if (next === null) this.#isShort = false;
  }

  /** Has what is due looked at again; gives the milliseconds until the next, or undefined. */
  wake(now: number): number | undefined {
    let next: number | undefined;
    for (const { key, due } of this.#waiting.values()) {
      if (due === null || this.#sifting.has(key)) continue;
      if (due <= now) this.take([{ key, etags: [] }]);
      else next = Math.min(next ?? Infinity, due - now);
    }
    return next;
  }

  /** The next keys to look at; `sifted` or `unsifted` is to follow. */
  batch(): Asked[] {
    this.#sifting = new Map([...this.#inbox].slice(0, BATCH));
    this.#justEnded.clear();
    for (const key of this.#sifting.keys()) this.#inbox.delete(key);
    const held = new Map<string, Waiting[]>();
    for (const drop of this.#waiting.values()) if (this.#sifting.has(drop.key)) held.set(drop.key, [...(held.get(drop.key) ?? []), drop]);
    return [...this.#sifting].map(([key, { or, etags }]) => ({
      key,
      ...(or === undefined ? {} : { or }),
      etags: [...etags].filter((etag) => ![...this.#running.values()].some((drop) => drop.key === key && drop.etag === etag)),
      held: (held.get(key) ?? []).map(({ due, ...drop }) => ({ ...drop, isReady: due === null })),
    }));
  }

  sifted({ candidates, superseded }: Sifted, now: number): void {
    // What was held of these keys, and is not a candidate any more, waits no longer.
    for (const [hash, { key }] of this.#waiting)
      if (this.#sifting.has(key) && !candidates.some((c) => c.hash === hash)) this.#waiting.delete(hash);
    for (const candidate of candidates) this.#place(candidate, now);
    for (const { key, message } of superseded) this.#tell('superseded', now, key, message);
    this.#sifting = new Map();
  }

  /** They could not be looked at: later. */
  unsifted(): void {
    const again = this.#sifting;
    this.#sifting = new Map();
    for (const [key, { or, etags }] of again) this.take([{ key, ...(or === undefined ? {} : { or }), etags: [...etags] }]);
  }

  /** True when none of these keys waits to be looked at. */
  isPast(keys: readonly { readonly key: string }[]): boolean {
    return keys.every(({ key }) => !this.#inbox.has(key) && !this.#sifting.has(key));
  }

  /**
   * The version that is to run next, the oldest first; undefined where none may. Where the bucket keeps no versions, the results of all runs
   * of an object have one place, so that these go one after the other: the newest ends last.
   */
  next(most: number): Drop | undefined {
    if (this.isPaused || this.isStopping || this.#running.size >= most) return undefined;
    const taken = new Set([...this.#running.values()].filter(({ version }) => version === null).map(({ key }) => key));
    let first: Waiting | undefined;
    for (const drop of this.#waiting.values())
      if (drop.due === null && !this.#sifting.has(drop.key) && !taken.has(drop.key) && (!first || drop.modified < first.modified))
        first = drop;
    if (!first) return undefined;
    const { due: _, ...drop } = first;
    return drop;
  }

  began(drop: Drop, now: number): void {
    this.#waiting.delete(drop.hash);
    this.#running.set(drop.hash, drop);
    this.#tell('started', now, drop.key, '');
  }

  ended({ hash, key }: Pick<Drop, 'hash' | 'key'>, { state, run, message }: DropEnd, now: number): void {
    this.#waiting.delete(hash);
    this.#justEnded.add(hash);
    if (!this.#running.delete(hash) || state === 'waiting' || state === 'running') return;
    this.#tell(state, now, key, [run ?? '', message].filter(Boolean).join(': '));
  }

  /** Notes what does not work, once; or, without a message, that it works again. */
  note(what: string, message: string | undefined, now: number): void {
    const known = this.#trouble[what];
    if (message === undefined && known) {
      delete this.#trouble[what];
      this.#tell('mended', now, what, '');
    } else if (message !== undefined && known?.message !== message) {
      this.#trouble[what] = { since: known?.since ?? now, message };
      this.#tell('trouble', now, what, message);
    }
  }

  status(): WatchStatus {
    const waiting = [...this.#waiting.values()];
    const ready = waiting.filter(({ due }) => due === null).length;
    return {
      state: this.isStopping ? 'stopping' : this.isPaused ? 'paused' : 'watching',
      running: [...this.#running.values()].map(({ key }) => key),
      waiting: waiting.length - ready + this.#inbox.size + this.#sifting.size,
      ready,
      more: this.more !== null,
      counts: this.#counts,
      trouble: this.#trouble,
      news: this.#news,
    };
  }

  #place({ again, isRunning, ...drop }: Candidate, now: number): void {
    const { hash, key } = drop;
    if (this.#justEnded.has(hash) || this.#running.has(hash)) return;
    if (isRunning) {
      this.#running.set(hash, drop);
      this.#waiting.delete(hash);
      return;
    }
    const known = this.#waiting.get(hash);
    if (!known && this.#waiting.size >= HELD) {
      this.more ??= '';
      this.#isShort = true;
      return;
    }
    if (!known) this.#tell('seen', now, key, '');
    this.#waiting.set(hash, { ...drop, due: again === null ? null : now + Math.max(1, again) });
  }

  #count(what: string, n: number): void {
    if (n > 0) this.#counts[what] = (this.#counts[what] ?? 0) + n;
  }

  #tell(what: WatchNews['what'], at: number, about: string, message: string): void {
    this.#count(what, 1);
    this.#news.push({ n: (this.#news.at(-1)?.n ?? 0) + 1, at, what, about, message: message.slice(0, 500) });
    if (this.#news.length > NEWS) this.#news.splice(0, this.#news.length - NEWS);
  }
}
