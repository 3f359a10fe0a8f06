import type { TaskNode } from '../core/shards.ts';
import type { Change, Failure, KindProgress, Progress, StepProgress, TaskEnd } from '../schemas/run.ts';
import type { Outcome } from './scheduler.ts';

/** The most failures that are listed one by one; the rest are counted. */
const LISTED = 50;

const COUNTED = { COMPLETED: 'done', CACHED: 'cached', SKIPPED: 'skipped', FAILED: 'failed', DROPPED: 'dropped' } as const satisfies Record<
  Outcome,
  keyof StepProgress
>;

const mean = (values: readonly number[]): number | undefined =>
  values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;

/** Counts of what has ended and how: the answer to the progress query, and the result of a workflow. */
export class Board {
  state: Progress['state'] = 'running';
  stopped = '';
  readonly changes: Change[];
  readonly spent = { tasks: 0, ms: 0 };
  readonly #scores = new Map<string, number>();
  readonly #steps = new Map<string, StepProgress>();
  readonly #kinds = new Map<string, KindProgress>();
  readonly #running = new Set<string>();
  #failures: Failure[] = [];

  constructor(changes: readonly Change[] = []) {
    this.changes = [...changes];
  }

  expect(step: string, total: number): void {
    this.#of(step).total += total;
  }

  began(node: TaskNode): void {
    this.#of(node.step).running++;
    this.#running.add(node.id);
  }

  ended(node: TaskNode, outcome: Outcome, { ms, score, code = 'BUG', message = '' }: TaskEnd): void {
    if (typeof score === 'number') this.#scores.set(node.id, score);
    const step = this.#of(node.step);
    if (this.#running.delete(node.id)) step.running--;
    step[COUNTED[outcome]]++;
    const isComputed = outcome === 'COMPLETED';
    this.#count(node.uses, { ended: 1, computed: isComputed ? 1 : 0, ms: isComputed ? ms : 0 }, 1);
    if (isComputed) {
      this.spent.tasks++;
      this.spent.ms += ms;
    }
    const { id, label } = node;
    if (outcome === 'FAILED' && this.#failures.length < LISTED) this.#failures.push({ task: id, step: node.step, label, code, message });
  }

  /** False for a task whose judges are not, on average, among the best 1 in eta of its rivals': the higher mean first, then the earlier. */
  admits({ gate, undecided }: TaskNode): boolean {
    if (undecided) return this.#isUndecided(undecided);
    if (!gate) return true;
    const ranked = gate.rivals
      .map((judges, at) => ({ at, scores: judges.flatMap((id) => this.#scores.get(id) ?? []) }))
      .filter(({ scores }) => scores.length > 0)
      .map(({ at, scores }) => ({ at, score: mean(scores)! }))
      .toSorted((a, b) => b.score - a.score || a.at - b.at);
    // Nothing tells them apart: all go on.
    if (ranked.length === 0) return true;
    return ranked.slice(0, Math.ceil(ranked.length / gate.eta)).some(({ at }) => at === gate.own);
  }

  /** Whether a rival cannot be told apart from some other one, by the seeds that both have. */
  #isUndecided({ own, rivals, critical }: NonNullable<TaskNode['undecided']>): boolean {
    const means = rivals.map((seeds) => seeds.map((judges) => mean(judges.flatMap((id) => this.#scores.get(id) ?? []))));
    return means.some((theirs, at) => {
      if (at === own) return false;
      const differences = theirs.flatMap((value, seed) => {
        const mine = means[own][seed];
        return value === undefined || mine === undefined ? [] : [mine - value];
      });
      const n = differences.length;
      if (n < 2) return n > 0;
      const center = mean(differences)!;
      const deviation = Math.sqrt(differences.reduce((sum, d) => sum + (d - center) ** 2, 0) / (n - 1));
      return Math.abs(center) <= (critical[n - 2] * deviation) / Math.sqrt(n);
    });
  }

  anew(node: TaskNode, outcome: Outcome): void {
    this.#of(node.step)[COUNTED[outcome]]--;
    this.#count(node.uses, { ended: 1, computed: 0, ms: 0 }, -1);
    this.#failures = this.#failures.filter((f) => f.task !== node.id);
  }

  /** Adds what a child workflow ended with, or takes it away again (`sign` -1) when it is done anew. */
  add(other: Progress, sign: 1 | -1 = 1): void {
    for (const s of other.steps) {
      const mine = this.#of(s.step);
      for (const key of Object.values(COUNTED)) mine[key] += sign * s[key];
    }
    for (const [uses, kind] of Object.entries(other.kinds)) this.#count(uses, kind, sign);
    const theirs = new Set(other.failures.map((f) => f.task));
    if (sign < 0) this.#failures = this.#failures.filter((f) => !theirs.has(f.task));
    else this.#failures.push(...other.failures.slice(0, Math.max(0, LISTED - this.#failures.length)));
  }

  get failed(): number {
    return [...this.#steps.values()].reduce((sum, s) => sum + s.failed, 0);
  }

  progress(children: readonly string[] = []): Progress {
    const { state, stopped, changes, spent } = this;
    return {
      steps: [...this.#steps.values()].map((s) => ({ ...s })),
      kinds: Object.fromEntries(this.#kinds),
      children: [...children],
      failures: [...this.#failures],
      spent: { ...spent },
      state,
      stopped,
      changes: [...changes],
    };
  }

  #count(uses: string, { ended, computed, ms }: KindProgress, sign: 1 | -1): void {
    const before = this.#kinds.get(uses) ?? { ended: 0, computed: 0, ms: 0 };
    this.#kinds.set(uses, { ended: before.ended + sign * ended, computed: before.computed + sign * computed, ms: before.ms + sign * ms });
  }

  #of(step: string): StepProgress {
    const known = this.#steps.get(step);
    if (known) return known;
    const fresh = { step, total: 0, running: 0, done: 0, cached: 0, failed: 0, skipped: 0, dropped: 0 };
    this.#steps.set(step, fresh);
    return fresh;
  }
}
