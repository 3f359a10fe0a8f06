import { ApplicationFailure, executeChild, isCancellation, ParentClosePolicy, workflowInfo } from '@temporalio/workflow';
import type { LaunchEnd, LaunchOrder } from '../schemas/launch.ts';
import { begin, tell } from './around.ts';
import { messageOf } from './failure-message.ts';
import { runPipeline } from './run-pipeline.ts';

/**
 * Starts a run that nobody follows, and waits for its end. Fails where the run failed or drifted, so that a schedule can be paused by it; the
 * reason is the failure's message.
 */
export async function launchRun(order: LaunchOrder): Promise<LaunchEnd> {
  const { workflowId, startTime } = workflowInfo();
  const at = startTime.getTime();
  const begun = await begin(order, { workflow: workflowId, at }).catch(async (error: unknown) => {
    if (isCancellation(error)) throw error;
    const message = messageOf(error);
    const title = `${order.name}: could not begin`;
    const notice = {
      id: `${workflowId}/begin`,
      event: 'failure',
      name: order.name,
      run: null,
      title,
      text: message,
      at,
      facts: {},
    } as const;
    await tell(order.work, order.after.notify, notice);
    throw ApplicationFailure.nonRetryable(message, 'NOT_BEGUN');
  });
  const { request, name, summary } = begun;
  const { end } = await executeChild(runPipeline, {
    args: [request],
    workflowId: request.run,
    memo: { run: request.run, work: request.work, name },
    staticSummary: summary,
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
  });
  if (end!.event !== 'success') throw ApplicationFailure.nonRetryable(end!.title, end!.event === 'drift' ? 'DRIFT' : 'FAILED', end);
  return end!;
}
