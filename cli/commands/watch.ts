import { dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type WorkflowHandle, WorkflowIdConflictPolicy, WorkflowIdReusePolicy, WorkflowNotFoundError } from '@temporalio/client';
import type { Heard } from '../../activities/hear.ts';
import { Ledger } from '../../activities/ledger.ts';
import { ConfigError, isPanelflowError } from '../../core/errors.ts';
import { didYouMean } from '../../core/problem.ts';
import { type ArtifactStore, recordPath } from '../../core/store.ts';
import { plural } from '../../core/units.ts';
import { storeSource } from '../../runs/records.ts';
import type { LaunchOrder } from '../../schemas/launch.ts';
import type { WatchNews, WatchRecord } from '../../schemas/watch.ts';
import type { RunningWorker } from '../../workers/worker.ts';
import { serve } from '../accompany.ts';
import type { Connected } from '../connect.ts';
import { bold, dim, say } from '../print.ts';
import { type RunsFlags, withServer } from '../runs.ts';
import type { Settings } from '../settings.ts';
import { Door, doorAt } from '../watch/door.ts';
import { followWatch, newsLine } from '../watch/follow.ts';
import { describeWatch, type Described, type SpecFlags } from '../watch/spec.ts';
import { baselineOf, policyOf, type RunFlags } from './run.ts';
import { subscriptionsOf, tolerancesOf } from '../subscriptions.ts';

export interface WatchFlags extends RunsFlags, SpecFlags, Pick<RunFlags, 'baseline' | 'tolerance' | 'notify' | 'priority' | 'slots'> {
  readonly name?: string;
  readonly set?: string[];
  readonly profile?: string[];
  readonly paramsFile?: string;
  readonly out?: string;
  readonly token?: string;
  readonly detach?: boolean;
}

/** A server of S3 or SQS that is away is waited for so long; the server of workflows takes an event in this time, or is to have it again. */
const PATIENCE_MS = 60_000;
const TAKEN_MS = 5_000;

export const workflowOf = (name: string): string => `watch-${name}`;

/** `panelflow watch PLACE --pipeline FILE`: sets a watch up, or anew, and follows it, serving it unless others do. */
export async function watch(place: string, flags: WatchFlags): Promise<number> {
  const at = flags.listen === undefined ? undefined : doorAt(flags.listen, flags.token);
  if (at && flags.detach)
    throw new ConfigError('--listen says nothing with --detach', {
      mend: 'The door is open while the command runs: leave one of the two out.',
    });
  const door = at && (await Door.open(at));
  try {
    const described = await patiently(() => describeWatch(place, flags, say));
    return await withServer(flags, (connected, store, set) => begin(described, { flags, connected, store, set, door }));
  } finally {
    await door?.close();
  }
}

