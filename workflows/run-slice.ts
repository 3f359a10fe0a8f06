import {
  condition,
  getExternalWorkflowHandle,
  isCancellation,
  CancellationScope,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { TaskNode } from '../core/shards.ts';
import type { Progress, RunRequest } from '../schemas/run.ts';
import { beginTasks, engine, laneRule, probed, WINDOW } from './activities.ts';
import { Board } from './board.ts';
import { accountSignal, orderSignal, progressQuery } from './control.ts';
import { Scheduler } from './scheduler.ts';

type Task = TaskNode & { readonly lane: string };

/** A run with a limit hears of a slice's spending at least every so many milliseconds of work. */
const ACCOUNT_MS = 5_000;

export interface SliceRequest {
  readonly request: RunRequest;
  readonly name: string;
  readonly isHeld: boolean;
  /** How often the run was held so far. */
  readonly holds: number;
  /** How long tasks took so far, by kind/id. */
  readonly kinds: Progress['kinds'];
}

/** Runs one slice of a plan, in a history of its own. */
export async function runSlice({ request, name, isHeld, holds: before, kinds }: SliceRequest): Promise<Progress> {
  const laneOf = laneRule();
  let holds = before;
  const board = new Board();
  const { parent } = workflowInfo();
  let told = 0;
  const { computeMs, tasks } = request.policy.budget;
  let isLimited = computeMs !== undefined || tasks !== undefined;
  const tell = (isNow: boolean): void => {
    if (!parent || (!isNow && board.spent.ms - told < ACCOUNT_MS)) return;
    told = board.spent.ms;
    void getExternalWorkflowHandle(parent.workflowId)
      .signal(accountSignal, { slice: name, spent: { ...board.spent }, failed: board.failed })
      .catch(() => {});
  };
  const scheduler = new Scheduler<Task>(
    {
      begin: (batch) => beginTasks(batch, request, holds),
      sleep,
      most: () => WINDOW,
      mayJoin: () => true,
      admits: (task) => board.admits(task),
      gathers: (task) => task.gathers === true,
      began: (task) => board.began(task),
      ended: (task, outcome, end) => {
        board.ended(task, outcome, end);
        if (outcome === 'FAILED' && request.policy.failFast) tell(true);
        else if (isLimited) tell(false);
      },
      anew: (task, outcome) => board.anew(task, outcome),
    },
    WINDOW,
  );
  if (isHeld) scheduler.hold();
  setHandler(progressQuery, () => board.progress());
  setHandler(orderSignal, (order) => {
    const { kind } = order;
    if (kind === 'hold' || kind === 'stop') ({ holds } = order);
    if (kind === 'hold') scheduler.hold();
    else if (kind === 'release') scheduler.release();
    else if (kind === 'account') isLimited = true;
    else if (kind === 'stop') scheduler.stop(order.now);
    else if (kind === 'drop') scheduler.drop(new Set(order.tasks));
    else scheduler.retry((task, outcome) => outcome === 'FAILED' && (order.tasks?.includes(task.id) ?? true));
  });
  const nodes = await engine['engine/slice'](request, name);
  for (const node of nodes) {
    board.expect(node.step, 1);
    const kind: Progress['kinds'][string] | undefined = kinds[node.uses];
    if (kind && kind.computed > 0) scheduler.expect(laneOf(node), kind.ms / kind.computed);
  }
  const known = await probed(request, nodes);
  scheduler.add(
    nodes.map((node) => ({ ...node, lane: laneOf(node) })),
    known,
  );
  await untilEnd(scheduler);
  return board.progress();
}

/** Resolves when nothing is left to do and `isFree` holds; when cancelled, waits for what is under way to let go. */
export async function untilEnd(
  scheduler: Pick<Scheduler<Task>, 'isIdle' | 'isQuiet' | 'broken'>,
  isFree: () => boolean = () => true,
): Promise<void> {
  try {
    await condition(() => scheduler.broken !== undefined || (scheduler.isIdle && isFree()));
  } catch (error) {
    if (!isCancellation(error)) throw error;
    await CancellationScope.nonCancellable(() => condition(() => scheduler.isQuiet, '30 seconds'));
    throw error;
  }
  if (scheduler.broken) throw scheduler.broken.error;
}
