import { join, resolve } from 'node:path';
import { load } from '../../runs/load.ts';
import { checkPins } from '../../runs/launch.ts';
import { noteRun, planOf, recordOf, sourceOf } from '../../runs/records.ts';
import { checkOut } from '../../runs/results.ts';
import type { RunRequest } from '../../schemas/run.ts';
import { accompany } from '../accompany.ts';
import { findRun, type RunsFlags, startWorkflow, withServer } from '../runs.ts';
import { subscriptionsOf, tolerancesOf } from '../subscriptions.ts';
import { placeOf, run as runFile } from './run.ts';

export interface RepeatFlags extends RunsFlags {
  readonly out?: string;
  readonly cached?: boolean;
  readonly tolerance?: string[];
  readonly notify?: string[];
  readonly slots?: number;
  readonly quiet?: boolean;
}

/** `panelflow repeat RUN|FILE`: computes a run again, all of it, with the inputs that it had, and compares; a file is run first. */
export async function repeat(word: string, flags: RepeatFlags): Promise<number> {
  let before = word;
  if (/\.ya?ml$/.test(word)) {
    const { out: _, ...like } = flags;
    const code = await runFile(word, { ...like, shardSize: 500, priority: 3, notify: [] });
    if (code !== 0) return code;
    before = (await load(word)).run.name;
  }
  return withServer(flags, async (connected, store, set) => {
    const baseline = (await findRun(before, connected)).run;
    const record = await recordOf(store, baseline);
    const plan = record.plans.at(-1)!;
    await checkPins(await planOf(store, plan), (await sourceOf(store, record.source)).folder);
    const { name, policy, plugins, source } = record;
    const out = flags.out === undefined ? resolve(join('results', `${name}-repeat`)) : placeOf(flags.out, name);
    await checkOut(out);
    const run = `${name}-${plan.sha256.slice(0, 8)}-${Date.now().toString(36)}`;
    const request: RunRequest = {
      ...{ run, work: set.work, plans: [plan], source, changes: [] },
      policy: { ...policy, budget: {}, fresh: flags.cached !== true },
      after: {
        out: null,
        baseline,
        tolerances: tolerancesOf(flags.tolerance ?? []),
        notify: await subscriptionsOf(flags.notify ?? [], set),
      },
    };
    const again = await noteRun(store, request, { workflow: run, name, started: Date.now(), out, plugins });
    const handle = await startWorkflow(connected.client, request, { workflow: run, name, summary: `${name} again` });
    const { slots, quiet, json } = flags;
    return accompany({ connected, set, store, handle, record: again, slots, quiet, json });
  });
}
