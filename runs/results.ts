import { access, constants, mkdir, rmdir, stat } from 'node:fs/promises';
import { availableParallelism, cpus, hostname, platform, release, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { ConfigError } from '../core/errors.ts';
import { isS3 } from '../core/s3-uri.ts';
import { type ArtifactStore, recordPath } from '../core/store.ts';
import { plural } from '../core/units.ts';
import { decode } from '../data/portable.ts';
import type { Plan } from '../schemas/plan.ts';
import { tellStory } from './run-story.ts';
import type { RunRecord, TaskRecord } from '../schemas/run.ts';
import { abreast } from './abreast.ts';
import { executionPage } from './execution-page.ts';
import { packageVersion } from './load.ts';
import { asFileName, checkBucket, type Publish } from './publish.ts';
import { taskName } from '../core/task-name.ts';

/** Refuses a place for results that cannot be written, before anything runs; leaves nothing behind. */
export async function checkOut(out: string): Promise<void> {
  if (isS3(out)) return checkBucket(out);
  const missing: string[] = [];
  const refuse = (reason: string): never => {
    throw new ConfigError(`The results folder ${out} cannot be written: ${reason}`, { mend: 'Give another one with --out.' });
  };
  let folder = out;
  for (;;) {
    const info = await stat(folder).catch(() => null);
    if (info && !info.isDirectory()) refuse(`${folder} is a file`);
    if (info) break;
    missing.unshift(folder);
    folder = dirname(folder);
  }
  await access(folder, constants.W_OK | constants.X_OK).catch((error: NodeJS.ErrnoException) => refuse(`${error.code} at ${folder}`));
  const made: string[] = [];
  try {
    // One level at a time: the recursive form of mkdir never returns on some special file systems.
    for (const level of missing) {
      await mkdir(level);
      made.push(level);
    }
  } catch (error) {
    refuse(`${(error as NodeJS.ErrnoException).code} at ${missing[made.length]}`);
  } finally {
    for (const level of made.toReversed()) await rmdir(level);
  }
}

/** Every record of a run, by task. */
export async function recordsOf(store: ArtifactStore, run: string): Promise<Map<string, TaskRecord>> {
  const records = new Map<string, TaskRecord>();
  const paths = await store.listRecords(recordPath.tasks(run));
  const texts = new Map<string, string | undefined>();
  await abreast(paths, async (path) => void texts.set(path, await store.readRecord(path)));
  for (const path of paths) {
    const text = texts.get(path);
    if (text === undefined) continue;
    const record = JSON.parse(text) as TaskRecord;
    records.set(record.task, record);
  }
  return records;
}

const TRACE = [
  'task_id',
  'hash',
  'native_id',
  'name',
  'status',
  'exit',
  'submit',
  'duration',
  'realtime',
  '%cpu',
  'peak_rss',
  'peak_vmem',
  'rchar',
  'wchar',
  'step',
  'uses',
  'cell',
  'queue',
  'worker',
  'device',
  'attempt',
  'cached',
  'cause',
  'failures',
  'cache_key',
];

/** The columns that only a task that was tried has. */
function tried(r: TaskRecord): Record<string, string | number> {
  const cached = r.status === 'CACHED';
  const real = r.complete - r.start;
  return {
    ...(r.key === '' ? {} : { hash: `${r.key.slice(0, 2)}/${r.key.slice(2, 8)}`, cache_key: r.key }),
    ...(cached || r.cpuMs === null || real === 0 ? {} : { '%cpu': ((100 * r.cpuMs) / real).toFixed(1) }),
    ...(cached || r.peakRssBytes === null ? {} : { peak_rss: r.peakRssBytes }),
    ...(r.device === null ? {} : { device: r.device }),
    ...(r.error === null ? {} : { cause: r.error.code }),
    ...(r.failures.length === 0 ? {} : { failures: r.failures.map((f) => f.code).join(',') }),
    native_id: r.task,
    exit: r.status === 'FAILED' ? 1 : 0,
    submit: new Date(r.submit).toISOString(),
    duration: r.complete - r.submit,
    realtime: cached ? 0 : real,
    worker: r.worker,
    attempt: r.attempt,
  };
}

/** Tasks that a halving or adaptive seeds left out, with all that needed them. */
function droppedOf({ tasks }: Plan, records: ReadonlyMap<string, TaskRecord>): Set<string> {
  const dropped = new Set<string>();
  for (const { id, gate, undecided, inputs } of tasks) {
    const needsDropped = Object.values(inputs).some((input) => 'task' in input && dropped.has(input.task));
    const isDecided = undecided !== undefined || gate?.rivals[gate.own].every((judge) => records.has(judge) || dropped.has(judge));
    if (!records.has(id) && (isDecided || needsDropped)) dropped.add(id);
  }
  return dropped;
}

/** trace.tsv: Nextflow's columns first, then ours; a task that never ended is ABORTED, one that a halving or adaptive seeds left out is DROPPED. Times are in milliseconds, memory in bytes; "-" is unknown. */
function traceTable(plan: Plan, records: ReadonlyMap<string, TaskRecord>, dropped: ReadonlySet<string>): string {
  const rows = plan.tasks.map((task, i) => {
    const r = records.get(task.id);
    const row: Record<string, string | number | boolean> = {
      task_id: i + 1,
      name: taskName(task),
      status: r?.status ?? (dropped.has(task.id) ? 'DROPPED' : 'ABORTED'),
      step: task.step,
      uses: task.uses,
      cell: task.label || '-',
      queue: task.queue,
      cached: r?.status === 'CACHED',
      ...(r ? tried(r) : {}),
    };
    return TRACE.map((column) => String(row[column] ?? '-').replaceAll(/[\t\r\n]+/g, ' '));
  });
  return `${[TRACE, ...rows].map((row) => row.join('\t')).join('\n')}\n`;
}

/** What is needed to repeat the run, and what it ran on. */
function runFile(
  plan: Plan,
  { run, changes }: Pick<RunRecord, 'run' | 'changes'>,
  records: ReadonlyMap<string, TaskRecord>,
  version: string,
): string {
  const times = [...records.values()];
  return `${JSON.stringify(
    {
      panelflow: version,
      run,
      changes,
      plan,
      files: plan.tasks.flatMap((t) => t.files),
      host: {
        name: hostname(),
        platform: platform(),
        release: release(),
        node: process.version,
        cpu: cpus()[0]?.model ?? 'unknown',
        cores: availableParallelism(),
        memory_bytes: totalmem(),
      },
      timings: {
        start: times.length > 0 ? new Date(Math.min(...times.map((r) => r.start))).toISOString() : null,
        complete: times.length > 0 ? new Date(Math.max(...times.map((r) => r.complete))).toISOString() : null,
        cpu_ms: times.reduce((sum, r) => sum + (r.status === 'COMPLETED' ? (r.cpuMs ?? 0) : 0), 0),
      },
      tasks: Object.fromEntries(times.map((r) => [r.task, { status: r.status, key: r.key, outputs: r.outputs, facts: r.facts }])),
    },
    null,
    1,
  )}\n`;
}

/** Publishes the results of a run, `run.json` last; returns the names. Nothing is written when no reporter ended well. */
export async function writeResults(
  plan: Plan,
  { run, changes }: Pick<RunRecord, 'run' | 'changes'>,
  all: ReadonlyMap<string, TaskRecord>,
  { store, publish }: { readonly store: ArtifactStore; readonly publish: Publish },
): Promise<string[]> {
  // An amendment may have dropped some.
  const records = new Map(plan.tasks.flatMap(({ id }) => (all.has(id) ? [[id, all.get(id)!]] : [])));
  const labels = new Map(plan.tasks.map((t) => [t.id, t.label]));
  const found = plan.publish.flatMap(({ task, port }) => {
    const ref = records.get(task)?.outputs[port];
    return ref === undefined ? [] : [{ ref, name: `${asFileName(labels.get(task) || task)}.model` }];
  });
  if (!found.some(({ ref }) => ref.type === 'files')) return [];
  const dropped = droppedOf(plan, records);
  const story = { plan, records, changes, dropped };
  const names: string[] = [];
  let models = 0;
  for (const { ref, name } of found) {
    if (ref.type === 'model') {
      const bytes = await store.get(ref);
      // Several tasks in turn leave no single network.
      if (bytes.length < 256 && decode(bytes) === null) continue;
      await publish(`models/${name}`, bytes);
      models++;
      continue;
    }
    for (const file of decode(await store.get(ref)) as { name: string; bytes: Uint8Array }[]) {
      const isReport = file.name.endsWith('.html');
      await publish(file.name, isReport ? tellStory(Buffer.from(file.bytes).toString('utf8'), story) : file.bytes);
      names.push(file.name);
    }
  }
  await publish('trace.tsv', traceTable(plan, records, dropped));
  await publish('execution.html', executionPage(run, plan, records));
  await publish('run.json', runFile(plan, { run, changes }, records, await packageVersion()));
  const trained = models > 0 ? [`models/ with ${plural(models, 'trained network')}`] : [];
  return [...names, 'trace.tsv', 'execution.html', 'run.json', ...trained];
}
