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
  const rules: Record<string, number> = {
    CRASH: retries.crash,
    RESOURCE: retries.resource,
    ARTIFACT: retries.artifact,
    TIMEOUT: retries.timeout,
  };
  return rules[code] ?? 0;
}

/**
 * The one bridge from our errors to Temporal's: bad input never comes again; a crash, and a step that used up its own limit, at once; what
 * the machine lacked, after a growing pause.
 */
export function toFailure(error: unknown, attempt: number, retries: PlannedTask['retries']): ApplicationFailure {
  const record = errorRecord(error);
  const retryable = isPanelflowError(error) && error.retryable && attempt <= allowed(record.code, retries);
  const isMachine = record.code === 'RESOURCE' && record.context.limit === undefined;
  const grown = isMachine ? Math.min(300, 5 * 3 ** (attempt - 1)) : 1;
  const pause = Math.max(grown, Math.min(3_600, Number(record.context.retryAfterMs ?? 0) / 1000));
  return ApplicationFailure.create({
    type: record.code,
    message: record.message,
    nonRetryable: !retryable,
    details: [record],
    ...(retryable ? { nextRetryDelay: `${pause}s` } : {}),
  });
}
