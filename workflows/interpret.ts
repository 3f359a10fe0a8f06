import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  isCancellation,
  proxyActivities,
} from '@temporalio/workflow';
import type { EngineActivities, StepActivity } from '../activities/index.ts';
import type { TaskNode } from '../core/shards.ts';
import type { RunRequest } from '../schemas/run.ts';
import type { Board } from './board.ts';

/** At most so many activities wait in one history at a time. */
const WINDOW = 200;

export const engine = proxyActivities<EngineActivities>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '30 seconds',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s', maximumAttempts: 10 },
});

function call(node: TaskNode, request: RunRequest): Promise<{ status: 'COMPLETED' | 'CACHED' | 'SKIPPED' }> {
  const activities = proxyActivities<Record<string, StepActivity>>({
    taskQueue: `panelflow-${node.queue}`,
    startToCloseTimeout: node.timeoutMs,
    heartbeatTimeout: '10 seconds',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    // Failures of a step say themselves whether they come again; this cap is for workers that vanish.
    retry: { initialInterval: '1s', backoffCoefficient: 1.5, maximumInterval: '30s', maximumAttempts: 30 },
    summary: node.label || node.step,
  });
  return activities[node.uses]({ run: request.run, work: request.work, plan: request.plan, task: node.id });
}

/**
 * Runs tasks as soon as what they need is done, at most WINDOW at a time. A failed task fails its cell, never the others;
 * what needs it is skipped. Resolves when all have ended; rejects only when cancelled.
 */
export async function runTasks(nodes: readonly TaskNode[], request: RunRequest, board: Board, known: ReadonlySet<string>): Promise<void> {
  const ends = new Map<string, Promise<boolean>>();
  let free = WINDOW;
  const queue: (() => void)[] = [];
  const enter = async (): Promise<void> => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => queue.push(resolve));
  };
  const leave = (): void => {
    const next = queue.shift();
    if (next) next();
    else free++;
  };
  const run = async (node: TaskNode): Promise<boolean> => {
    if (known.has(node.id)) return board.end(node, 'CACHED');
    const needed = await Promise.all(node.needs.map((id) => ends.get(id) ?? Promise.resolve(true)));
    await Promise.all(node.waits.flatMap((id) => ends.get(id) ?? []));
    if (!needed.every(Boolean)) return board.end(node, 'SKIPPED');
    await enter();
    board.start(node);
    try {
      return board.end(node, (await call(node, request)).status);
    } catch (error) {
      if (isCancellation(error)) throw error;
      return board.fail(node, reasonOf(error));
    } finally {
      leave();
    }
  };
  for (const node of nodes) ends.set(node.id, run(node));
  const results = await Promise.allSettled(ends.values());
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

/** The code and message at the bottom of a failure. */
function reasonOf(error: unknown): { code: string; message: string } {
  if (error instanceof ActivityFailure && error.cause) return reasonOf(error.cause);
  if (error instanceof ApplicationFailure) return { code: error.type ?? 'BUG', message: error.message };
  if (error instanceof CancelledFailure) return { code: 'CANCELLED', message: 'Cancelled' };
  const name = error instanceof Error ? error.constructor.name : '';
  return { code: name === 'TimeoutFailure' ? 'TIMEOUT' : 'BUG', message: error instanceof Error ? error.message : String(error) };
}
