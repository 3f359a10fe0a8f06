import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { ArtifactRef } from '../schemas/artifact.ts';
import type { Budget, Change, Progress, RunRequest } from '../schemas/run.ts';

/** Who asks for a change, and what it is, for people. */
export type Asked = Pick<Change, 'by' | 'note'>;

export interface Amendment extends Asked {
  readonly plan: ArtifactRef;
  /** What the plan was compiled from. */
  readonly source: ArtifactRef;
}

export const progressQuery = defineQuery<Progress>('progress');
/** The request as the changes so far have made it: what a new execution would go on with. */
export const requestQuery = defineQuery<RunRequest>('request');

export const pauseUpdate = defineUpdate<void, [Asked]>('pause');
export const resumeUpdate = defineUpdate<void, [Asked]>('resume');
/** Failed tasks are done anew: all, or those listed. Gives how many. */
export const retryUpdate = defineUpdate<number, [Asked & { readonly tasks?: readonly string[] }]>('retry');
/** Another plan takes over: its new tasks run, those that it has not are dropped. */
export const amendUpdate = defineUpdate<{ added: number; dropped: number }, [Amendment]>('amend');
/** Other limits from now on; what is not named stays as it is. */
export const limitUpdate = defineUpdate<void, [Asked & { readonly budget: Budget }]>('limit');
/** Begins nothing more; reports what there is. */
export const stopUpdate = defineUpdate<void, [Asked]>('stop');

/** What a run tells the workflows of its slices. */
export type Order =
  | { readonly kind: 'hold'; readonly holds: number }
  | { readonly kind: 'release' }
  /** Tell what is spent from now on. */
  | { readonly kind: 'account' }
  | { readonly kind: 'stop'; readonly now: boolean; readonly holds: number }
  | { readonly kind: 'drop'; readonly tasks: readonly string[] }
  | { readonly kind: 'retry'; readonly tasks: readonly string[] | null };
export const orderSignal = defineSignal<[Order]>('order');

/** What a slice tells its run while it goes on. */
export interface Account {
  readonly slice: string;
  readonly spent: Progress['spent'];
  readonly failed: number;
}
export const accountSignal = defineSignal<[Account]>('account');
