import { setImmediate as turn } from 'node:timers/promises';
import { type ArtifactStore, recordPath } from '../../core/store.ts';
import type { Plan, PlannedTask } from '../../schemas/plan.ts';
import type { TaskRecord } from '../../schemas/run.ts';
import { type Failure, STATE, type States, type StepCounts } from '../../ui/shapes.ts';
import { abreast } from '../../runs/abreast.ts';

/** Records read in one turn, and so many at a time before others may have theirs. */
const READS = 2_000;
const BATCH = 100;
/** Failures that are listed one by one. */
const LISTED = 50;
/** What was written so shortly before the last look may have been written again since: clocks of a store may be off by so much. */
const MARGIN_MS = 3_000;

const STATUS = {
  COMPLETED: STATE.done,
  CACHED: STATE.cached,
  FAILED: STATE.failed,
  RETRYING: STATE.retrying,
  ABORTED: STATE.waiting,
} as const satisfies Record<TaskRecord['status'], number>;

interface Kept {
  readonly state: number;
  readonly ms: number;
  /** Numbers that the result tells of. */
  readonly facts: Readonly<Record<string, number>>;
  readonly error: TaskRecord['error'];
}

/**
 * What the records of a run say of its tasks. It is a cache of the store that can be thrown away at any time: a look lists the records and
 * reads only those that are new.
 */
export class RunStates {
  readonly plan: Plan;
  readonly at: ReadonlyMap<string, number>;
  readonly #store: ArtifactStore;
  readonly #prefix: string;
  readonly #kept: (Kept | undefined)[];
  readonly #states: Uint8Array;
  /** When each task changed last, as a number that only grows. */
  readonly #changed: Uint32Array;
  readonly #facts = new Map<string, Set<string>>();
  readonly #panels = new Set<string>();
  readonly #seen = new Set<string>();
  /** Records that are still to be read. */
  #due = new Set<string>();
  #seq = 1;
  #looked = 0;
  #counts = '';
  #looking: Promise<void> | undefined;

  constructor(store: ArtifactStore, run: string, plan: Plan) {
    this.#store = store;
    this.#prefix = recordPath.tasks(run);
    this.plan = plan;
    this.at = new Map(plan.tasks.map((task, i) => [task.id, i]));
    this.#kept = Array.from({ length: plan.tasks.length });
    this.#states = new Uint8Array(plan.tasks.length);
    this.#changed = new Uint32Array(plan.tasks.length).fill(1);
  }

