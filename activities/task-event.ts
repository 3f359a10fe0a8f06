import type { Cell, PlannedTask } from '../schemas/plan.ts';
import type { TaskEnd } from '../schemas/run.ts';

/** What becomes of a task on this worker, for those who watch it: metrics, logs and traces. */
export interface TaskEvent {
  readonly run: string;
  readonly task: string;
  readonly step: string;
  /** `kind/id`. */
  readonly uses: string;
  /** The axes that matter to it, for people; empty where there are none. */
  readonly cell: string;
  /** The same as values. */
  readonly axes: Cell;
  readonly queue: string;
  readonly worker: string;
  /** Which attempt of its activity this is, from 1; those whose worker died count, too. */
  readonly attempt: number;
  /** ABORTED: it was cancelled, or handed back by a worker that stops. */
  readonly status: 'STARTED' | TaskEnd['status'] | 'ABORTED';
  /** When it began here, in epoch milliseconds. */
  readonly at: number;
  /** How long it took so far, in milliseconds. */
  readonly ms: number;
  readonly code?: string;
  readonly message?: string;
}

/** The part of an event that a plan knows. */
export const aboutTask = ({
  id: task,
  step,
  uses,
  label: cell,
  cell: axes,
  queue,
}: PlannedTask): Pick<TaskEvent, 'task' | 'step' | 'uses' | 'cell' | 'axes' | 'queue'> => ({ task, step, uses, cell, axes, queue });
