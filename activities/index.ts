import { activityInfo, heartbeat } from '@temporalio/activity';
import { type Deal, dealOut, nodeOf, type TaskNode } from '../core/shards.ts';
import { type ArtifactStore, recordPath } from '../core/store.ts';
import type { PlannedTask } from '../schemas/plan.ts';
import type { Invocation, RunRequest, TaskEnd, TaskRecord } from '../schemas/run.ts';
import { cacheKey, isDone, isWhole, lookUp, readRecord, type Records, resolveInputs, tasksOf } from './cache.ts';
import { type ActivityDeps, blankRecord, runStep, runTogether, scoreOf } from './run-step.ts';
import { aboutTask } from './task-event.ts';

/** The new tasks of one or more plans as the run's own workflow sees them. */
export interface Outline {
  /** Tasks that it holds. */
  readonly nodes: readonly TaskNode[];
  /** Slices, with how many tasks of each step they hold, and after what they may begin. */
  readonly slices: readonly { readonly name: string; readonly after: readonly string[]; readonly steps: StepCounts }[];
  /** What the plan before had and the newest has not: tasks it holds itself, and those of slices. */
  readonly dropped: {
    readonly own: readonly string[];
    readonly slices: Readonly<Record<string, { readonly tasks: readonly string[]; readonly steps: StepCounts }>>;
  };
}

type StepCounts = Readonly<Record<string, number>>;

/** The activities of the engine itself. */
export interface EngineActivities {
  /** What the plans from number `from` on bring; `from` 0 is a run's beginning. */
  'engine/outline'(request: RunRequest, from: number): Promise<Outline>;
  /** The tasks of a slice that the newest plan still has. */
  'engine/slice'(request: RunRequest, name: string): Promise<readonly TaskNode[]>;
  /** Which of these tasks need no work: done in this run already, or found in the cache (through all they need). */
  'engine/probe'(request: RunRequest, tasks: readonly string[]): Promise<readonly Known[]>;
  /** Notes in the run's record what has become of its request, and how often it was held. */
  'engine/record'(request: RunRequest, holds: number): Promise<void>;
}

export type StepActivity = (invocation: Invocation) => Promise<readonly TaskEnd[]>;

/** A task that needs no work, with the score of its result where one is asked for. */
export interface Known {
  readonly task: string;
  readonly score?: number | null;
}

type Tasks = ReadonlyMap<string, PlannedTask>;

/** Tasks are probed so many at a time: most of it is waiting for the store. */
const ABREAST = 64;

/** One activity for each `kind/id`, so that histories and metrics speak the user's words. */
export function createStepActivities(uses: readonly string[], deps: ActivityDeps): Record<string, StepActivity> {
  const act: StepActivity = async (invocation) =>
    invocation.tasks.length > 1 ? runTogether(deps, invocation) : [await runStep(deps, invocation)];
  return Object.fromEntries(uses.map((name) => [name, act]));
}

function countSteps(ids: readonly string[], tasks: Tasks): StepCounts {
  const steps: Record<string, number> = {};
  for (const id of ids) {
    const { step } = tasks.get(id)!;
    steps[step] = (steps[step] ?? 0) + 1;
  }
  return steps;
}

/** Outline of the deals from number `from` on, without tasks that the newest plan has not. */
function outlineOf(plans: readonly Tasks[], { deals, holder }: ReturnType<typeof dealOut>, from: number): Outline {
  const newest = plans.at(-1)!;
  const place = (id: string): string => holder.get(id) ?? id;
  const isHeld = (id: string): boolean => !holder.has(id);
  const fresh = deals.slice(from);
  const nodes = fresh
    .flatMap((deal) => deal.own)
    .filter((id) => newest.has(id) && isHeld(id))
    .map((id): TaskNode => {
      const node = nodeOf(newest.get(id)!);
      const outside = node.needs.filter((need) => !isHeld(need));
      return { ...node, needs: node.needs.filter(isHeld), waits: [...new Set([...outside, ...node.waits].map(place))] };
    });
  const slices = fresh
    .flatMap((deal: Deal) => deal.slices)
    .map(({ name, tasks, after }) => ({
      name,
      after,
      steps: countSteps(
        tasks.filter((id) => newest.has(id) && holder.get(id) === name),
        newest,
      ),
    }))
    .filter(({ steps }) => Object.keys(steps).length > 0);
  const own: string[] = [];
  const inSlices: Record<string, { tasks: string[]; steps: StepCounts }> = {};
  const before = from > 0 ? plans[from - 1] : new Map<string, PlannedTask>();
  for (const id of before.keys()) {
    if (newest.has(id)) continue;
    const slice = holder.get(id);
    if (slice === undefined) own.push(id);
    else (inSlices[slice] ??= { tasks: [], steps: {} }).tasks.push(id);
  }
  for (const slice of Object.values(inSlices)) slice.steps = countSteps(slice.tasks, before);
  return { nodes: [...new Map(nodes.map((node) => [node.id, node])).values()], slices, dropped: { own, slices: inSlices } };
}

