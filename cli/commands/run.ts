import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type WorkflowHandle, WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/client';
import { availableParallelism } from 'node:os';
import { ConfigError } from '../../core/errors.ts';
import { type ArtifactStore, recordPath } from '../../core/store.ts';
import { plural } from '../../core/units.ts';
import type { Progress, RunRequest } from '../../schemas/run.ts';
import { openStore } from '../../workers/compose.ts';
import type { RunningWorker } from '../../workers/worker.ts';
import { type Connected, connect } from '../connect.ts';
import { packageRoot } from '../load.ts';
import { shortPath } from '../source-file.ts';
import { type Prepared, prepare } from '../prepare.ts';
import { follow } from '../follow.ts';
import { Pace } from '../pace.ts';
import { progressView } from '../progress.ts';
import { bold, dim, duration, errorText, green, red, say } from '../print.ts';
import { checkOut, recordsOf, writeResults } from '../results.ts';
import { type Settings, settings } from '../settings.ts';

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
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** Version of this package. */
export async function packageVersion(): Promise<string> {
  return (JSON.parse(await readFile(join(packageRoot(), 'package.json'), 'utf8')) as { version: string }).version;
}

/** `panelflow run FILE`: compile, start or go on, follow, write results. */
export async function run(file: string, flags: RunFlags): Promise<number> {
  const set = settings(flags);
  const started = Date.now();
  const prepared = await prepare(file, {
    profiles: flags.profile ?? [],
    set: flags.set ?? [],
    paramsFile: flags.paramsFile,
    name: flags.name,
  });
  const out = resolve(flags.out ?? join('results', prepared.plan.name));
  await checkOut(out);
  const tell = flags.quiet || flags.json ? () => {} : say;
  const interrupt = new AbortController();
  const onSignal = (): void => {
    if (interrupt.signal.aborted) process.exit(130);
    tell('\nStopping… running steps are handed back; once more ends at once.');
    interrupt.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  const connected = await connect(set, tell);
  let worker: RunningWorker | undefined;
  try {
    const store = openStore(set.work);
    const [run, handle] = await begin(prepared, set, connected, store, flags.shardSize);
    if (flags.json)
      process.stdout.write(
        `${JSON.stringify({ event: 'run', run, workflow: handle.workflowId, tasks: prepared.plan.tasks.length, cells: prepared.plan.cells })}\n`,
      );
    tell(
      `${bold(prepared.plan.name)}  ${plural(prepared.plan.cells, 'cell')}, ${plural(prepared.plan.tasks.length, 'task')}${connected.ui ? dim(`  ${connected.ui}/namespaces/${set.namespace}/workflows/${encodeURIComponent(handle.workflowId)}`) : ''}`,
    );
    if (set.address === undefined) worker = await serve(connected, prepared, set, flags.slots);
    const slots = set.address === undefined ? `${flags.slots ?? availableParallelism()} at a time` : `at ${set.address}`;
    const mode = flags.json ? 'json' : flags.quiet ? 'quiet' : process.stderr.isTTY && !process.env.CI ? 'live' : 'plain';
    const view = progressView(mode, prepared.plan.name, slots);
    const pace = new Pace(prepared.plan, store, run);
    const progress = await follow({ handle, connected, prepared, pace, view, signal: interrupt.signal, worker, set, tell });
    if (progress === undefined) {
      await worker?.stop();
      tell(`Interrupted. Nothing finished is lost: run the same command again to go on.`);
      return 130;
    }
    return await conclude(prepared, run, store, out, progress, {
      tell,
      json: flags.json ?? false,
      quiet: flags.quiet ?? false,
      elapsed: Date.now() - started,
    });
  } finally {
    await worker?.stop();
    await connected.close();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

async function serve(connected: Connected, prepared: Prepared, set: Settings, slots: number | undefined): Promise<RunningWorker> {
  const { startWorker } = await import('../../workers/worker.ts');
  return startWorker({
    address: connected.address,
    namespace: set.namespace,
    queues: ['cpu', 'gpu'],
    plugins: prepared.loaded.plugins,
    ...(slots === undefined ? {} : { slots }),
  });
}

/** Starts the workflow of this plan, or finds the one that is still open. */
async function begin(
  prepared: Prepared,
  set: Settings,
  { client }: Connected,
  store: ArtifactStore,
  shardSize: number,
): Promise<[string, WorkflowHandle]> {
  const workflowId = `${prepared.plan.name}-${prepared.hash.slice(0, 12)}`;
  const fresh = `${workflowId.slice(0, -4)}-${Date.now().toString(36)}`;
  const plan = await store.put([Buffer.from(JSON.stringify(prepared.plan))], 'plan');
  const request: RunRequest = { run: fresh, work: set.work, plan, shardSize };
  const handle = await client.workflow.start('runPipeline', {
    workflowId,
    taskQueue: 'panelflow',
    args: [request],
    memo: { run: fresh, work: set.work, name: prepared.plan.name },
    staticSummary: `${prepared.plan.pipeline}: ${prepared.plan.name}`,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
  });
  const memo = ((await handle.describe()).memo ?? {}) as { run?: string; work?: string };
  if (memo.work !== undefined && memo.work !== set.work)
    throw new ConfigError(`This plan is running already, with the store ${memo.work}`, {
      mend: 'Give that store with --work to go on with it, or another --name.',
    });
  const run = memo.run ?? fresh;
  if (run === fresh)
    await store.writeRecord(
      recordPath.run(run),
      JSON.stringify({ run, workflow: workflowId, name: prepared.plan.name, plan, started: Date.now() }),
    );
  return [run, handle];
}

interface Ending {
  readonly tell: (line: string) => void;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly elapsed: number;
}

/** Writes the results, lists failures with their places, and gives the exit code. */
async function conclude(
  prepared: Prepared,
  run: string,
  store: ArtifactStore,
  out: string,
  progress: Progress,
  ending: Ending,
): Promise<number> {
  const { plan, loaded } = prepared;
  const records = await recordsOf(store, run);
  const files = await writeResults(plan, run, store, out, await packageVersion());
  const failed = progress.steps.reduce((sum, s) => sum + s.failed, 0);
  const skipped = progress.steps.reduce((sum, s) => sum + s.skipped, 0);
  const count = (key: 'done' | 'cached'): number => progress.steps.reduce((sum, s) => sum + s[key], 0);
  if (ending.json)
    process.stdout.write(
      `${JSON.stringify({ event: 'end', run, done: count('done'), cached: count('cached'), failed, skipped, failures: progress.failures, out, files, elapsed_ms: ending.elapsed })}\n`,
    );
  const notes = new Set([...records.values()].flatMap((r) => r.log.map((line) => `${r.step}: ${line}`)));
  for (const note of [...notes].slice(0, 20)) ending.tell(`${dim('note')} ${note}`);
  const shown = new Set<string>();
  for (const failure of progress.failures) {
    const record = records.get(failure.task);
    const text = errorText(record?.error ?? failure, loaded.file);
    if (shown.has(text)) continue;
    shown.add(text);
    if (!ending.json) say(`${red('failed')} ${failure.step}${failure.label ? ` (${failure.label})` : ''}: ${text}`);
  }
  for (const { step, cells, when } of plan.left_out) ending.tell(`${dim('note')} ${step}: ${plural(cells, 'cell')} left out: ${when}`);
  const total = `${count('done')} computed, ${count('cached')} cached${failed > 0 ? `, ${failed} failed` : ''}${skipped > 0 ? `, ${skipped} skipped` : ''} in ${duration(ending.elapsed)}`;
  if (failed === 0 && skipped === 0) ending.tell(`${green('✔')} ${total}`);
  else if (!ending.json) say(`${red('✘')} ${total}`);
  if (files.length > 0) {
    const report = files.find((f) => f.endsWith('.html'));
    ending.tell(`Results: ${shortPath(out)}/ (${files.join(', ')})`);
    if (report) ending.tell(`Report:  ${join(out, report)}`);
  }
  return failed > 0 || skipped > 0 ? 1 : 0;
}
