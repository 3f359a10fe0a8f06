import { type ArtifactStore, recordPath } from '../core/store.ts';
import type { Plan } from '../schemas/plan.ts';
import type { TaskRecord } from '../schemas/run.ts';

const LOOK_EVERY_MS = 2_000;

/** An estimate of the time left; `open` while a kind of step that remains has not been timed yet. */
export interface TimeLeft {
  readonly ms: number;
  readonly open: boolean;
}

/** Estimates the time left from the records of a run: each kind of step at its own pace, at the parallelism seen so far. */
export class Pace {
  readonly #plan: Plan;
  readonly #store: ArtifactStore;
  readonly #run: string;
  readonly #seen = new Set<string>();
  readonly #spent = new Map<string, { tasks: number; ms: number }>();
  #first = Number.POSITIVE_INFINITY;
  #looked = 0;
  #left: TimeLeft | undefined;

  constructor(plan: Plan, store: ArtifactStore, run: string) {
    this.#plan = plan;
    this.#store = store;
    this.#run = run;
  }

  /** The time left, or undefined while too little is known. Reads the store at most every two seconds. */
  async left(): Promise<TimeLeft | undefined> {
    if (Date.now() - this.#looked < LOOK_EVERY_MS) return this.#left;
    this.#looked = Date.now();
    const usesOf = new Map(this.#plan.tasks.map((t) => [t.id, t.uses]));
    for (const path of await this.#store.listRecords(recordPath.tasks(this.#run))) {
      if (this.#seen.has(path)) continue;
      const text = await this.#store.readRecord(path);
      if (text === undefined) continue;
      this.#seen.add(path);
      const { task, status, start, complete } = JSON.parse(text) as TaskRecord;
      const uses = usesOf.get(task);
      if (status !== 'COMPLETED' || uses === undefined) continue;
      const { tasks, ms } = this.#spent.get(uses) ?? { tasks: 0, ms: 0 };
      this.#spent.set(uses, { tasks: tasks + 1, ms: ms + complete - start });
      this.#first = Math.min(this.#first, start);
    }
    this.#left = this.#estimate();
    return this.#left;
  }

  #estimate(): TimeLeft | undefined {
    const all = [...this.#spent.values()];
    const computed = all.reduce((sum, s) => sum + s.tasks, 0);
    const spent = all.reduce((sum, s) => sum + s.ms, 0);
    if (computed < 3) return undefined;
    const elapsed = Math.max(1, Date.now() - this.#first);
    const parallel = Math.max(1, spent / elapsed);
    let ms = 0;
    let open = false;
    for (const task of this.#plan.tasks) {
      if (this.#seen.has(recordPath.task(this.#run, task.id))) continue;
      const known = this.#spent.get(task.uses);
      open ||= !known;
      ms += known ? known.ms / known.tasks : spent / computed;
    }
    return { ms: ms / parallel, open };
  }
}
