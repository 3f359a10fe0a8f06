import {
  ApplicationFailure,
  CancellationScope,
  ChildWorkflowFailure,
  defineSignal,
  executeChild,
  getExternalWorkflowHandle,
  isCancellation,
  ParentClosePolicy,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { DropEnd, WatchActivities, WatchRef } from '../activities/watch.ts';
import type { LaunchEnd, LaunchOrder } from '../schemas/launch.ts';
import type { Drop } from '../schemas/watch.ts';
import { messageOf } from './failure-message.ts';
import { launchRun } from './launch-run.ts';

const { 'watch/begin': begin, 'watch/end': end } = proxyActivities<WatchActivities>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '30 seconds',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
});

/** Asks nothing: who is not there any more does not take it. */
export const pingSignal = defineSignal('ping');

/** Runs one version of an object, notes how it ended, and tells its watch, which may be another execution by then, or none. */
export async function runDrop({ watch, drop }: { readonly watch: WatchRef; readonly drop: Drop }): Promise<DropEnd> {
  setHandler(pingSignal, () => {});
  const how = await launched(watch, drop);
  return CancellationScope.nonCancellable(async () => {
    const ended = await end(watch, drop, how);
    await getExternalWorkflowHandle(`watch-${watch.name}`)
      .signal('ended', { hash: drop.hash, key: drop.key }, ended)
      .catch(() => {});
    return ended;
  });
}

async function launched(watch: WatchRef, drop: Drop): Promise<DropEnd> {
  try {
    const begun = await begin(watch, drop);
    return 'order' in begun ? endOf(await launch(begun.order)) : begun;
  } catch (error) {
    const failed = { state: 'failed', run: null, out: null } as const;
    if (isCancellation(error)) return { ...failed, message: 'It was cancelled' };
    const cause = error instanceof ChildWorkflowFailure ? error.cause : undefined;
    const [told] = (cause instanceof ApplicationFailure ? (cause.details ?? []) : []) as Partial<LaunchEnd>[];
    return told?.event === undefined ? { ...failed, message: messageOf(cause ?? error) } : endOf(told as LaunchEnd);
  }
}

const launch = (order: LaunchOrder): Promise<LaunchEnd> =>
  executeChild(launchRun, { args: [order], workflowId: `${workflowInfo().workflowId}-run`, parentClosePolicy: ParentClosePolicy.ABANDON });

/** Results that differ from their baseline's are results. */
const endOf = ({ event, run, out, title }: LaunchEnd): DropEnd => ({
  state: event === 'failure' ? 'failed' : 'done',
  run,
  out,
  message: title,
});
