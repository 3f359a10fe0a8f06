import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  isCancellation,
  patched,
  proxyActivities,
} from '@temporalio/workflow';
import type { EngineActivities, StepActivity } from '../activities/index.ts';
import type { TaskNode } from '../core/shards.ts';
import type { RunRequest, TaskEnd } from '../schemas/run.ts';
import type { Crew } from './scheduler.ts';

/** At most so many batches of tasks wait in one history at a time. */
export const WINDOW = 200;

/** Beside the time that its tasks may take, an activity may take so long. */
const SPARE_MS = 60_000;

export const engine = proxyActivities<EngineActivities>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '30 seconds',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s', maximumAttempts: 30 },
});

/**
 * The lane of a task: tasks of one lane are done together, so they share their kind, and with it queue and time limit. Runs that began before
 * this rule keep one lane a step. To be asked for once, as a workflow begins.
 */
export function laneRule(): (node: Pick<TaskNode, 'step' | 'uses'>) => string {
  return patched('a-lane-for-each-kind') ? ({ step, uses }) => `${step} ${uses}` : ({ step }) => step;
}

/** Does tasks of one lane in one activity; `holds`: how often the run was held so far. */
export function beginTasks(batch: readonly TaskNode[], request: RunRequest, holds: number): ReturnType<Crew<never>['begin']> {
  const [{ step, label, queue, uses, timeoutMs }] = batch;
  const activities = proxyActivities<Record<string, StepActivity>>({
    taskQueue: `panelflow-${queue}`,
    startToCloseTimeout: batch.length * timeoutMs + SPARE_MS,
    heartbeatTimeout: '10 seconds',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    // Failures of a step say themselves whether they come again; this cap is for workers that vanish.
    retry: { initialInterval: '1s', backoffCoefficient: 1.5, maximumInterval: '30s', maximumAttempts: 30 },
    summary: batch.length > 1 ? `${step}: ${batch.length} tasks` : label || step,
    priority: { priorityKey: request.policy.priority, fairnessKey: request.run },
  });
  const { run, work, plans, policy } = request;
  const scope = new CancellationScope();
  const ended = scope
    .run(() => activities[uses]({ run, work, plan: plans.at(-1)!, tasks: batch.map((node) => node.id), holds, fresh: policy.fresh }))
    .catch((error: unknown): TaskEnd[] => {
      if (isCancellation(error)) throw error;
      // What a lost worker or a broken activity did to several tasks, each is to say for itself.
      if (batch.length > 1) return batch.map(() => ({ status: 'AGAIN', ms: 0 }));
      return [{ status: 'FAILED', ms: 0, ...reasonOf(error) }];
    });
  return { ended, cancel: () => scope.cancel() };
}

/** The code and message at the bottom of a failure. */
function reasonOf(error: unknown): { code: string; message: string } {
  if (error instanceof ActivityFailure && error.cause) return reasonOf(error.cause);
  if (error instanceof ApplicationFailure) return { code: error.type ?? 'BUG', message: error.message };
  if (error instanceof CancelledFailure) return { code: 'CANCELLED', message: 'Cancelled' };
  const name = error instanceof Error ? error.constructor.name : '';
  if (name === 'TimeoutFailure') return { code: 'LOST', message: 'Its worker was lost again and again' };
  return { code: 'BUG', message: error instanceof Error ? error.message : String(error) };
}

/** The tasks that need no work, with how they would have ended. */
export async function probed(request: RunRequest, nodes: readonly TaskNode[]): Promise<Map<string, TaskEnd>> {
  const known = await engine['engine/probe'](
    request,
    nodes.map((node) => node.id),
  );
  return new Map(known.map(({ task, score }) => [task, { status: 'CACHED', ms: 0, ...(score === undefined ? {} : { score }) }]));
}
