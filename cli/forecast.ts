import { cacheKey, checkpointKey, lookUp } from '../activities/cache.ts';
import { keyText, type ResolvedInputs } from '../core/cache-key.ts';
import type { ArtifactStore } from '../core/store.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import type { Plan, PlannedTask } from '../schemas/plan.ts';
import { abreast } from '../runs/abreast.ts';
import { earlierKeys, nearestOf } from './earlier-keys.ts';

/** What will become of one task. */
export interface Forecast {
  readonly task: string;
  readonly cached: boolean;
  /** Its key, where that is known before anything runs. */
  readonly key: string | undefined;
  readonly why: string;
}

/** A forecast with what flows into the task, where that is known, and out of it, where it is cached. */
interface Found {
  readonly forecast: Forecast;
  readonly inputs?: ResolvedInputs;
  readonly outputs?: Readonly<Record<string, ArtifactRef>>;
}

/** Reasons are looked up for at most so many tasks. */
const EXPLAINED = 2_000;

/** Says for every task whether the cache has it. Looks only. */
export async function forecast(plan: Plan, store: ArtifactStore): Promise<Forecast[]> {
  return [...(await findAll(plan, store)).values()].map((found) => found.forecast);
}

/** The same, and of tasks that are to run what changed against the nearest earlier key. */
export async function explainedForecast(plan: Plan, store: ArtifactStore): Promise<Forecast[]> {
  const found = await findAll(plan, store);
  const forecasts = new Map(plan.tasks.map(({ id }) => [id, found.get(id)!.forecast]));
  const misses = plan.tasks.filter(({ id }) => !forecasts.get(id)!.cached && found.get(id)!.inputs);
  if (misses.length > 0 && misses.length <= EXPLAINED) {
    const earlier = await earlierKeys(store, { name: plan.name, uses: new Set(misses.map((task) => task.uses)) });
    for (const task of misses) {
      const near = nearestOf(earlier, task, keyText(task, found.get(task.id)!.inputs!));
      const why = near && (near.changes.join(', ') || 'computed before, but its result has gone');
      if (why !== undefined) forecasts.set(task.id, { ...forecasts.get(task.id)!, why });
    }
  }
  return [...forecasts.values()];
}

/** What a run of the plan may use next: of each task whose key is known before anything runs, that key, its checkpoint, and its outputs when the cache has them. */
export async function reachable(
  plan: Plan,
  store: ArtifactStore,
): Promise<{ readonly key: string; readonly checkpoint: string; readonly outputs: readonly ArtifactRef[] }[]> {
  const found = await findAll(plan, store);
  return plan.tasks.flatMap((task) => {
    const { inputs, outputs = {} } = found.get(task.id)!;
    if (!inputs) return [];
    return [{ key: cacheKey(task, inputs), checkpoint: checkpointKey(task, inputs), outputs: Object.values(outputs) }];
  });
}

async function findAll(plan: Plan, store: ArtifactStore): Promise<Map<string, Found>> {
  const found = new Map<string, Found>();
  const sources = new Map(plan.tasks.map((task) => [task.id, sourcesOf(task)]));
  for (let waiting = plan.tasks; waiting.length > 0; waiting = waiting.filter(({ id }) => !found.has(id))) {
    const ready = waiting.filter(({ id }) => sources.get(id)!.every((source) => found.has(source)));
    await abreast(ready, async (task) => {
      const blocker = sources.get(task.id)!.find((source) => !found.get(source)!.outputs);
      found.set(task.id, blocker === undefined ? await find(store, task, found) : blocked(task.id, blocker));
    });
  }
  return found;
}

const sourcesOf = ({ inputs }: PlannedTask): string[] =>
  Object.values(inputs).flatMap((input) => ('gather' in input ? input.gather.map(({ task }) => task) : [input.task]));

const blocked = (task: string, blocker: string): Found => ({
  forecast: { task, cached: false, key: undefined, why: `its input ${blocker} is computed first` },
});

async function find(store: ArtifactStore, task: PlannedTask, found: ReadonlyMap<string, Found>): Promise<Found> {
  const output = (source: { task: string; port: string }): ArtifactRef => found.get(source.task)!.outputs![source.port];
  const inputs: ResolvedInputs = Object.fromEntries(
    Object.entries(task.inputs).map(([port, planned]) => [
      port,
      'gather' in planned ? planned.gather.map((source) => ({ ref: output(source), cell: source.cell })) : output(planned),
    ]),
  );
  const key = cacheKey(task, inputs);
  const hit = await lookUp(store, key);
  if (!hit) return { forecast: { task: task.id, cached: false, key, why: 'not computed before' }, inputs };
  const why = 'same step, params, inputs and seed as before';
  return { forecast: { task: task.id, cached: true, key, why }, inputs, outputs: hit.outputs };
}
