import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  executeChild,
  getExternalWorkflowHandle,
  isCancellation,
  ParentClosePolicy,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { Outline } from '../activities/index.ts';
import type { TaskNode } from '../core/shards.ts';
import type { Change, Progress, RunRequest } from '../schemas/run.ts';
import { beginTasks, engine, laneRule, probed, WINDOW } from './activities.ts';
import { conclude, tell } from './around.ts';
import { Board } from './board.ts';
import {
  accountSignal,
  amendUpdate,
  type Asked,
  limitUpdate,
  type Order,
  orderSignal,
  pauseUpdate,
  progressQuery,
  requestQuery,
  resumeUpdate,
  retryUpdate,
  stopUpdate,
} from './control.ts';
import { runSlice, untilEnd } from './run-slice.ts';
import { Scheduler } from './scheduler.ts';

/** At most so many child workflows are open at a time: enough for 800 activities. */
const OPEN_SLICES = 4;
const SLICES = '/slices';

type Task = TaskNode & { readonly lane: string; readonly isSlice: false };
interface SliceWork {
  readonly id: string;
  readonly lane: typeof SLICES;
  readonly needs: readonly string[];
  readonly waits: readonly string[];
  readonly isSlice: true;
}

/** Runs a plan to its end and says how each step fared. Interprets data: it knows no plugin by name. */
export async function runPipeline(given: RunRequest): Promise<Progress> {
  const run = new Run(given);
  try {
    await run.take(await engine['engine/outline'](given, 0));
    await run.ended();
  } catch (error) {
    if (isCancellation(error)) await CancellationScope.nonCancellable(() => run.concluded('it was cancelled'));
    throw error;
  }
  return run.concluded();
}

class Run {
  readonly #laneOf = laneRule();
  readonly #board: Board;
  readonly #scheduler: Scheduler<Task | SliceWork>;
  /** Slices under way, by name, with the workflow of each. */
  readonly #open = new Map<string, string>();
  readonly #spentIn = new Map<string, Progress['spent']>();
  /** What ended slices ended with. */
  readonly #endedIn = new Map<string, Progress>();
  #request: RunRequest;
  /** How often it was held: tasks asked for before do not begin. */
  #holds = 0;