/** S3 or SQS may be away when a watch comes back after a power cut: it is waited for. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  const start = Date.now();
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!isPanelflowError(error) || !error.retryable || Date.now() - start > PATIENCE_MS) throw error;
      if (tries === 1) say(`${error.message}; waiting…`);
      await sleep(1_000);
    }
  }
}

interface Place {
  readonly flags: WatchFlags;
  readonly connected: Connected;
  readonly store: ArtifactStore;
  readonly set: Settings;
  readonly door: Door | undefined;
}

async function begin(described: Described, { flags, connected, store, set, door }: Place): Promise<number> {
  const { spec, loaded } = described;
  const since = Date.now();
  const ledger = new Ledger(store, spec.name);
  await setUp(described, { flags, connected, store, set, ledger });
  const handle = await start(connected, set, described);
  say(`${bold(spec.name)}  s3://${spec.bucket}/${spec.glob}${spec.versions ? dim('  every version') : ''}`);
  if (flags.detach) {
    const where = flags.address === undefined ? '' : ` --address ${flags.address}`;
    say(`It goes on while a worker is up: panelflow worker --queue cpu,gpu${where}`);
    return 0;
  }
  const tell = (news: WatchNews): void => {
    if (flags.json) process.stdout.write(`${JSON.stringify(news)}\n`);
    else say(newsLine(news));
  };
  return accompany({ connected, set, handle, slots: flags.slots, plugins: loaded.plugins }, async (signal) => {
    if (door) {
      const hand = (heard: Heard): Promise<void> =>
        connected.client.withDeadline(Date.now() + TAKEN_MS, () => handle.signal('heard', heard));
      door.listener = { spec, ledger, tell: hand };
      say(dim(`Events are taken at http://${flags.listen}/`));
    }
    await followWatch({ handle, connected, signal, since, isEmbedded: set.address === undefined, tell, say });
  });
}

interface Served {
  readonly connected: Connected;
  readonly set: Settings;
  readonly handle: WorkflowHandle;
  readonly slots: number | undefined;
  readonly plugins: readonly string[];
}

/** Serves what is followed, unless others do, until it is interrupted. */
async function accompany({ connected, set, slots, plugins }: Served, follow: (signal: AbortSignal) => Promise<void>): Promise<number> {
  const interrupt = new AbortController();
  const onSignal = (): void => {
    if (interrupt.signal.aborted) process.exit(130);
    say('\nStopping… running steps are handed back, and the watch waits. The same command goes on.');
    interrupt.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  let worker: RunningWorker | undefined;
  try {
    if (set.address === undefined) worker = await serve({ connected, set, plugins, slots });
    const broken = worker?.stopped.then(() => new Promise<never>(() => {})) ?? new Promise<never>(() => {});
    await Promise.race([follow(interrupt.signal), broken]);
    return 0;
  } finally {
    await worker?.stop().catch(() => {});
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

interface SetUp extends Omit<Place, 'door'> {
  readonly ledger: Ledger;
}

/** Writes down what the watch is, for workers to read. */
async function setUp({ spec, pace, loaded }: Described, { flags, connected, store, set, ledger }: SetUp): Promise<void> {
  const before: WatchRecord | undefined = (await ledger.hasWatch()) ? await ledger.watch() : undefined;
  if (before && (before.spec.bucket !== spec.bucket || before.spec.glob !== spec.glob))
    throw new ConfigError(`The watch "${spec.name}" watches s3://${before.spec.bucket}/${before.spec.glob}`, {
      mend: `Give another --name, or remove that one: panelflow watch remove ${spec.name} --forget`,
    });
  const order: LaunchOrder = {
    name: spec.name,
    work: set.work,
    source: await storeSource(store, { ...loaded, folder: dirname(loaded.file.path) }),
    plan: null,
    file: null,
    params: {},
    policy: policyOf({ shardSize: 500, priority: flags.priority }),
    after: {
      out: null,
      baseline: await baselineOf(flags.baseline, spec.name, connected),
      tolerances: tolerancesOf(flags.tolerance ?? []),
      notify: await subscriptionsOf(flags.notify ?? [], set),
    },
  };
  await store.writeRecord(recordPath.order(workflowOf(spec.name)), JSON.stringify(order));
  await ledger.setUp({ spec, pace, file: resolve(flags.pipeline), plugins: [...loaded.plugins], created: before?.created ?? Date.now() });
}

/** Starts the watch's workflow, or tells the one that is open that things have changed. */
async function start({ client }: Connected, set: Settings, { spec, pace }: Described): Promise<WorkflowHandle> {
  const handle = await client.workflow.signalWithStart('watchDrops', {
    workflowId: workflowOf(spec.name),
    taskQueue: 'panelflow',
    args: [{ watch: { name: spec.name, work: set.work }, pace }],
    signal: 'pace',
    signalArgs: [pace],
    memo: { watch: spec.name, work: set.work },
    staticSummary: `s3://${spec.bucket}/${spec.glob}`,
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
  });
  const { memo } = await handle.describe();
  if (memo?.work === set.work) return handle;
  throw new ConfigError(`A watch "${spec.name}" goes on at this server, with the store ${String(memo?.work)}`, {
    mend: 'Give that store with --work, or another --name.',
  });
}

/** Hands a watch that is known to something to do, with the state of its workflow. */
export function withWatch(
  name: string,
  flags: RunsFlags,
  act: (found: {
    ledger: Ledger;
    record: WatchRecord;
    handle: WorkflowHandle;
    isOpen: boolean;
    connected: Connected;
    store: ArtifactStore;
  }) => Promise<number>,
): Promise<number> {
  return withServer(flags, async (connected, store) => {
    const ledger = new Ledger(store, name);
    const known = await Ledger.watches(store);
    if (!known.includes(name))
      throw new ConfigError(`There is no watch "${name}"`, {
        mend: didYouMean(name, known) ?? '`panelflow watch s3://bucket/*.h5ad --pipeline FILE` sets one up.',
      });
    const handle = connected.client.workflow.getHandle(workflowOf(name));
    const isOpen = await handle.describe().then(
      ({ status }) => status.name === 'RUNNING',
      (error: unknown) => {
        if (error instanceof WorkflowNotFoundError) return false;
        throw error;
      },
    );
    return act({ ledger, record: await ledger.watch(), handle, isOpen, connected, store });
  });
}

/** `panelflow watch pause NAME` and `resume NAME`: no new run begins meanwhile; what is dropped is noticed all the same. */
export function order(name: string, what: 'pause' | 'resume', flags: RunsFlags): Promise<number> {
  return withWatch(name, flags, async ({ handle, isOpen }) => {
    if (!isOpen) throw ended(name);
    await handle.signal('watchOrder', what);
    say(what === 'pause' ? `${name}: no new run begins; those under way go on.` : `${name} goes on.`);
    return 0;
  });
}

/** `panelflow watch remove NAME`: ends the watch; runs under way go on. What it has seen is kept, unless it is to be forgotten. */
export function remove(name: string, flags: RunsFlags & { readonly forget?: boolean }): Promise<number> {
  return withWatch(name, flags, async ({ handle, isOpen, ledger, store }) => {
    if (isOpen) await handle.terminate('panelflow watch remove');
    if (flags.forget) {
      await ledger.forget();
      await store.removeRecord(recordPath.order(workflowOf(name)));
    }
    say(
      flags.forget
        ? `${name} is removed; set up again, it would run everything anew.`
        : `${name} has ended. What it has seen is kept (--forget drops that, too).`,
    );
    return 0;
  });
}

/** `panelflow watch retry NAME [KEY]`: versions that failed or were refused run again. */
export function retry(name: string, key: string | undefined, flags: RunsFlags): Promise<number> {
  return withWatch(name, flags, async ({ handle, isOpen, ledger }) => {
    if (!isOpen) throw ended(name);
    const all = (await ledger.all()).filter(({ state }) => state === 'failed' || state === 'refused');
    const found = all.filter((record) => key === undefined || record.key === key || record.hash.startsWith(key));
    if (found.length === 0)
      throw new ConfigError(key === undefined ? 'Nothing has failed' : `No version of "${key}" has failed`, {
        mend:
          didYouMean(
            key ?? '',
            all.slice(0, 20).map((record) => record.key),
          ) ?? `\`panelflow watch show ${name}\` lists all.`,
      });
    await handle.signal(
      'again',
      found.map(({ hash }) => hash),
    );
    say(`${plural(found.length, 'version')} will run again.`);
    return 0;
  });
}

const ended = (name: string): ConfigError =>
  new ConfigError(`The watch "${name}" has ended`, { mend: 'Give the command that set it up again: it goes on with what it has seen.' });
