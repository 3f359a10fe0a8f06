import { heartbeat } from '@temporalio/activity';
import { nodeOf, shard, type TaskNode } from '../core/shards.ts';
import { recordPath } from '../core/store.ts';
import type { Plan } from '../schemas/plan.ts';
import type { Invocation, RunRequest } from '../schemas/run.ts';
import { cacheKey, isDone, lookUp, readRecord, resolveInputs, tasksOf } from './cache.ts';
import { type ActivityDeps, blankRecord, runStep, type StepResult } from './run-step.ts';

/** A plan as the workflow that holds all of it, or its hubs and sinks, sees it. */
export interface Outline {
  readonly hubs: readonly TaskNode[];
  readonly sinks: readonly TaskNode[];
  /** For each shard: the hubs it needs, and how many tasks of each step it holds. */
  readonly shards: readonly { readonly needs: readonly string[]; readonly steps: Readonly<Record<string, number>> }[];
}

/** The activities of the engine itself. */
export interface EngineActivities {
  'engine/outline'(request: RunRequest): Promise<Outline>;
  'engine/shard'(request: RunRequest, shard: number): Promise<readonly TaskNode[]>;
  /** Which of these tasks need no work: done in this run already, or found in the cache (through all they need). */
  'engine/probe'(request: RunRequest, tasks: readonly string[]): Promise<readonly string[]>;
}

export type StepActivity = (invocation: Invocation) => Promise<StepResult>;

/** One activity for each `kind/id`, so that histories and metrics speak the user's words. */
export function createStepActivities(uses: readonly string[], deps: ActivityDeps): Record<string, StepActivity> {
  return Object.fromEntries(uses.map((name) => [name, async (invocation: Invocation) => runStep(deps, invocation)]));
}

/** The activities that read plans and probe the cache; every worker serves them. */
export function createEngineActivities(deps: Pick<ActivityDeps, 'openStore' | 'worker'>): EngineActivities {
  const dealOut = async (request: RunRequest) => {
    const tasks = await tasksOf(deps.openStore(request.work), request.plan);
    return { tasks, sharding: shard({ tasks: [...tasks.values()] } as Plan, request.shardSize) };
  };
  return {
    async 'engine/outline'(request) {
      const { tasks, sharding } = await dealOut(request);
      const inHubs = new Set([...sharding.hubs, ...sharding.sinks]);
      const node = (id: string): TaskNode => {
        const n = nodeOf(tasks.get(id)!);
        return { ...n, needs: n.needs.filter((d) => inHubs.has(d)), waits: n.waits.filter((d) => inHubs.has(d)) };
      };
      const shards = sharding.shards.map((ids) => {
        const steps: Record<string, number> = {};
        const needs = new Set<string>();
        for (const id of ids) {
          const n = nodeOf(tasks.get(id)!);
          steps[n.step] = (steps[n.step] ?? 0) + 1;
          for (const d of n.needs) if (inHubs.has(d)) needs.add(d);
        }
        return { needs: [...needs], steps };
      });
      return { hubs: sharding.hubs.map(node), sinks: sharding.sinks.map(node), shards };
    },
    async 'engine/shard'(request, index) {
      const { tasks, sharding } = await dealOut(request);
      const mine = new Set(sharding.shards[index]);
      return [...mine].map((id) => {
        const n = nodeOf(tasks.get(id)!);
        return { ...n, needs: n.needs.filter((d) => mine.has(d)), waits: n.waits.filter((d) => mine.has(d)) };
      });
    },
    async 'engine/probe'(request, ids) {
      const store = deps.openStore(request.work);
      const tasks = await tasksOf(store, request.plan);
      const done: string[] = [];
      for (const id of ids) {
        heartbeat(done.length);
        const task = tasks.get(id)!;
        const record = await readRecord(store, request.run, id);
        if (isDone(record)) {
          done.push(id);
          continue;
        }
        // A gathered list counts only when nothing is missing from it: else the task waits its turn.
        const inputs = await resolveInputs(store, request.run, task);
        const whole = Object.entries(task.inputs).every(
          ([port, planned]) =>
            !('gather' in planned) || (inputs?.[port] as readonly unknown[] | undefined)?.length === planned.gather.length,
        );
        if (inputs === null || !whole) continue;
        const key = cacheKey(task, inputs);
        const hit = await lookUp(store, key);
        if (!hit) continue;
        await store.writeRecord(
          recordPath.task(request.run, id),
          JSON.stringify({ ...blankRecord(task, deps.worker), ...hit, status: 'CACHED', key }),
        );
        done.push(id);
      }
      return done;
    },
  };
}