  /** Looks at the store unless nothing can have happened: `counts` are those of the run's progress, undefined where nobody tells. */
  async look(counts: string | undefined, now = Date.now()): Promise<void> {
    if (this.#looking) return this.#looking;
    const isNews = counts === undefined ? now - this.#looked > MARGIN_MS : counts !== this.#counts || now - this.#looked > 10 * MARGIN_MS;
    if (!isNews && this.#due.size === 0) return;
    this.#looking = (async () => {
      if (isNews) {
        await this.#list(now);
        this.#counts = counts ?? '';
      }
      await this.#read();
    })().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  /** Gives every task its state: `running` are the numbers of those that workers are at. */
  settle(running: ReadonlySet<number>, isOpen: boolean): void {
    const { tasks } = this.plan;
    const seq = this.#seq + 1;
    for (const [i, task] of tasks.entries()) {
      const state = this.#stateOf(i, task, running, isOpen);
      if (state === this.#states[i]) continue;
      this.#states[i] = state;
      this.#changed[i] = seq;
      this.#seq = seq;
    }
  }

  #stateOf(i: number, { inputs, gate, undecided }: PlannedTask, running: ReadonlySet<number>, isOpen: boolean): number {
    const kept = this.#kept[i]?.state;
    if (running.has(i) && kept !== STATE.done && kept !== STATE.cached) return STATE.running;
    if (kept !== undefined && kept !== STATE.waiting) return kept;
    for (const input of Object.values(inputs)) {
      if (!('task' in input)) continue;
      const before = this.#states[this.at.get(input.task) ?? -1];
      if (before === STATE.failed || before === STATE.skipped) return STATE.skipped;
      if (before === STATE.dropped) return STATE.dropped;
    }
    const judges = undecided?.rivals.flat(2) ?? gate?.rivals[gate.own] ?? [];
    const isDecided = judges.length > 0 && judges.every((id) => this.#states[this.at.get(id) ?? -1] >= STATE.done);
    if (!isOpen) return isDecided ? STATE.dropped : STATE.aborted;
    return STATE.waiting;
  }

  get more(): boolean {
    return this.#due.size > 0;
  }

  /** The state of one task. */
  stateOf(at: number): number {
    return this.#states[at];
  }

  /** What changed after `since`. */
  since(plan: string, since: number, fact: string | undefined): States {
    const changes: [number, number, number, number | null][] = [];
    for (let i = 0; i < this.#changed.length; i++) {
      if (this.#changed[i] <= since) continue;
      const kept = this.#kept[i];
      if (kept === undefined && this.#states[i] === STATE.waiting && since === 0) continue;
      changes.push([i, this.#states[i], kept?.ms ?? -1, fact === undefined ? null : (kept?.facts[fact] ?? null)]);
    }
    const steps = stepsOf(this.plan);
    const facts = Object.fromEntries([...this.#facts].map(([step, names]) => [steps.get(step)!, [...names].toSorted()]));
    return { plan, seq: this.#seq, more: this.more, changes, facts, panels: [...this.#panels].map((step) => steps.get(step)!) };
  }

  /** Counts by step, from the records alone. */
  counts(): StepCounts[] {
    const counts = new Map<string, { -readonly [K in keyof StepCounts]: StepCounts[K] }>();
    for (const [i, { step }] of this.plan.tasks.entries()) {
      const c = counts.get(step) ?? { step, total: 0, running: 0, done: 0, cached: 0, failed: 0, skipped: 0, dropped: 0 };
      counts.set(step, c);
      c.total++;
      const state = this.#states[i];
      if (state === STATE.running) c.running++;
      else if (state === STATE.done) c.done++;
      else if (state === STATE.cached) c.cached++;
      else if (state === STATE.failed) c.failed++;
      else if (state === STATE.skipped) c.skipped++;
      else if (state === STATE.dropped) c.dropped++;
    }
    return [...counts.values()];
  }

  /** Failed tasks, the first ones, from the records alone. */
  failures(): Failure[] {
    return this.plan.tasks
      .flatMap(({ id, step, label }, i): Failure[] => {
        const { code = '', message = '' } = this.#kept[i]?.error ?? {};
        return this.#states[i] === STATE.failed ? [{ task: id, step, label, code, message }] : [];
      })
      .slice(0, LISTED);
  }

  async #list(now: number): Promise<void> {
    const recent = now - this.#looked + MARGIN_MS;
    for await (const page of this.#store.walkRecords(this.#prefix))
      for (const { path, age } of page) if (!this.#seen.has(path) || age < recent) this.#due.add(path);
    this.#looked = now;
  }

  async #read(): Promise<void> {
    const paths = [...this.#due].slice(0, READS);
    for (let i = 0; i < paths.length; i += BATCH) {
      await abreast(paths.slice(i, i + BATCH), async (path) => {
        const text = await this.#store.readRecord(path);
        this.#seen.add(path);
        this.#due.delete(path);
        if (text !== undefined) this.#keep(JSON.parse(text) as TaskRecord);
      });
      await turn();
    }
  }

  #keep({ task, step, status, start, complete, facts, outputs, error }: TaskRecord): void {
    const i = this.at.get(task);
    if (i === undefined) return;
    const numbers = Object.entries(facts).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
    const state = STATUS[status];
    const before = this.#kept[i];
    const ms = status === 'CACHED' ? 0 : complete - start;
    if (before?.state !== state || before.ms !== ms) this.#changed[i] = ++this.#seq;
    this.#kept[i] = { state, ms, facts: Object.fromEntries(numbers), error };
    const names = this.#facts.get(step) ?? new Set();
    for (const [name] of numbers) names.add(name);
    if (numbers.length > 0) this.#facts.set(step, names);
    if (Object.values(outputs).some(({ type }) => type === 'panel')) this.#panels.add(step);
  }
}

/** Number of each step of a plan, in the order in which they first come. */
export function stepsOf({ tasks }: Plan): Map<string, number> {
  const steps = new Map<string, number>();
  for (const { step } of tasks) if (!steps.has(step)) steps.set(step, steps.size);
  return steps;
}
