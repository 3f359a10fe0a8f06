import { plural } from '../../core/units.ts';
import type { Progress } from '../../schemas/run.ts';
import { whole } from '../follow.ts';
import { ConfigError } from '../../core/errors.ts';
import { duration, errorText, print, say, table } from '../print.ts';
import { publisher } from '../../runs/publish.ts';
import { recordsOf, writeResults } from '../../runs/results.ts';
import { planOf, recordOf } from '../../runs/records.ts';
import { findRun, type RunsFlags, runsOf, withServer } from '../runs.ts';
import { placeOf } from './run.ts';

/** `panelflow list` */
export function list(flags: RunsFlags): Promise<number> {
  return withServer(flags, async (connected) => {
    const runs = await runsOf(connected);
    if (flags.json) print(JSON.stringify(runs));
    else
      print(
        table(
          runs.map((r) => [
            r.run,
            r.status.toLowerCase(),
            r.started.toISOString().slice(0, 19).replace('T', ' '),
            r.closed ? duration(r.closed.getTime() - r.started.getTime()) : '-',
          ]),
          ['run', 'state', 'started (UTC)', 'took'],
        ),
      );
    return 0;
  });
}

/** `panelflow status RUN` */
export function status(word: string, flags: RunsFlags): Promise<number> {
  return withServer(flags, async (connected) => {
    const row = await findRun(word, connected);
    const handle = connected.client.workflow.getHandle(row.workflow, row.execution);
    const progress =
      row.status === 'COMPLETED'
        ? ((await handle.result()) as Progress)
        : await handle
            .query<Progress>('progress')
            .then((p) => whole(p, connected))
            .catch(() => undefined);
    if (flags.json) print(JSON.stringify({ ...row, progress }));
    else {
      const state = row.status === 'RUNNING' && progress ? progress.state : row.status.toLowerCase();
      print(`${row.run}  ${state}  started ${row.started.toISOString()}`);
      for (const { at, by, what, note } of progress?.changes ?? [])
        print(`  ${new Date(at).toISOString()}  ${what} by ${by}${note ? `: ${note}` : ''}`);
      if (progress?.stopped) print(`  stopped: ${progress.stopped}`);
      if (progress) print(`  computed: ${plural(progress.spent.tasks, 'task')} in ${duration(progress.spent.ms)} of work`);
      if (progress)
        print(
          table(
            progress.steps.map((s) => [s.step, s.total, s.done, s.cached, s.running, s.failed, s.skipped, s.dropped]),
            ['step', 'tasks', 'done', 'cached', 'running', 'failed', 'skipped', 'dropped'],
          ),
        );
      else print('No worker answers for it at the moment; `panelflow worker` or `panelflow run` serves it.');
    }
    return 0;
  });
}

/** `panelflow log RUN` */
export function log(word: string, flags: RunsFlags & { readonly failed?: boolean }): Promise<number> {
  return withServer(flags, async (connected, store) => {
    const { run } = await findRun(word, connected);
    const plan = await planOf(store, (await recordOf(store, run)).plans.at(-1)!);
    const records = await recordsOf(store, run);
    const rows = plan.tasks
      .map((task) => ({ ...task, record: records.get(task.id) }))
      .filter((t) => !flags.failed || t.record?.status === 'FAILED');
    if (flags.json) print(JSON.stringify(rows.map(({ id, step, uses, cell, record }) => ({ id, step, uses, cell, ...record }))));
    else {
      const seconds = (ms: number): string => (ms / 1000).toFixed(2);
      print(
        table(
          rows.map((t) => [
            t.step,
            t.uses,
            t.label || '-',
            t.record?.status ?? 'WAITING',
            t.record && t.record.status !== 'CACHED' ? seconds(t.record.complete - t.record.start) : '-',
            t.record?.attempt ?? '-',
            t.record?.worker ?? '-',
          ]),
          ['step', 'uses', 'cell', 'state', 'seconds', 'attempt', 'worker'],
        ),
      );
      for (const t of rows) if (t.record?.error) print(`\n${t.step}${t.label ? ` (${t.label})` : ''}: ${errorText(t.record.error)}`);
    }
    return 0;
  });
}

/** `panelflow cancel RUN` */
export function cancel(word: string, flags: RunsFlags): Promise<number> {
  return withServer(flags, async (connected) => {
    const row = await findRun(word, connected);
    if (row.status !== 'RUNNING') throw new ConfigError(`The run ${row.run} is ${row.status.toLowerCase()} already`);
    await connected.client.workflow.getHandle(row.workflow, row.execution).cancel();
    say(`Asked ${row.run} to stop. What it has finished stays in the cache.`);
    return 0;
  });
}

/** `panelflow report RUN` */
export function report(word: string, flags: RunsFlags & { readonly out?: string }): Promise<number> {
  return withServer(flags, async (connected, store) => {
    const { run } = await findRun(word, connected);
    const record = await recordOf(store, run);
    const out = flags.out === undefined ? record.out : placeOf(flags.out, record.name);
    const plan = await planOf(store, record.plans.at(-1)!);
    const files = await writeResults(plan, record, await recordsOf(store, run), { store, publish: publisher(out) });
    if (files.length === 0)
      throw new ConfigError(`The run ${run} has no results yet`, { mend: 'See `panelflow status`; `panelflow run` goes on with it.' });
    if (flags.json) print(JSON.stringify({ out, files }));
    else print(files.map((f) => `${out}/${f}`).join('\n'));
    return 0;
  });
}
