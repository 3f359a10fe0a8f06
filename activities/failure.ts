import { ApplicationFailure } from '@temporalio/common';
import { isPanelflowError } from '../core/errors.ts';
import type { PlannedTask } from '../schemas/plan.ts';
import type { TaskRecord } from '../schemas/run.ts';

/** An error as it is recorded and shown. */
export function errorRecord(error: unknown): NonNullable<TaskRecord['error']> {
  if (isPanelflowError(error))
    return {
      code: error.code,
      message: error.message,
      ...(error.mend === undefined ? {} : { mend: error.mend }),
      context: { ...error.context },
    };
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: 'BUG',
    message: `Unexpected: ${message}`,
    mend: "This is a fault of the step, not of your file. Please report it with the run's log.",
    context: {},
  };
}

/** How often this cause is tried again. */
function allowed(code: string, retries: PlannedTask['retries']): number {
  if (code === 'CRASH') return retries.crash;
  if (code === 'RESOURCE') return retries.resource;
  return code === 'ARTIFACT' ? retries.artifact : 0;
}

/** The one bridge from our errors to Temporal's: bad input never comes again, crashes some times, resources with a growing pause. */
export function toFailure(error: unknown, attempt: number, retries: PlannedTask['retries']): ApplicationFailure {
  const record = errorRecord(error);
  const retryable = isPanelflowError(error) && error.retryable && attempt <= allowed(record.code, retries);
  const pause = record.code === 'RESOURCE' ? Math.min(300, 5 * 3 ** (attempt - 1)) : 1;
  return ApplicationFailure.create({
    type: record.code,
    message: record.message,
    nonRetryable: !retryable,
    details: [record],
    ...(retryable ? { nextRetryDelay: `${pause}s` } : {}),
  });
}
