import type { TaskEnd } from '../schemas/run.ts';

/** What becomes of a task on this worker, for those who watch it: metrics and logs. */
export interface TaskEvent {
  readonly run: string;
  readonly task: string;
  readonly step: string;
  /** `kind/id`. */
  readonly uses: string;
  /** The axes that matter to it, for people; empty where there are none. */
  readonly cell: string;
  readonly queue: string;
  /** ABORTED: it was cancelled, or handed back by a worker that stops. */
  readonly status: 'STARTED' | TaskEnd['status'] | 'ABORTED';
  /** How long it took so far, in milliseconds. */
  readonly ms: number;
  readonly code?: string;
  readonly message?: string;
}
