import type { TaskEnd } from '../schemas/run.ts';

/** Something to do after something else: a task, or a slice of the plan. */
export interface Work {
  readonly id: string;
  /** Works of one lane are alike. */
  readonly lane: string;
  /** What must have succeeded. */
  readonly needs: readonly string[];
  /** What must have ended, well or not. */
  readonly waits: readonly string[];
}

export type Outcome = Exclude<TaskEnd['status'], 'AGAIN' | 'HELD'> | 'DROPPED';

/** Who does the work, and who is told of it. */
export interface Crew<W> {
  /** Does works of one lane together. Rejects only when cancelled or broken. */
  begin(batch: readonly W[]): { readonly ended: Promise<readonly TaskEnd[]>; cancel(): void };
  sleep(ms: number): Promise<void>;
  /** Works of a lane done at a time (batches), at most. */
  most(lane: string): number;
  /** Whether quick works of a lane may be done together. */
  mayJoin(lane: string): boolean;
  /** Whether a work that is ready is wanted at all, as things have come out. */
  admits(work: W): boolean;
  /** Whether a work still runs when the run is stopped: it reports what there is. */
  gathers(work: W): boolean;
  began(work: W): void;
  ended(work: W, outcome: Outcome, end: TaskEnd): void;
  /** A work that had ended is done anew. */
  anew(work: W, outcome: Outcome): void;
}

interface Item<W> {
  readonly work: W;
  readonly order: number;
  phase: 'waiting' | 'ready' | 'running' | 'ended';
  outcome: Outcome | undefined;
  /** To be done alone: it failed in company. */
  alone: boolean;
}

interface Batch<W> {
  readonly items: readonly Item<W>[];
  readonly cancel: () => void;
}

/** A batch should take about so long. */
const TARGET_MS = 1_000;
const MOST_TOGETHER = 100;
/** Works of a lane that are begun one by one before it is known how long one takes. */
const FIRST = 8;
/** When none of those has ended after so long, they are not quick, and all are begun. */
const PATIENCE_MS = 1_000;
/** A lane's queue is cut into at least so many batches, so that several workers have work, unless they would be smaller than LEAST. */
const SPREAD = 4;
const LEAST = 16;

class Lane<W> {
  readonly queue: Item<W>[] = [];
  running = 0;
  /** Not held back to find out how long one takes. */
  open = false;
  watched = false;
  #mean: number | undefined;

  expect(ms: number): void {
    this.#mean ??= ms;
  }

  measure(ms: number): void {
    this.#mean = this.#mean === undefined ? ms : 0.8 * this.#mean + 0.2 * ms;
  }

  get isKnown(): boolean {
    return this.#mean !== undefined;
  }

  take(mayJoin: boolean): Item<W>[] {
    const quick = this.#mean === undefined || !mayJoin ? 1 : Math.floor(TARGET_MS / Math.max(1, this.#mean));
    const size = Math.max(1, Math.min(MOST_TOGETHER, quick, Math.max(LEAST, Math.ceil(this.queue.length / SPREAD))));
    const single = this.queue.findIndex((item) => item.alone);
    return this.queue.splice(0, single === 0 ? 1 : single > 0 ? Math.min(size, single) : size);
  }
}

/**
 * Begins works as soon as what they need has ended, quick ones together, and takes changes at any time. Pure: it acts through its crew, and
 * the same answers in the same order give the same acts.
 */
export class Scheduler<W extends Work> {
  readonly #crew: Crew<W>;
  readonly #window: number;
  readonly #items = new Map<string, Item<W>>();
  readonly #dependents = new Map<string, Set<string>>();
  readonly #lanes = new Map<string, Lane<W>>();
  readonly #batches = new Set<Batch<W>>();
  #open = 0;
  #isHeld = false;
  #isStopped = false;
  /** What still runs when stopped. */
  readonly #spared = new Set<string>();
  #broken: { readonly error: unknown } | undefined;

  constructor(crew: Crew<W>, window: number) {
    this.#crew = crew;
    this.#window = window;
  }

