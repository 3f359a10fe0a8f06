import { dirname, join, resolve } from 'node:path';
import {
  type ScheduleDescription,
  type ScheduleHandle,
  ScheduleNotFoundError,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
} from '@temporalio/client';
import { ConfigError } from '../../core/errors.ts';
import { didYouMean } from '../../core/problem.ts';
import { type ArtifactStore, recordPath } from '../../core/store.ts';
import { milliseconds, plural } from '../../core/units.ts';
import { prepare } from '../../runs/prepare.ts';
import { storePlan, storeSource } from '../../runs/records.ts';
import type { LaunchOrder } from '../../schemas/launch.ts';
import type { Connected } from '../connect.ts';
import { print, say, table } from '../print.ts';
import { type RunsFlags, withServer } from '../runs.ts';
import { afterOf, baselineOf, placeOf, policyOf, type RunFlags } from './run.ts';

const OVERLAP = {
  skip: ScheduleOverlapPolicy.SKIP,
  'buffer-one': ScheduleOverlapPolicy.BUFFER_ONE,
  'buffer-all': ScheduleOverlapPolicy.BUFFER_ALL,
  'cancel-other': ScheduleOverlapPolicy.CANCEL_OTHER,
  'terminate-other': ScheduleOverlapPolicy.TERMINATE_OTHER,
  'allow-all': ScheduleOverlapPolicy.ALLOW_ALL,
} as const;

export interface AddFlags extends RunsFlags, RunFlags {
  readonly cron?: string[];
  readonly every?: string;
  readonly offset?: string;
  readonly timezone?: string;
  readonly overlap: string;
  readonly catchup: string;
  readonly jitter?: string;
  readonly pauseOnFailure?: boolean;
  readonly paused?: boolean;
  readonly note?: string;
  readonly follow?: boolean;
  readonly replace?: boolean;
}

export interface ScheduleFlags extends RunsFlags {
  readonly note?: string;
  readonly overlap?: string;
  readonly from?: string;
  readonly to?: string;
}

const idOf = (name: string): string => `panelflow-${name}`;
const nameOf = (id: string): string => id.replace(/^panelflow-/, '');
const time = (date: Date | undefined): string => date?.toISOString().slice(0, 19).replace('T', ' ') ?? '-';

/** `panelflow schedule add NAME FILE`: stores the plan with its inputs pinned (or, with --follow, the file's name), and when to run it. */
export async function add(name: string, file: string, flags: AddFlags): Promise<number> {
  if (!/^[A-Za-z][\w-]*$/.test(name))
    throw new ConfigError(`"${name}" is no name for a schedule`, { mend: 'Begin with a letter; letters, digits, - and _ may follow.' });
  const when = specOf(flags);
  const overlap = overlapOf(flags.overlap);
  const { profile = [], set: params = [], paramsFile } = flags;
  const prepared = await prepare(file, { profiles: profile, set: params, paramsFile, name: flags.name });
  return withServer(flags, async (connected, store, set) => {
    const { work } = set;
    const { baseline: word } = flags;
    // Of a schedule, "last" is another run each time.
    const baseline = word === 'last' ? word : await baselineOf(word, prepared.plan.name, connected);
    const after = (await afterOf(flags, baseline, set)) ?? { baseline: null, notify: [] };
    const order: LaunchOrder = {
      ...{ name: prepared.plan.name, work, params: {}, policy: policyOf(flags) },
      source: await storeSource(store, { ...prepared.loaded, folder: dirname(prepared.loaded.file.path) }),
      plan: flags.follow ? null : await storePlan(store, prepared.plan),
      file: flags.follow
        ? { path: resolve(file), profiles: profile, set: params, paramsFile: paramsFile === undefined ? null : resolve(paramsFile) }
        : null,
      after: { ...after, out: placeOf(flags.out ?? join('results', name, '{run}'), name) },
    };
    await keep(name, connected, flags.replace === true, {
      spec: when,
      action: { type: 'startWorkflow', workflowType: 'launchRun', workflowId: `schedule-${name}`, taskQueue: 'panelflow', args: [order] },
      policies: { overlap, catchupWindow: asked('--catchup', flags.catchup), pauseOnFailure: flags.pauseOnFailure === true },
      state: { paused: flags.paused === true, ...(flags.note === undefined ? {} : { note: flags.note }) },
    });
    // Only of a schedule that was taken: it is what keeps `clean` from dropping its plan.
    await store.writeRecord(recordPath.order(`schedule-${name}`), JSON.stringify(order));
    const next = (await connected.client.schedule.getHandle(idOf(name)).describe()).info.nextActionTimes[0];
    if (flags.json) print(JSON.stringify({ name, next: next ?? null, pinned: !flags.follow, tasks: prepared.plan.tasks.length }));
    else {
      print(`${name}: ${plural(prepared.plan.tasks.length, 'task')}, next at ${time(next)} UTC${flags.paused ? ', paused' : ''}.`);
      const where = flags.address === undefined ? '' : ` --address ${flags.address}`;
      say(`It runs while a worker is up: panelflow worker --queue cpu,gpu${where}`);
    }
    return 0;
  });
}

