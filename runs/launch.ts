import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import type { Begun, Concluded, Launcher } from '../activities/launch.ts';
import type { Comparison } from '../core/compare-runs.ts';
import { ConfigError, DataError } from '../core/errors.ts';
import { CompileError } from '../core/problem.ts';
import { type ArtifactStore, recordPath } from '../core/store.ts';
import { plural } from '../core/units.ts';
import type { LaunchOrder } from '../schemas/launch.ts';
import type { NoticeEvent } from '../schemas/notice.ts';
import type { Plan } from '../schemas/plan.ts';
import type { After, Progress, RunRecord, RunRequest } from '../schemas/run.ts';
import { openStore } from '../workers/compose.ts';
import { compare } from './compare.ts';
import { publishComparison } from './comparison-page.ts';
import { fileHasher } from './hash-files.ts';
import { withParam } from './load.ts';
import { compileSource, prepare } from './prepare.ts';
import { publisher } from './publish.ts';
import { noteRun, planOf, recordOf, type Source, sourceOf, storePlan, storeSource } from './records.ts';
import { recordsOf, writeResults } from './results.ts';

/** The most failures that a notice names. */
const NAMED = 5;

/** Compiles what is ordered, or takes its plan with the inputs as they were, and notes the run in the store. Given again, it does the same again. */
export async function begin(order: LaunchOrder, { workflow, at }: Launcher): Promise<Begun> {
  const store = openStore(order.work);
  const { source, plan } = await plannedOf(order, store);
  const { name, pipeline } = plan;
  const mark = createHash('sha256').update(workflow).digest('hex').slice(0, 8);
  const run = `${name}-${mark}-${at.toString(36)}`;
  const out = order.after.out?.replaceAll('{run}', run) ?? null;
  const request: RunRequest = {
    run,
    work: order.work,
    plans: [await storePlan(store, plan)],
    source: await storeSource(store, source),
    policy: order.policy,
    changes: [],
    after: { ...order.after, out },
  };
  await noteRun(store, request, { workflow: run, name, started: at, out: out ?? '', plugins: [...source.plugins] });
  return { request, name, summary: `${pipeline}: ${name}` };
}

async function plannedOf(order: LaunchOrder, store: ArtifactStore): Promise<{ readonly source: Source; readonly plan: Plan }> {
  if (order.file) {
    const { path, profiles, set, paramsFile } = order.file;
    const { plan, loaded } = await prepare(path, { profiles, set, paramsFile: paramsFile ?? undefined, name: order.name });
    return { plan, source: { ...loaded, folder: dirname(path) } };
  }
  const stored = await sourceOf(store, order.source);
  if (order.plan) {
    const plan = await planOf(store, order.plan);
    await checkPins(plan, stored.folder);
    return { plan, source: stored };
  }
  const params = Object.entries(order.params).reduce((all, [path, value]) => withParam(all, path.split('.'), value), stored.run.params);
  const source = { ...stored, run: { ...stored.run, name: order.name, params } };
  try {
    return { source, plan: (await compileSource(source)).plan };
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    throw new ConfigError(error.problems.map((p) => [p.message, ...(p.mend ? [p.mend] : [])].join('. ')).join('; '), { cause: error });
  }
}

/** A plan keeps its inputs by their content: one that has changed since would give results under a false name. */
export async function checkPins({ tasks }: Plan, folder: string): Promise<void> {
  const hash = fileHasher(folder);
  for (const { path, sha256 } of tasks.flatMap((task) => task.files)) {
    const now = await hash(path);
    if (now.sha256 !== sha256)
      throw new DataError(`The input ${path} is not the one that was pinned`, {
        context: { path, pinned: sha256.slice(0, 12), found: now.sha256.slice(0, 12) },
        mend: 'Put the old file back, or set the schedule up again with the new one (or with --follow).',
      });
  }
}

/** Writes the results of a run that has ended, compares it with its baseline, and says how it went. */
export async function conclude({ work, run, after }: RunRequest, progress: Progress): Promise<Concluded> {
  const store = openStore(work);
  const record = await recordOf(store, run);
  const out = after?.out ?? null;
  const plan = await planOf(store, record.plans.at(-1)!);
  const files = out === null ? [] : await writeResults(plan, record, await recordsOf(store, run), { store, publish: publisher(out) });
  const count = (key: 'done' | 'cached' | 'failed' | 'skipped'): number => progress.steps.reduce((sum, step) => sum + step[key], 0);
  const [done, cached, failed, skipped] = [count('done'), count('cached'), count('failed'), count('skipped')];
  const isWhole = failed === 0 && skipped === 0 && progress.stopped === '';
  const comparison = await againstBaseline(store, record, { after, isWhole });
  if (comparison && out !== null) await publishComparison(comparison, out);
  const event: NoticeEvent = !isWhole ? 'failure' : comparison?.verdict === 'drifted' ? 'drift' : 'success';
  const title = `${record.name}: ${titleOf(event, progress, { failed, done, cached, comparison })}`;
  const facts = {
    ...{ done, cached, failed, skipped },
    ...(comparison ? { verdict: comparison.verdict, baseline: comparison.baseline } : {}),
    ...(out === null ? {} : { results: out }),
  };
  const failures = progress.failures.slice(0, NAMED).map(({ step, label, message }) => `${step}${label ? ` (${label})` : ''}: ${message}`);
  const more = progress.failures.length > NAMED ? [`and ${progress.failures.length - NAMED} more`] : [];
  const text = [
    ...failures,
    ...more,
    ...(comparison ? [comparison.summary] : []),
    ...(files.length > 0 ? [`Results: ${out}`] : []),
    `Run: ${run}`,
  ].join('\n');
  const notice = { id: `${run}/${event}/${record.changes.length}`, event, name: record.name, run, title, text, at: Date.now(), facts };
  return { end: { run, event, title, out: files.length > 0 ? out : null, baseline: comparison?.baseline ?? null }, notice };
}

interface Told {
  readonly failed: number;
  readonly done: number;
  readonly cached: number;
  readonly comparison: Comparison | undefined;
}

function titleOf(event: NoticeEvent, { stopped }: Progress, { failed, done, cached, comparison }: Told): string {
  if (event === 'failure')
    return failed > 0 ? `${plural(failed, 'task')} failed` : `stopped before its end${stopped ? `: ${stopped}` : ''}`;
  if (comparison) return `${comparison.verdict}, compared with ${comparison.baseline}`;
  return `finished, ${done} computed and ${cached} cached`;
}

/** Compares with the baseline that is asked for; `first`: the first whole run of that name becomes it; `last`: each whole run does, in turn. */
async function againstBaseline(
  store: ArtifactStore,
  { run, name }: RunRecord,
  { after, isWhole }: { readonly after: After | undefined; readonly isWhole: boolean },
): Promise<Comparison | undefined> {
  const asked = after?.baseline ?? null;
  if (asked === null) return undefined;
  if (asked !== 'first' && asked !== 'last') return compare(store, asked, run, after?.tolerances);
  const path = recordPath.baseline(name);
  const text = await store.readRecord(path);
  const known = text === undefined ? undefined : (JSON.parse(text) as { readonly run: string }).run;
  const comparison = known === undefined || known === run ? undefined : await compare(store, known, run, after?.tolerances);
  if (isWhole && (known === undefined || asked === 'last')) await store.writeRecord(path, JSON.stringify({ run }));
  return comparison;
}