/** The activities that read plans and probe the cache; every worker serves them. */
export function createEngineActivities(
  /** `onFound`: hears of tasks that need no activity, since their results were in the cache. */
  deps: Pick<ActivityDeps, 'openStore' | 'worker'> & { readonly onFound?: ActivityDeps['onTask'] | undefined },
): EngineActivities {
  /** The plans of a request, dealt out; kept while the same run asks, since each of its slices does. */
  let dealt: { readonly key: string; readonly plans: readonly Tasks[]; readonly out: ReturnType<typeof dealOut> } | undefined;
  const deal = async ({ work, plans: refs, policy: { shardSize } }: RunRequest): Promise<NonNullable<typeof dealt>> => {
    const key = JSON.stringify([shardSize, ...refs.map((ref) => ref.sha256)]);
    if (dealt?.key === key) return dealt;
    const plans = await Promise.all(refs.map((ref) => tasksOf(deps.openStore(work), ref)));
    return (dealt = { key, plans, out: dealOut(plans, shardSize) });
  };
  return {
    async 'engine/outline'(request, from) {
      const { plans, out } = await deal(request);
      return outlineOf(plans, out, from);
    },
    async 'engine/slice'(request, name) {
      const { plans, out } = await deal(request);
      const newest = plans.at(-1)!;
      const { deals, holder } = out;
      const { tasks } = deals.flatMap((deal) => deal.slices).find((slice) => slice.name === name)!;
      const mine = new Set(tasks.filter((id) => newest.has(id) && holder.get(id) === name));
      return [...mine].map((id) => {
        const node = nodeOf(newest.get(id)!);
        return { ...node, needs: node.needs.filter((need) => mine.has(need)), waits: node.waits.filter((wait) => mine.has(wait)) };
      });
    },
    async 'engine/probe'(request, ids) {
      const store = deps.openStore(request.work);
      const tasks = await tasksOf(store, request.plans.at(-1)!);
      const asked = new Map<string, Promise<Known | undefined>>();
      const records: Records = new Map();
      let free = ABREAST;
      const queue: (() => void)[] = [];
      /** Each after those of its inputs that are asked for, too: their records must be there first. */
      const ask = async (id: string): Promise<Known | undefined> => {
        const task = tasks.get(id)!;
        const { needs, waits } = nodeOf(task);
        await Promise.all([...needs, ...waits].flatMap((other) => asked.get(other) ?? []));
        if (free > 0) free--;
        else await new Promise<void>((resolve) => queue.push(resolve));
        try {
          return await probe(store, request, task, { worker: deps.worker, onFound: deps.onFound, records });
        } finally {
          heartbeat();
          const next = queue.shift();
          if (next) next();
          else free++;
        }
      };
      for (const id of ids) asked.set(id, ask(id));
      const known = await Promise.all(asked.values());
      return known.filter((answer) => answer !== undefined);
    },
    async 'engine/record'({ work, ...request }, holds) {
      const store = deps.openStore(work);
      const path = recordPath.run(request.run);
      const before = JSON.parse((await store.readRecord(path)) ?? '{}') as Record<string, unknown>;
      await store.writeRecord(path, JSON.stringify({ ...before, ...request }));
      await store.writeRecord(recordPath.holds(request.run), String(holds));
    },
  };
}

/** What is known of a task that is done in this run, or was found in the cache (and has a record now). */
async function probe(
  store: ArtifactStore,
  { run, policy: { fresh } }: RunRequest,
  task: PlannedTask,
  {
    worker,
    onFound,
    records,
  }: { readonly worker: string; readonly onFound: ActivityDeps['onTask'] | undefined; readonly records: Records },
): Promise<Known | undefined> {
  const [record, inputs] = await Promise.all([readRecord(store, run, task.id), resolveInputs(store, run, task, records)]);
  // A gathered list counts only when nothing is missing from it: else the task waits its turn.
  if (inputs === null || !isWhole(task, inputs)) return undefined;
  const key = cacheKey(task, inputs);
  if (isDone(record) && record.key === key) return known(task, record.facts);
  const hit = fresh ? undefined : await lookUp(store, key);
  if (!hit) return undefined;
  await store.writeRecord(recordPath.task(run, task.id), JSON.stringify({ ...blankRecord(task, worker), ...hit, status: 'CACHED', key }));
  onFound?.({ run, worker, attempt: activityInfo().attempt, at: Date.now(), ms: 0, status: 'CACHED', ...aboutTask(task) });
  return known(task, hit.facts);
}

const known = (task: PlannedTask, facts: TaskRecord['facts']): Known => ({ task: task.id, ...scoreOf(task, facts) });
