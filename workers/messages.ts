import type { StepJob, StepOutcome } from '../activities/runner.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import type { TaskRecord } from '../schemas/run.ts';

/** What the pool says to a step process. */
export type ToProcess = { readonly kind: 'run'; readonly job: StepJob; readonly threads: number } | { readonly kind: 'cancel' };

/** What a step process says to the pool. */
export type FromProcess =
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress'; readonly fraction: number; readonly note: string }
  | { readonly kind: 'checkpoint'; readonly ref: ArtifactRef }
  | { readonly kind: 'done'; readonly outcome: StepOutcome }
  | { readonly kind: 'failed'; readonly error: NonNullable<TaskRecord['error']>; readonly retryable: boolean };