/** Creates the schedule, or with `replace` changes it in one step: a bad one leaves the earlier as it was. */
async function keep(name: string, { client }: Connected, replace: boolean, options: Omit<ScheduleOptions, 'scheduleId'>): Promise<void> {
  const handle = client.schedule.getHandle(idOf(name));
  const known = await handle.describe().catch((error: unknown) => {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  });
  if (known && !replace)
    throw new ConfigError(`There is a schedule "${name}" already`, {
      mend: 'Add --replace, or choose another name; `panelflow schedule list` shows all.',
    });
  try {
    if (known) await handle.update(() => ({ ...options, state: { paused: false, ...options.state } }));
    else await client.schedule.create({ ...options, scheduleId: idOf(name) });
  } catch (error) {
    // That is how the client gives what was asked for wrongly.
    if (!(error instanceof TypeError)) throw error;
    throw new ConfigError(`The server does not take that schedule: ${error.message}`, {
      cause: error,
      mend: 'Check --cron ("0 3 * * 1" is Mondays at three), --every and --timezone ("Europe/Vienna").',
    });
  }
}

function asked(flag: string, text: string): number {
  const value = milliseconds(text);
  if (!Number.isNaN(value)) return value;
  throw new ConfigError(`${flag} ${text}: that is no time`, { mend: 'Write for example 90s, 15m, 2h or 7d.' });
}

function specOf({ cron = [], every, offset, timezone, jitter }: AddFlags): ScheduleOptions['spec'] {
  if (cron.length === 0 && every === undefined)
    throw new ConfigError('When is it to run?', { mend: 'Give --cron "0 3 * * 1" (minute hour day month weekday) or --every 1d.' });
  return {
    cronExpressions: cron,
    intervals:
      every === undefined ? [] : [{ every: asked('--every', every), offset: offset === undefined ? 0 : asked('--offset', offset) }],
    ...(timezone === undefined ? {} : { timezone }),
    ...(jitter === undefined ? {} : { jitter: asked('--jitter', jitter) }),
  };
}

function overlapOf(word: string): ScheduleOverlapPolicy {
  if (Object.hasOwn(OVERLAP, word)) return OVERLAP[word as keyof typeof OVERLAP];
  const known = Object.keys(OVERLAP);
  throw new ConfigError(`--overlap ${word}: there is no such policy`, {
    mend: `${didYouMean(word, known) ?? ''} Known: ${known.join(', ')}.`.trim(),
  });
}

/** `panelflow schedule list` */
export function list(flags: ScheduleFlags): Promise<number> {
  return withServer(flags, async ({ client }) => {
    const rows: { name: string; state: string; last: Date | undefined; next: Date | undefined; note: string }[] = [];
    for await (const { scheduleId, info, state } of client.schedule.list()) {
      if (!scheduleId.startsWith('panelflow-')) continue;
      const last = info.recentActions.at(-1)?.takenAt;
      rows.push({
        name: nameOf(scheduleId),
        state: state.paused ? 'paused' : 'active',
        last,
        next: state.paused ? undefined : info.nextActionTimes[0],
        note: state.note ?? '',
      });
    }
    if (flags.json) print(JSON.stringify(rows));
    else if (rows.length === 0) print('No schedule is known here; `panelflow schedule add NAME FILE --every 1d` makes one.');
    else
      print(
        table(
          rows.map((r) => [r.name, r.state, time(r.last), time(r.next), r.note]),
          ['name', 'state', 'last (UTC)', 'next (UTC)', 'note'],
        ),
      );
    return 0;
  });
}

