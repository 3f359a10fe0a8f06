import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { isPanelflowError, ResourceError } from '../core/errors.ts';
import type { ArtifactStore } from '../core/store.ts';
import { plural } from '../core/units.ts';
import type { Plan } from '../schemas/plan.ts';
import type { Progress, RunRecord } from '../schemas/run.ts';
import type { RunningWorker } from '../workers/worker.ts';
import { compare } from '../runs/compare.ts';
import { publishComparison } from '../runs/comparison-page.ts';
import { comparisonText } from './comparison-text.ts';
import type { Connected } from './connect.ts';
import { follow } from './follow.ts';
import { bold, dim, duration, errorText, green, isLive, red, say } from './print.ts';
import { progressView } from './progress.ts';
import { publisher } from '../runs/publish.ts';
import { recordsOf, writeResults } from '../runs/results.ts';
import { planOf, recordOf } from '../runs/records.ts';
import type { Settings } from './settings.ts';
import { shortPath, type SourceFile } from '../runs/source-file.ts';

/** A store that is away when a run has ended is waited for so long. */
const PATIENCE_MS = 90_000;
const AGAIN_MS = 1_000;

/** How a command goes along with a run. */
export interface Company {
  readonly connected: Connected;
  readonly set: Settings;
  readonly store: ArtifactStore;
  readonly handle: WorkflowHandle;
  readonly record: RunRecord;
  /** The user's file, where there is one, to place errors in. */
  readonly file?: SourceFile;
  /** The worker of this process, where it was started already. */
  readonly worker?: Promise<RunningWorker> | undefined;
  readonly slots?: number | undefined;
  readonly quiet?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** Follows a run to its end, serving it unless others do, and writes its results; gives the exit code. Ctrl-C hands running steps back. */
export async function accompany(company: Company): Promise<number> {
  const { connected, set, store, handle, record, quiet = false, json = false } = company;
  const started = Date.now();
  const plan = await planOf(store, record.plans.at(-1)!);
  const tell = quiet || json ? () => {} : say;
  const interrupt = new AbortController();
  const onSignal = (): void => {
    if (interrupt.signal.aborted) process.exit(130);
    tell('\nStopping… running steps are handed back; once more ends at once.');
    interrupt.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  let worker: RunningWorker | undefined;
  try {
    if (json) print({ event: 'run', run: record.run, workflow: handle.workflowId, tasks: plan.tasks.length, cells: plan.cells });
    const page = connected.ui
      ? dim(`  ${connected.ui}/namespaces/${set.namespace}/workflows/${encodeURIComponent(handle.workflowId)}`)
      : '';
    tell(`${bold(plan.name)}  ${plural(plan.cells, 'cell')}, ${plural(plan.tasks.length, 'task')}${page}`);
    if (set.address === undefined)
      worker = await (company.worker ?? serve({ connected, set, plugins: record.plugins, slots: company.slots }));
    const slots = set.address === undefined ? `${company.slots ?? availableParallelism()} at a time` : `at ${set.address}`;
    const mode = json ? 'json' : quiet ? 'quiet' : isLive() ? 'live' : 'plain';
    const view = progressView(mode, plan.name, slots);
    const progress = await follow({ run: record.run, handle, connected, plan, view, signal: interrupt.signal, worker, set, tell });
    if (progress === undefined) {
      await worker?.stop();
      tell(`Interrupted. Nothing finished is lost: run the same command again to go on.`);
      return 130;
    }
    const exit = await conclude(company, progress, { tell, elapsed: Date.now() - started });
    const traces = await (await import('../workers/traces.ts')).openTraces();
    traces?.run({ record, progress, exit });
    await traces?.close();
    return exit;
  } finally {
    await worker?.stop();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

/** So many published files are named. */
const NAMED = 12;
const named = (files: readonly string[]): string =>
  files.length <= NAMED ? files.join(', ') : `${files.slice(0, NAMED).join(', ')} and ${files.length - NAMED} more`;

const print = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

interface Serving extends Pick<Company, 'connected' | 'set' | 'slots'> {
  readonly plugins: readonly string[];
  /** Steps are sure to be computed: their processes may start at once. */
  readonly isBusy?: boolean;
}

/** Starts a worker in this process. */
export async function serve({ connected, set, plugins, slots, isBusy = false }: Serving): Promise<RunningWorker> {
  const { startWorker } = await import('../workers/worker.ts');
  return startWorker({
    reach: connected.reach,
    payloads: connected.payloads,
    namespace: set.namespace,
    queues: ['cpu', 'gpu'],
    plugins,
    isBusy,
    ...(slots === undefined ? {} : { slots }),
  });
}

const sum = (progress: Progress, key: 'done' | 'cached' | 'failed' | 'skipped' | 'dropped'): number =>
  progress.steps.reduce((total, s) => total + s[key], 0);

/** Does what needs the store; where that is away, says so once and tries again for a while. */
async function patiently<T>(
  { run, tell }: { readonly run: string; readonly tell: (line: string) => void },
  work: () => Promise<T>,
): Promise<T> {
  const start = Date.now();
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!isPanelflowError(error) || error.code !== 'RESOURCE' || !error.retryable) throw error;
      if (Date.now() - start > PATIENCE_MS)
        throw new ResourceError(`The run has ended, but its results cannot be written: ${error.message}`, {
          cause: error,
          context: error.context,
          mend: `${error.mend ?? ''} Then: panelflow report ${run}`.trim(),
        });
      if (tries === 1) tell(`${error.message}; waiting…`);
      await sleep(AGAIN_MS);
    }
  }
}

/** Writes the results, lists failures with their places, and gives the exit code. */
async function conclude(
  { store, record: { run, out }, file, json }: Company,
  progress: Progress,
  { tell, elapsed }: { readonly tell: (line: string) => void; readonly elapsed: number },
): Promise<number> {
  const { plan, records, files, comparison } = await patiently({ run, tell }, async () => {
    // The run may have been amended meanwhile.
    const record = await recordOf(store, run);
    const plan: Plan = await planOf(store, record.plans.at(-1)!);
    const records = await recordsOf(store, run);
    const files = await writeResults(plan, record, records, { store, publish: publisher(out) });
    const baseline = progress.end?.baseline ?? null;
    const comparison = baseline === null ? undefined : await compare(store, baseline, run, record.after?.tolerances);
    if (comparison) files.push(...(await publishComparison(comparison, out)));
    return { plan, records, files, comparison };
  });
  const [done, cached, failed, skipped, dropped] = (['done', 'cached', 'failed', 'skipped', 'dropped'] as const).map((k) =>
    sum(progress, k),
  );
  if (json)
    print({
      event: 'end',
      run,
      done,
      cached,
      failed,
      skipped,
      dropped,
      stopped: progress.stopped,
      failures: progress.failures,
      out,
      files,
      elapsed_ms: elapsed,
      ...(comparison ? { comparison } : {}),
    });
  const notes = new Set([...records.values()].flatMap((r) => r.log.map((line) => `${r.step}: ${line}`)));
  for (const note of [...notes].slice(0, 20)) tell(`${dim('note')} ${note}`);
  const shown = new Set<string>();
  for (const failure of progress.failures) {
    const text = errorText(records.get(failure.task)?.error ?? failure, file);
    if (shown.has(text)) continue;
    shown.add(text);
    if (!json) say(`${red('failed')} ${failure.step}${failure.label ? ` (${failure.label})` : ''}: ${text}`);
  }
  for (const { step, cells, when } of plan.left_out) tell(`${dim('note')} ${step}: ${plural(cells, 'cell')} left out: ${when}`);
  if (progress.stopped !== '' && !json) say(`${red('stopped')} before its end: ${progress.stopped}. Run it again to go on.`);
  const total = [
    `${done} computed, ${cached} cached`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
    ...(dropped > 0 ? [`${dropped} dropped`] : []),
  ].join(', ');
  const isWhole = failed === 0 && skipped === 0;
  if (isWhole) tell(`${green('✔')} ${total} in ${duration(elapsed)}`);
  else if (!json) say(`${red('✘')} ${total} in ${duration(elapsed)}`);
  const hasDrifted = comparison?.verdict === 'drifted';
  if (comparison && !json) tell(comparisonText(comparison));
  if (files.length > 0) {
    const report = files.find((name) => name === 'report.html');
    tell(`Results: ${shortPath(out)}/ (${named(files)})`);
    if (report) tell(`Report:  ${out}/${report}`);
  }
  return isWhole && !hasDrifted ? 0 : 1;
}