  /** True when nothing is left to do. */
  get isIdle(): boolean {
    return this.#open === 0;
  }

  /** True when nothing is under way. */
  get isQuiet(): boolean {
    return this.#batches.size === 0;
  }

  /** What ended it from outside: a cancellation, or an error of the crew. */
  get broken(): { readonly error: unknown } | undefined {
    return this.#broken;
  }

  /** Takes works, in an order in which each comes after all it needs; `done`: those with nothing to do. What it does not know of counts as done. */
  add(works: readonly W[], done: ReadonlyMap<string, TaskEnd> = new Map()): void {
    const fresh: Item<W>[] = [];
    for (const work of works) {
      const item: Item<W> = { work, order: this.#items.size, phase: 'waiting', outcome: undefined, alone: false };
      this.#items.set(work.id, item);
      fresh.push(item);
      this.#open++;
      for (const id of [...work.needs, ...work.waits]) {
        const known = this.#dependents.get(id);
        if (known) known.add(work.id);
        else this.#dependents.set(id, new Set([work.id]));
      }
    }
    for (const item of fresh) {
      const end = done.get(item.work.id);
      if (end) this.#end(item, 'CACHED', end);
    }
    for (const item of fresh) this.#settle(item);
    if (this.#isStopped) this.stop();
    this.#pump();
  }

  /** How long a work of a lane takes, as far as others know; what is seen here counts more. */
  expect(lane: string, ms: number): void {
    this.#laneOf(lane).expect(ms);
  }

  /** Begins nothing more until `release`. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    this.#pump();
  }

  /** Ends works that are not wanted any more; those under way are cancelled. */
  drop(ids: ReadonlySet<string>): void {
    // Those that need others first, so that none is skipped for one that is dropped as well.
    const items = [...ids].flatMap((id) => this.#items.get(id) ?? []).toSorted((a, b) => b.order - a.order);
    for (const item of items) if (item.phase !== 'ended') this.#end(item, 'DROPPED');
    for (const batch of this.#batches) if (batch.items.every((item) => item.outcome === 'DROPPED')) batch.cancel();
    this.#pump();
  }

  /** Begins nothing more but what gathers; `now`: what is under way is cancelled, too. */
  stop(now = false): void {
    this.#isStopped = true;
    const spared = this.#spared;
    for (const item of this.#items.values()) {
      const { work, phase } = item;
      if (this.#crew.gathers(work) || work.needs.some((id) => spared.has(id))) spared.add(work.id);
      else if (phase === 'waiting' || phase === 'ready') this.#end(item, 'SKIPPED');
    }
    if (now)
      this.drop(new Set([...this.#items.values()].filter((i) => i.phase === 'running' && !spared.has(i.work.id)).map((i) => i.work.id)));
    this.#pump();
  }

  /** Does failed works anew, with all that was skipped for them or gathered without them; gives how many failed ones there were. */
  retry(wanted: (work: W, outcome: Outcome) => boolean): number {
    const found = [...this.#items.values()].filter((i) => i.outcome !== undefined && wanted(i.work, i.outcome));
    const again = new Set(found);
    for (const item of again) {
      for (const id of this.#dependents.get(item.work.id) ?? []) {
        const dependent = this.#items.get(id)!;
        if (dependent.phase === 'ended' && dependent.outcome !== 'DROPPED') again.add(dependent);
      }
    }
    for (const item of again) {
      this.#crew.anew(item.work, item.outcome!);
      Object.assign(item, { phase: 'waiting', outcome: undefined, alone: false });
      this.#open++;
    }
    for (const item of [...again].toSorted((a, b) => a.order - b.order)) this.#settle(item);
    this.#pump();
    return found.length;
  }

  /** A waiting item becomes ready, or is skipped, when all before it has ended. */
  #settle(item: Item<W>): void {
    if (item.phase !== 'waiting') return;
    const before = (id: string): Item<W> | undefined => this.#items.get(id);
    const isOver = (id: string): boolean => (before(id)?.phase ?? 'ended') === 'ended';
    if (!item.work.needs.every(isOver) || !item.work.waits.every(isOver)) return;
    const ends = item.work.needs.map((id) => before(id)?.outcome);
    if (ends.includes('FAILED') || ends.includes('SKIPPED')) return this.#end(item, 'SKIPPED');
    if (ends.includes('DROPPED') || !this.#crew.admits(item.work)) return this.#end(item, 'DROPPED');
    item.phase = 'ready';
    const lane = this.#laneOf(item.work.lane);
    if (item.alone) lane.queue.unshift(item);
    else lane.queue.push(item);
  }

  #end(item: Item<W>, outcome: Outcome, end: TaskEnd = { status: 'SKIPPED', ms: 0 }): void {
    if (item.phase === 'ready') {
      const { queue } = this.#laneOf(item.work.lane);
      queue.splice(queue.indexOf(item), 1);
    }
    item.phase = 'ended';
    item.outcome = outcome;
    this.#open--;
    this.#crew.ended(item.work, outcome, end);
    for (const id of this.#dependents.get(item.work.id) ?? []) this.#settle(this.#items.get(id)!);
  }

  #laneOf(name: string): Lane<W> {
    const known = this.#lanes.get(name);
    if (known) return known;
    const fresh = new Lane<W>();
    this.#lanes.set(name, fresh);
    return fresh;
  }

  #pump(): void {
    while (!this.#isHeld && !this.#broken && this.#batches.size < this.#window) {
      let next: [string, Lane<W>] | undefined;
      for (const entry of this.#lanes) {
        const [name, lane] = entry;
        if (lane.queue.length === 0 || !this.#mayBegin(name, lane)) continue;
        if (!next || lane.queue[0].order < next[1].queue[0].order) next = entry;
      }
      if (!next) return;
      this.#begin(next[1], next[1].take(this.#crew.mayJoin(next[0])));
    }
  }

  #mayBegin(name: string, lane: Lane<W>): boolean {
    if (lane.running >= this.#crew.most(name)) return false;
    if (lane.isKnown || lane.open || lane.running < FIRST || !this.#crew.mayJoin(name)) return true;
    if (!lane.watched) {
      lane.watched = true;
      void this.#openUp(lane);
    }
    return false;
  }

  async #openUp(lane: Lane<W>): Promise<void> {
    try {
      await this.#crew.sleep(PATIENCE_MS);
    } catch {
      return;
    }
    lane.open = true;
    this.#pump();
  }

  #begin(lane: Lane<W>, items: readonly Item<W>[]): void {
    for (const item of items) {
      item.phase = 'running';
      this.#crew.began(item.work);
    }
    lane.running++;
    const begun = this.#crew.begin(items.map((item) => item.work));
    const batch = { items, cancel: () => begun.cancel() };
    this.#batches.add(batch);
    void this.#await(batch, lane, begun.ended);
  }

  async #await(batch: Batch<W>, lane: Lane<W>, ended: Promise<readonly TaskEnd[]>): Promise<void> {
    const { items } = batch;
    try {
      const ends = await ended;
      for (const [i, end] of ends.entries()) this.#take(lane, items[i], end);
    } catch (error) {
      if (items.some((item) => item.outcome !== 'DROPPED')) this.#broken ??= { error };
    } finally {
      lane.running--;
      this.#batches.delete(batch);
    }
    this.#pump();
  }

  #take(lane: Lane<W>, item: Item<W>, end: TaskEnd): void {
    if (item.phase !== 'running') return;
    if (end.status === 'COMPLETED') lane.measure(end.ms);
    if (end.status !== 'AGAIN' && end.status !== 'HELD') return this.#end(item, end.status, end);
    if (this.#isStopped && !this.#spared.has(item.work.id)) return this.#end(item, 'SKIPPED');
    item.alone ||= end.status === 'AGAIN';
    item.phase = 'waiting';
    this.#settle(item);
  }
}
