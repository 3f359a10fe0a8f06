import { cacheKey, lookUp } from '../activities/cache.ts';
import type { ResolvedInputs } from '../core/cache-key.ts';
import type { ArtifactStore } from '../core/store.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import type { Plan } from '../schemas/plan.ts';

/** What will become of one task. */
export interface Forecast {
  readonly task: string;
  readonly cached: boolean;
  readonly key: string | undefined;
  readonly why: string;
}

/** Says for every task whether the cache has it, and why not. Looks only. */
export async function forecast(plan: Plan, store: ArtifactStore): Promise<Forecast[]> {
  const outputs = new Map<string, Readonly<Record<string, ArtifactRef>>>();
  const all: Forecast[] = [];
  for (const task of plan.tasks) {
    const inputs: Record<string, ResolvedInputs[string]> = {};
    let blocker: string | undefined;
    for (const [port, planned] of Object.entries(task.inputs)) {
      if ('gather' in planned) {
        blocker ??= planned.gather.find((s) => !outputs.has(s.task))?.task;
        inputs[port] = planned.gather.flatMap((s) => (outputs.has(s.task) ? [{ ref: outputs.get(s.task)![s.port], cell: s.cell }] : []));
      } else {
        const found = outputs.get(planned.task);
        if (found) inputs[port] = found[planned.port];
        else blocker ??= planned.task;
      }
    }
    if (blocker !== undefined) {
      all.push({ task: task.id, cached: false, key: undefined, why: `its input ${blocker} is computed first` });
      continue;
    }
    const key = cacheKey(task, inputs);
    const hit = await lookUp(store, key);
    if (hit) outputs.set(task.id, hit.outputs);
    all.push({
      task: task.id,
      cached: hit !== undefined,
      key,
      why: hit ? 'same step, params, inputs and seed as before' : 'not computed before',
    });
  }
  return all;
}
