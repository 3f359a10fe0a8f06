import { Ledger } from '../../activities/ledger.ts';
import type { DropRecord, DropState } from '../../schemas/watch.ts';
import { withWatch, workflowOf } from '../commands/watch.ts';
import { dim, duration, print, red, say, table } from '../print.ts';
import { type RunsFlags, withServer } from '../runs.ts';
import { statusOf } from './follow.ts';

const STATES: readonly DropState[] = ['waiting', 'running', 'done', 'failed', 'refused', 'superseded'];

/** Counts of records by state. */
function countsOf(records: readonly DropRecord[]): Record<DropState, number> {
  const counts = Object.fromEntries(STATES.map((state) => [state, 0])) as Record<DropState, number>;
  for (const { state } of records) counts[state]++;
  return counts;
}

/** `panelflow watch list` */
export function list(flags: RunsFlags): Promise<number> {
  return withServer(flags, async (connected, store) => {
    const rows = await Promise.all(
      (await Ledger.watches(store)).map(async (name) => {
        const { spec } = await new Ledger(store, name).watch();
        const handle = connected.client.workflow.getHandle(workflowOf(name));
        const isOpen = (await handle.describe().catch(() => undefined))?.status.name === 'RUNNING';
        const status = isOpen ? await statusOf(connected, handle) : undefined;
        const counts = status?.counts ?? {};
        return {
          name,
          place: `s3://${spec.bucket}/${spec.glob}`,
          state: isOpen ? (status?.state ?? 'no worker') : 'ended',
          running: status?.running.length ?? 0,
          counts,
        };
      }),
    );
    if (flags.json) print(JSON.stringify(rows));
    else
      print(
        table(
          rows.map(({ name, place, state, running, counts }) => [
            name,
            place,
            state,
            running,
            counts.done ?? 0,
            counts.failed ?? 0,
            counts.dead ?? 0,
          ]),
          ['watch', 'objects', 'state', 'running', 'done', 'failed', 'dead letters'],
        ),
      );
    return 0;
  });
}

/** `panelflow watch show NAME`: every version with its run and state. */
export function show(name: string, flags: RunsFlags & { readonly state?: string }): Promise<number> {
  return withWatch(name, flags, async ({ ledger, record, handle, isOpen, connected }) => {
    const all = (await ledger.all()).sort((a, b) => a.seen - b.seen || a.modified - b.modified);
    const status = isOpen ? await statusOf(connected, handle) : undefined;
    const dead = (await ledger.deadLetters()).length;
    const shown = all.filter(({ state }) => flags.state === undefined || state === flags.state);
    const state = isOpen ? (status?.state ?? 'no worker answers') : 'ended';
    const counts = countsOf(all);
    if (flags.json) {
      print(JSON.stringify({ name, state, ...record, counts: { ...counts, dead }, trouble: status?.trouble ?? {}, drops: shown }));
      return 0;
    }
    print(
      table(
        shown.map((drop) => [
          drop.key,
          (drop.version ?? drop.etag).slice(0, 12),
          drop.state,
          drop.run ?? '-',
          drop.started !== null && drop.ended !== null ? duration(drop.ended - drop.started) : '-',
          drop.message.split('\n')[0].slice(0, 120),
        ]),
        ['object', 'version', 'state', 'run', 'took', ''],
      ),
    );
    const parts = [...STATES.filter((s) => counts[s] > 0).map((s) => `${counts[s]} ${s}`), ...(dead > 0 ? [`${dead} dead letters`] : [])];
    print(`\n${name} (${state}): ${parts.join(', ') || 'nothing yet'}`);
    for (const [what, { since, message }] of Object.entries(status?.trouble ?? {}))
      print(`${red('trouble')} with ${what} since ${new Date(since).toISOString().slice(0, 19)}: ${message}`);
    return 0;
  });
}

/** `panelflow watch dead NAME`: messages that could not be read. */
export function dead(name: string, flags: RunsFlags): Promise<number> {
  return withWatch(name, flags, async ({ ledger }) => {
    const letters = await ledger.deadLetters();
    if (flags.json) print(JSON.stringify(letters));
    else if (letters.length === 0) say('None.');
    else
      for (const { at, from, why, text } of letters)
        print(`${new Date(at).toISOString().slice(0, 19)} ${from}: ${why}\n${dim(text.slice(0, 500))}`);
    return 0;
  });
}
