import { dirname, join, resolve } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { ConfigError } from '../../core/errors.ts';
import { isS3 } from '../../core/s3-uri.ts';
import { type ArtifactStore, recordPath } from '../../core/store.ts';
import { milliseconds } from '../../core/units.ts';
import type { After, Budget, Policy, RunRecord, RunRequest } from '../../schemas/run.ts';
import { openStore } from '../../workers/compose.ts';
import { accompany, serve } from '../accompany.ts';
import { type Connected, connect } from '../connect.ts';
import { forecast } from '../forecast.ts';
import { type Prepared, prepare } from '../../runs/prepare.ts';
import { say } from '../print.ts';
import { checkOut } from '../../runs/results.ts';
import { noteRun, recordOf, storePlan, storeSource } from '../../runs/records.ts';
import { findRun, runsOf, startWorkflow } from '../runs.ts';
import { type Settings, settings } from '../settings.ts';
import { subscriptionsOf, tolerancesOf } from '../subscriptions.ts';

/** When so many tasks at the beginning of a plan are in the cache, most of the rest may be, too. */
const LOOKED_AT = 20;

export interface RunFlags {
  readonly out?: string;
  readonly work?: string;
  readonly address?: string;
  readonly namespace?: string;
  readonly profile?: string[];
  readonly paramsFile?: string;
  readonly set?: string[];
  readonly name?: string;
  readonly slots?: number;
  readonly shardSize: number;
  readonly priority: number;
  readonly failFast?: boolean;
  readonly budget?: string[];
  readonly fresh?: boolean;
  readonly baseline?: string;
  readonly tolerance?: string[];
  readonly notify?: string[];
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** `panelflow run FILE`: compile, start or go on, follow, write results. */
export async function run(file: string, flags: RunFlags): Promise<number> {
  const set = settings(flags);
  const prepared = await prepare(file, {
    profiles: flags.profile ?? [],
    set: flags.set ?? [],
    paramsFile: flags.paramsFile,
    name: flags.name,
  });
  const policy = policyOf(flags);
  const out = placeOf(flags.out, prepared.plan.name);
  await checkOut(out);
  const connected = await connect(set, flags.quiet || flags.json ? () => {} : say);
  try {
    const store = openStore(set.work);
    const { slots, quiet, json } = flags;
    const { plan, loaded } = prepared;
    const after = await afterOf(flags, await baselineOf(flags.baseline, prepared.plan.name, connected), set);
    const isBusy = policy.fresh || (await forecast({ ...plan, tasks: plan.tasks.slice(0, LOOKED_AT) }, store)).some((task) => !task.cached);
    const worker = set.address === undefined ? serve({ connected, set, plugins: loaded.plugins, slots, isBusy }) : undefined;
    worker?.catch(() => {});
    const { handle, record } = await begin(prepared, { set, connected, store, policy, out, after }).catch(async (error: unknown) => {
      await worker?.then((running) => running.stop());
      throw error;
    });
    if (worker && !quiet && !json) await tellOfOthers(connected, handle.workflowId);
    return await accompany({ connected, set, store, handle, record, file: loaded.file, worker, slots, quiet, json });
  } finally {
    await connected.close();
  }
}

/** Says which other runs are open, as after an interrupt and a change of the file: this process works for them too. */
async function tellOfOthers(connected: Connected, workflow: string): Promise<void> {
  const open = (await runsOf(connected, 'open')).filter((row) => row.workflow !== workflow).map(({ run }) => run);
  if (open.length === 0) return;
  const shown = open.slice(0, 5).join(', ') + (open.length > 5 ? ` and ${open.length - 5} more` : '');
  say(`Also open, and served here too: ${shown}. To end ${open.length === 1 ? 'it' : 'one'}: panelflow cancel ${open[0]}`);
}

/** How a run is carried out, as flags say it. */
export const policyOf = ({
  shardSize,
  priority,
  failFast = false,
  budget = [],
  fresh,
}: Pick<RunFlags, 'shardSize' | 'priority' | 'failFast' | 'budget' | 'fresh'>): Policy => ({
  ...{ shardSize, priority, failFast, budget: budgetOf(budget) },
  ...(fresh ? { fresh } : {}),
});

/** What a worker does when a run has ended; the results themselves are written by who follows it. */
export async function afterOf(
  { tolerance = [], notify = [] }: Pick<RunFlags, 'tolerance' | 'notify'>,
  baseline: string | null,
  set: Pick<Settings, 'address'>,
): Promise<After | undefined> {
  if (baseline === null && notify.length === 0) return undefined;
  return { out: null, baseline, tolerances: tolerancesOf(tolerance), notify: await subscriptionsOf(notify, set) };
}

/** The run that a word names; `last` is the newest one of that name that ended. Where there is none, and for `first`, it is found at the end. */
export async function baselineOf(word: string | undefined, name: string, connected: Connected): Promise<string | null> {
  if (word === undefined || word === 'first') return word ?? null;
  if (word !== 'last') return (await findRun(word, connected)).run;
  return (await runsOf(connected)).find((row) => row.name === name && row.status === 'COMPLETED')?.run ?? 'last';
}

/** Where results go: a folder's path, or a place in S3. */
export const placeOf = (out: string | undefined, name: string): string =>
  out !== undefined && isS3(out) ? out : resolve(out ?? join('results', name));

/** Reads "wall=2h", "compute=10h", "tasks=500". */
export function budgetOf(words: readonly string[]): Budget {
  const budget: Budget = {};
  for (const word of words) {
    const [, key, value] = /^(\w+)=(.+)$/.exec(word) ?? [];
    if (key === 'tasks' && /^[1-9]\d*$/.test(value)) budget.tasks = Number(value);
    else if ((key === 'wall' || key === 'compute') && /^\d+(\.\d+)?\s*(s|m|h|d)$/.test(value)) budget[`${key}Ms`] = milliseconds(value);
    else
      throw new ConfigError(`--budget ${word}: that is no budget`, {
        mend: 'Write wall=2h, compute=10h or tasks=500; with commas for more.',
      });
  }
  return budget;
}

interface Place {
  readonly set: Settings;
  readonly connected: Connected;
  readonly store: ArtifactStore;
  readonly policy: Policy;
  readonly out: string;
  readonly after: After | undefined;
}

/** Starts the workflow of this plan, or finds the one that is still open. */
async function begin(
  prepared: Prepared,
  { set, connected: { client }, store, policy, out, after }: Place,
): Promise<{ handle: WorkflowHandle; record: RunRecord }> {
  const { name, pipeline } = prepared.plan;
  const hash = prepared.hash.slice(0, 12);
  // A run that computes all anew is not the one that is open and does not.
  const workflow = policy.fresh ? `${name}-${hash}-fresh` : `${name}-${hash}`;
  const fresh = `${name}-${hash.slice(0, 8)}-${Date.now().toString(36)}`;
  const plan = await storePlan(store, prepared.plan);
  const source = await storeSource(store, { ...prepared.loaded, folder: dirname(prepared.loaded.file.path) });
  const request: RunRequest = { run: fresh, work: set.work, plans: [plan], source, policy, changes: [], ...(after ? { after } : {}) };
  const record = await noteRun(store, request, { workflow, name, started: Date.now(), out, plugins: [...prepared.loaded.plugins] });
  const handle = await startWorkflow(client, request, { workflow, name, summary: `${pipeline}: ${name}` });
  const memo = ((await handle.describe()).memo ?? {}) as { run?: string; work?: string };
  if (memo.work !== undefined && memo.work !== set.work)
    throw new ConfigError(`This plan is running already, with the store ${memo.work}`, {
      mend: 'Give that store with --work to go on with it, or another --name.',
    });
  if (memo.run === undefined || memo.run === fresh) return { handle, record };
  await store.removeRecords(recordPath.allOf(fresh));
  return { handle, record: { ...(await recordOf(store, memo.run)), out } };
}
