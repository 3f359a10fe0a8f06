import type { TaskNode } from '../core/shards.ts';
import type { Failure, Progress, StepProgress } from '../schemas/run.ts';

/** The most failures that are listed one by one; the rest are counted. */
const LISTED = 50;

/** Counts of what has ended and how: the answer to the progress query, and the result of a workflow. */
export class Board {
  readonly #steps = new Map<string, StepProgress>();
  readonly #failures: Failure[] = [];

  expect(step: string, total: number): void {
    this.#of(step).total += total;
  }

  start(node: TaskNode): void {
    this.#of(node.step).running++;
    this.#running.add(node.id);
  }

  readonly #running = new Set<string>();

  /** Notes how a task ended; true when what depends on it may run. */
  end(node: TaskNode, status: 'COMPLETED' | 'CACHED' | 'SKIPPED'): boolean {
    const step = this.#stop(node);
    if (status === 'SKIPPED') step.skipped++;
    else if (status === 'CACHED') step.cached++;
    else step.done++;
    return status !== 'SKIPPED';
  }

  fail(node: TaskNode, reason: { code: string; message: string }): boolean {
    this.#stop(node).failed++;
    if (this.#failures.length < LISTED) this.#failures.push({ task: node.id, step: node.step, label: node.label, ...reason });
    return false;
  }

  /** Adds what a child workflow ended with. */
  add(other: Progress): void {
    for (const s of other.steps) {
      const mine = this.#of(s.step);
      mine.done += s.done;
      mine.cached += s.cached;
      mine.failed += s.failed;
      mine.skipped += s.skipped;
    }
    this.#failures.push(...other.failures.slice(0, Math.max(0, LISTED - this.#failures.length)));
  }

  progress(children: readonly string[] = []): Progress {
    return { steps: [...this.#steps.values()].map((s) => ({ ...s })), children: [...children], failures: [...this.#failures] };
  }

  #of(step: string): StepProgress {
    const known = this.#steps.get(step);
    if (known) return known;
    const fresh = { step, total: 0, running: 0, done: 0, cached: 0, failed: 0, skipped: 0 };
    this.#steps.set(step, fresh);
    return fresh;
  }

  #stop(node: TaskNode): StepProgress {
    const step = this.#of(node.step);
    if (this.#running.delete(node.id)) step.running--;
    return step;
  }
}