/** `panelflow schedule show NAME`: when it runs, and how its last runs went. */
export function show(name: string, flags: ScheduleFlags): Promise<number> {
  return withSchedule(name, flags, async (handle, connected) => {
    const { info, state, policies, spec } = await described(handle, name);
    const runs = await Promise.all(
      info.recentActions.map(async ({ scheduledAt, action }) => ({ at: scheduledAt, ...(await fared(connected, action)) })),
    );
    const counts = { taken: info.numActionsTaken, skipped: info.numActionsSkippedOverlap, missed: info.numActionsMissedCatchupWindow };
    if (flags.json) {
      print(
        JSON.stringify({ name, paused: state.paused, note: state.note ?? '', spec, policies, next: info.nextActionTimes, counts, runs }),
      );
      return 0;
    }
    const said = [`${counts.taken} started`, `${counts.skipped} skipped as one was still running`, `${counts.missed} missed`];
    print(`${name}: ${state.paused ? 'paused' : 'active'}${state.note ? ` (${state.note})` : ''}; ${said.join(', ')}`);
    if (!state.paused) print(`next (UTC): ${info.nextActionTimes.slice(0, 3).map(time).join(', ')}`);
    if (runs.length > 0)
      print(
        `\n${table(
          runs.map((r) => [time(r.at), r.state, r.said]),
          ['for (UTC)', 'state', 'how it went'],
        )}`,
      );
    return 0;
  });
}

/** How a run that a schedule started fared. */
async function fared(
  { client }: Connected,
  action: ScheduleDescription['info']['recentActions'][number]['action'],
): Promise<{ workflow: string; state: string; said: string }> {
  const { workflowId: workflow, firstExecutionRunId } = action.workflow;
  const handle = client.workflow.getHandle(workflow, firstExecutionRunId);
  const state = await handle.describe().then(
    ({ status }) => status.name.toLowerCase(),
    () => 'unknown',
  );
  if (state === 'running' || state === 'unknown') return { workflow, state, said: '' };
  const said = await handle.result().then(
    (end: { readonly title: string }) => end.title,
    (error: Error) => (error.cause instanceof Error ? error.cause.message : error.message),
  );
  return { workflow, state, said };
}

async function withSchedule(
  name: string,
  flags: ScheduleFlags,
  work: (handle: ScheduleHandle, connected: Connected, store: ArtifactStore) => Promise<number>,
): Promise<number> {
  return withServer(flags, async (connected, store) => work(connected.client.schedule.getHandle(idOf(name)), connected, store));
}

/** A schedule's description; ConfigError when there is none of that name. */
function described(handle: ScheduleHandle, name: string): Promise<ScheduleDescription> {
  return handle.describe().catch((error: unknown) => {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    throw new ConfigError(`There is no schedule "${name}"`, { mend: '`panelflow schedule list` shows all.' });
  });
}

/** `panelflow schedule pause|resume|trigger|backfill|remove NAME` */
export function act(action: 'pause' | 'resume' | 'trigger' | 'backfill' | 'remove', name: string, flags: ScheduleFlags): Promise<number> {
  return withSchedule(name, flags, async (handle, _, store) => {
    const { policies } = await described(handle, name);
    const overlap = flags.overlap === undefined ? undefined : overlapOf(flags.overlap);
    if (action === 'pause') await handle.pause(flags.note ?? 'paused by hand');
    else if (action === 'resume') await handle.unpause(flags.note ?? 'resumed by hand');
    // As the schedule has it: the server does not watch runs of which any number may be open, so that they could not pause it.
    else if (action === 'trigger') await handle.trigger(overlap ?? policies.overlap);
    else if (action === 'backfill')
      await handle.backfill({
        start: dateOf('--from', flags.from),
        end: dateOf('--to', flags.to),
        overlap: overlap ?? ScheduleOverlapPolicy.BUFFER_ALL,
      });
    else {
      await handle.delete();
      await store.removeRecord(recordPath.order(`schedule-${name}`));
    }
    const done = { pause: 'is paused', resume: 'goes on', trigger: 'runs now', backfill: 'makes up for that time', remove: 'is removed' };
    say(`${name} ${done[action]}.`);
    return 0;
  });
}

function dateOf(flag: string, text = ''): Date {
  const date = new Date(text);
  if (Number.isNaN(date.getTime()))
    throw new ConfigError(`${flag} ${text}: that is no time`, { mend: `Write ${flag} 2026-11-01 or ${flag} 2026-11-01T03:00:00Z.` });
  return date;
}