  constructor(given: RunRequest) {
    this.#request = given;
    this.#board = new Board(given.changes);
    this.#scheduler = new Scheduler<Task | SliceWork>(
      {
        begin: (batch) =>
          batch[0].isSlice ? this.#beginSlice(batch[0]) : beginTasks(batch as readonly Task[], this.#request, this.#holds),
        sleep,
        most: (lane) => (lane === SLICES ? OPEN_SLICES : WINDOW),
        mayJoin: (lane) => lane !== SLICES,
        admits: (work) => work.isSlice || this.#board.admits(work),
        gathers: (work) => !work.isSlice && work.gathers === true,
        began: (work) => {
          if (!work.isSlice) this.#board.began(work);
        },
        ended: (work, outcome, end) => {
          if (work.isSlice) return;
          this.#board.ended(work, outcome, end);
          this.#watchLimits(outcome === 'FAILED' ? 1 : 0);
        },
        anew: (work, outcome) => {
          if (!work.isSlice) return this.#board.anew(work, outcome);
          const before = this.#endedIn.get(work.id);
          if (before) this.#board.add(before, -1);
          this.#endedIn.delete(work.id);
        },
      },
      WINDOW,
    );
    this.#listen();
    void this.#watchClock();
  }

  /** Takes the new tasks of a plan, and lets go of those that it has not. */
  async take(outline: Outline): Promise<void> {
    const known = await probed(this.#request, outline.nodes);
    for (const node of outline.nodes) this.#board.expect(node.step, 1);
    for (const slice of outline.slices) for (const [step, n] of Object.entries(slice.steps)) this.#board.expect(step, n);
    const slices = outline.slices.map(({ name, after }) => ({ id: name, lane: SLICES, needs: [], waits: after, isSlice: true }) as const);
    const tasks = outline.nodes.map((node) => ({ ...node, lane: this.#laneOf(node), isSlice: false }) as const);
    // Tasks that gather come after the slices that they wait for, and before what needs them.
    const last = new Set<string>();
    for (const task of tasks) if (task.gathers || task.needs.some((id) => last.has(id))) last.add(task.id);
    this.#scheduler.add([...tasks.filter((task) => !last.has(task.id)), ...slices, ...tasks.filter((task) => last.has(task.id))], known);
    this.#scheduler.drop(new Set(outline.dropped.own));
    for (const [name, { tasks: ids, steps }] of Object.entries(outline.dropped.slices)) {
      const workflow = this.#open.get(name);
      if (workflow !== undefined) this.#order(workflow, { kind: 'drop', tasks: ids });
      else if (!this.#endedIn.has(name)) for (const [step, n] of Object.entries(steps)) this.#board.expect(step, -n);
    }
  }

  async ended(): Promise<void> {
    await untilEnd(this.#scheduler, allHandlersFinished);
    this.#board.state = 'ended';
  }

  /** How it went; where that was asked for, its results are written and people are told. */
  async concluded(stopped = this.#board.stopped): Promise<Progress> {
    const progress = { ...this.progress(), stopped };
    const { after, work } = this.#request;
    if (!after) return progress;
    const { end, notice } = await conclude(this.#request, progress);
    await tell(work, after.notify, notice);
    return { ...progress, end };
  }

  progress(): Progress {
    const own = this.#board.progress([...this.#open.values()]);
    return { ...own, spent: this.#spent() };
  }

  #listen(): void {
    setHandler(progressQuery, () => this.progress());
    setHandler(requestQuery, () => this.#request);
    setHandler(accountSignal, ({ slice, spent, failed }) => {
      this.#spentIn.set(slice, spent);
      this.#watchLimits(failed);
    });
    const validator = (..._asked: readonly Asked[]): void => {
      if (this.#board.state === 'ended') throw ApplicationFailure.create({ type: 'CONFIG', message: 'The run has ended' });
    };
    setHandler(
      pauseUpdate,
      (asked) => {
        this.#board.state = 'paused';
        this.#scheduler.hold();
        this.#orderAll({ kind: 'hold', holds: ++this.#holds });
        return this.#note('pause', asked);
      },
      { validator },
    );
    setHandler(
      resumeUpdate,
      (asked) => {
        this.#board.state = 'running';
        this.#scheduler.release();
        this.#orderAll({ kind: 'release' });
        return this.#note('resume', asked);
      },
      { validator },
    );
    setHandler(
      retryUpdate,
      async ({ tasks = null, ...asked }) => {
        const isWanted = (id: string): boolean => tasks?.includes(id) ?? true;
        const inOpen = this.#board.failed;
        this.#orderAll({ kind: 'retry', tasks });
        const own = this.#scheduler.retry((work, outcome) =>
          work.isSlice
            ? (this.#endedIn.get(work.id)?.failures.some((f) => isWanted(f.task)) ?? false)
            : outcome === 'FAILED' && isWanted(work.id),
        );
        await this.#note('retry', asked);
        return tasks?.length ?? Math.max(own, inOpen);
      },
      { validator },
    );
    setHandler(
      limitUpdate,
      async ({ budget, ...asked }) => {
        const { policy } = this.#request;
        this.#request = { ...this.#request, policy: { ...policy, budget: { ...policy.budget, ...budget } } };
        if (budget.wallMs !== undefined) void this.#watchClock();
        this.#orderAll({ kind: 'account' });
        await this.#note('limit', asked);
        this.#watchLimits(0);
      },
      { validator },
    );
    setHandler(stopUpdate, (asked) => this.#stop(asked.note, false, asked), { validator });
    setHandler(
      amendUpdate,
      async ({ plan, source, ...asked }) => {
        this.#request = { ...this.#request, source, plans: [...this.#request.plans, plan] };
        const outline = await engine['engine/outline'](this.#request, this.#request.plans.length - 1);
        await this.take(outline);
        await this.#note('amend', asked);
        const { own, slices } = outline.dropped;
        const count = (steps: Readonly<Record<string, number>>): number => Object.values(steps).reduce((a, b) => a + b, 0);
        return {
          added: outline.nodes.length + outline.slices.reduce((sum, slice) => sum + count(slice.steps), 0),
          dropped: own.length + Object.values(slices).reduce((sum, slice) => sum + slice.tasks.length, 0),
        };
      },
      {
        validator: (asked) => {
          validator(asked);
          if (asked.plan.sha256 === this.#request.plans.at(-1)!.sha256)
            throw ApplicationFailure.create({ type: 'CONFIG', message: 'Nothing would change' });
        },
      },
    );
  }

  /** Writes down a change: in the history, in progress, and in the run's record. */
  async #note(what: Change['what'], { by, note }: Asked): Promise<void> {
    const change = { what, by, note, at: Date.now() };
    this.#board.changes.push(change);
    this.#request = { ...this.#request, changes: [...this.#board.changes] };
    await engine['engine/record'](this.#request, this.#holds);
  }

  async #stop(reason: string, now = false, asked: Asked = { by: 'panelflow', note: reason }): Promise<void> {
    if (this.#board.stopped !== '') return;
    this.#board.stopped = reason;
    this.#board.state = 'stopping';
    this.#holds++;
    this.#scheduler.stop(now);
    this.#orderAll({ kind: 'stop', now, holds: this.#holds });
    await this.#note('stop', asked);
  }

  #spent(): Progress['spent'] {
    const all = [this.#board.spent, ...this.#spentIn.values()];
    return { tasks: all.reduce((sum, s) => sum + s.tasks, 0), ms: all.reduce((sum, s) => sum + s.ms, 0) };
  }

  /** Stops the run when its time is spent, unless it was given more meanwhile. */
  async #watchClock(): Promise<void> {
    const { wallMs } = this.#request.policy.budget;
    if (wallMs === undefined) return;
    const spent = Date.now() - workflowInfo().startTime.getTime();
    try {
      await sleep(Math.max(1, wallMs - spent));
    } catch {
      return;
    }
    if (this.#request.policy.budget.wallMs === wallMs) await this.#stop('its time was spent');
  }

  #watchLimits(failed: number): void {
    const { failFast, budget } = this.#request.policy;
    const { tasks, ms } = this.#spent();
    if (failFast && failed > 0) void this.#stop('a task failed', true);
    else if (budget.computeMs !== undefined && ms >= budget.computeMs) void this.#stop('its compute time was spent');
    else if (budget.tasks !== undefined && tasks >= budget.tasks) void this.#stop('its number of tasks was computed');
  }

  #beginSlice({ id: name }: SliceWork): { ended: Promise<[{ status: 'COMPLETED'; ms: number }]>; cancel: () => void } {
    const workflowId = `${workflowInfo().workflowId}/slice-${name}`;
    this.#open.set(name, workflowId);
    const scope = new CancellationScope();
    const child = async (): Promise<Progress> =>
      executeChild(runSlice, {
        args: [
          { request: this.#request, name, isHeld: this.#board.state === 'paused', holds: this.#holds, kinds: this.#board.progress().kinds },
        ],
        workflowId,
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      });
    const ended = scope.run(child).then(
      (progress): [{ status: 'COMPLETED'; ms: number }] => {
        this.#open.delete(name);
        this.#endedIn.set(name, progress);
        this.#spentIn.set(name, progress.spent);
        this.#board.add(progress);
        this.#watchLimits(0);
        return [{ status: 'COMPLETED', ms: progress.spent.ms }];
      },
      (error: unknown) => {
        this.#open.delete(name);
        throw error;
      },
    );
    return { ended, cancel: () => scope.cancel() };
  }

  #orderAll(order: Order): void {
    for (const workflow of this.#open.values()) this.#order(workflow, order);
  }

  /** A slice that has just ended hears nothing, and needs not. */
  #order(workflow: string, order: Order): void {
    void getExternalWorkflowHandle(workflow)
      .signal(orderSignal, order)
      .catch(() => {});
  }
}
