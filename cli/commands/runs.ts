import { join, resolve } from 'node:path';
import { ConfigError } from '../../core/errors.ts';
import { didYouMean } from '../../core/problem.ts';
import type { ArtifactStore } from '../../core/store.ts';
import type { ArtifactRef } from '../../schemas/artifact.ts';
import type { Plan } from '../../schemas/plan.ts';
import type { Progress } from '../../schemas/run.ts';
import { openStore } from '../../workers/compose.ts';
import { type Connected, connect } from '../connect.ts';
import { whole } from '../follow.ts';
import { duration, errorText, say, table } from '../print.ts';
import { recordsOf, writeResults } from '../results.ts';
import { settings } from '../settings.ts';
import { packageVersion } from './run.ts';

interface Flags {
  readonly work?: string;
  readonly address?: string;
  readonly namespace?: string;
  readonly json?: boolean;
}

interface RunRow {
  readonly run: string;
  readonly workflow: string;
  readonly execution: string;
  readonly name: string;
  readonly status: string;
  readonly started: Date;
  readonly closed: Date | undefined;
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);

/** Every run that the server knows, newest first. */
async function runsOf({ client }: Connected): Promise<RunRow[]> {
  const rows: RunRow[] = [];
  for await (const w of client.workflow.list({ query: 'WorkflowType = "runPipeline"' })) {
    rows.push({
      run: (w.memo?.run as string | undefined) ?? w.workflowId,
      workflow: w.workflowId,
      execution: w.runId,
      name: (w.memo?.name as string | undefined) ?? '',
      status: w.status.name,
      started: w.startTime,
      closed: w.closeTime,
    });
  }
  return rows.sort((a, b) => b.started.getTime() - a.started.getTime());
}

/** The newest run whose name begins so; `last` is the newest of all. */
async function findRun(word: string, connected: Connected): Promise<RunRow> {
  const runs = await runsOf(connected);
  const found =
    word === 'last' ? runs[0] : (runs.find((r) => r.run === word) ?? runs.find((r) => r.run.startsWith(word) || r.name === word));
  if (found) return found;
  throw new ConfigError(`There is no run "${word}"`, {
    mend:
      didYouMean(
        word,
        runs.slice(0, 10).map((r) => r.run),
      ) ?? 'No run is known here; `panelflow run FILE` starts one.',
  });
}

async function withServer(flags: Flags, work: (connected: Connected, store: ArtifactStore) => Promise<number>): Promise<number> {
  const set = settings(flags);
  const connected = await connect(set, say);
  try {
    return await work(connected, openStore(set.work));
  } finally {
    await connected.close();
  }
}

/** `panelflow list` */
export function list(flags: Flags): Promise<number> {
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
export function status(word: string, flags: Flags): Promise<number> {
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
      print(`${row.run}  ${row.status.toLowerCase()}  started ${row.started.toISOString()}`);
      if (progress)
        print(
          table(
            progress.steps.map((s) => [s.step, s.total, s.done, s.cached, s.running, s.failed, s.skipped]),
            ['step', 'tasks', 'done', 'cached', 'running', 'failed', 'skipped'],
          ),
        );
      else print('No worker answers for it at the moment; `panelflow worker` or `panelflow run` serves it.');
    }
    return 0;
  });
}

async function planOf(store: ArtifactStore, run: string): Promise<Plan> {
  const text = await store.readRecord(`runs/${run}/run.json`);
  if (text === undefined)
    throw new ConfigError(`The store has no record of the run "${run}"`, { mend: 'Name the store it ran in with --work.' });
  const { plan } = JSON.parse(text) as { plan: ArtifactRef };
  return JSON.parse(Buffer.from(await store.get(plan)).toString('utf8')) as Plan;
}

/** `panelflow log RUN` */
export function log(word: string, flags: Flags & { readonly failed?: boolean }): Promise<number> {
  return withServer(flags, async (connected, store) => {
    const { run } = await findRun(word, connected);
    const plan = await planOf(store, run);
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
export function cancel(word: string, flags: Flags): Promise<number> {
  return withServer(flags, async (connected) => {
    const row = await findRun(word, connected);
    if (row.status !== 'RUNNING') throw new ConfigError(`The run ${row.run} is ${row.status.toLowerCase()} already`);
    await connected.client.workflow.getHandle(row.workflow, row.execution).cancel();
    say(`Asked ${row.run} to stop. What it has finished stays in the cache.`);
    return 0;
  });
}

/** `panelflow report RUN` */
export function report(word: string, flags: Flags & { readonly out?: string }): Promise<number> {
  return withServer(flags, async (connected, store) => {
    const { run } = await findRun(word, connected);
    const plan = await planOf(store, run);
    const out = resolve(flags.out ?? join('results', plan.name));
    const files = await writeResults(plan, run, store, out, await packageVersion());
    if (files.length === 0)
      throw new ConfigError(`The run ${run} has no results yet`, { mend: 'See `panelflow status`; `panelflow run` goes on with it.' });
    if (flags.json) print(JSON.stringify({ out, files }));
    else print(files.map((f) => join(out, f)).join('\n'));
    return 0;
  });
}
