import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure, TimeoutFailure } from '@temporalio/workflow';

/** The message at the bottom of a failure, with what mends it. */
export function messageOf(error: unknown): string {
  if ((error instanceof ActivityFailure || error instanceof ChildWorkflowFailure) && error.cause) return messageOf(error.cause);
  if (error instanceof TimeoutFailure) return 'Its worker was lost, or took too long';
  if (!(error instanceof ApplicationFailure)) return error instanceof Error ? error.message : String(error);
  const [record] = (error.details ?? []) as { readonly mend?: string }[];
  return [error.message, ...(record?.mend === undefined ? [] : [record.mend])].join('. ');
}
