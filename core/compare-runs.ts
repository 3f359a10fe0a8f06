import type { Plan } from '../schemas/plan.ts';
import type { Environment, TaskRecord } from '../schemas/run.ts';
import { keyChanges, keyFields } from './key-changes.ts';
import { taskName } from './task-name.ts';
import { plural } from './units.ts';

/** One run as it is compared with another one. */
export interface RunSide {
  readonly run: string;
  readonly plan: Plan;
  readonly records: ReadonlyMap<string, TaskRecord>;
  /** What its workers computed with. */
  readonly hosts: readonly Environment[];
  /** Every value of its metrics, by all that tells it from others; the group is all of that but the seed. */
  readonly metrics: ReadonlyMap<string, MetricValue>;
}

export interface MetricValue {
  readonly metric: string;
  readonly group: string;
  readonly value: number;
}

/** How far a metric may lie from the baseline's before that is a drift. */
export interface Tolerances {
  /** In standard deviations over the seeds of the baseline. */
  readonly deviations: number;
  /** At least so much, in the metric's own unit: for a single seed, or seeds that all agree. */
  readonly least: number;
  /** Metric to an absolute tolerance, which then alone counts. */
  readonly metrics: Readonly<Record<string, number>>;
}

export const TOLERANCES: Tolerances = { deviations: 2, least: 0.005, metrics: {} };

export type Verdict = 'identical' | 'within tolerance' | 'drifted';

/** A task whose output differs though nothing before it does, and what is known of why. */
export interface Root {
  readonly task: string;
  readonly step: string;
  readonly why: readonly string[];
}

export interface MetricChange {
  /** The value's place, such as "selector=yoto k=32 seed=0 evaluator=knn metric=accuracy". */
  readonly of: string;
  readonly baseline: number | null;
  readonly run: number | null;
  readonly tolerance: number;
}

export interface Comparison {
  readonly baseline: string;
  readonly run: string;
  readonly verdict: Verdict;
  /** One sentence for people. */
  readonly summary: string;
  readonly tasks: {
    readonly same: number;
    readonly differ: number;
    readonly missing: number;
    readonly extra: number;
    readonly undone: number;
  };
  /** Where it begins, in the order of the plan; at most 20. */
  readonly roots: readonly Root[];
  readonly metrics: {
    readonly values: number;
    readonly same: number;
    readonly within: number;
    readonly beyond: number;
    readonly worst: readonly MetricChange[];
  };
  /** Versions and hardware that differ. */
  readonly surroundings: readonly { readonly what: string; readonly baseline: string; readonly run: string }[];
}

/** The most roots and metric changes that are listed. */
const LISTED = 20;

type Done = TaskRecord & { readonly status: 'COMPLETED' | 'CACHED' };
const isDone = (record: TaskRecord | undefined): record is Done => record?.status === 'COMPLETED' || record?.status === 'CACHED';

function sameOutputs(a: TaskRecord, b: TaskRecord): boolean {
  const ports = Object.keys(a.outputs);
  return ports.length === Object.keys(b.outputs).length && ports.every((port) => a.outputs[port].sha256 === b.outputs[port]?.sha256);
}

/**
 * Compares a run with its baseline, task by task of the same name: identical when every output is, byte by byte; else within tolerance when
 * every metric is; else drifted. `keyText` gives the text of a cache key, where it is known.
 */
export function compareRuns(
  baseline: RunSide,
  run: RunSide,
  { keyText, tolerances = TOLERANCES }: { readonly keyText: ReadonlyMap<string, string>; readonly tolerances?: Tolerances },
): Comparison {
  const before = new Map(baseline.plan.tasks.map((task) => [taskName(task), task]));
  const differing = new Set<string>();
  const roots: Root[] = [];
  const count = { same: 0, differ: 0, missing: 0, extra: 0, undone: 0 };
  for (const task of run.plan.tasks) {
    const name = taskName(task);
    const old = before.get(name);
    before.delete(name);
    const [a, b] = [old && baseline.records.get(old.id), run.records.get(task.id)];
    if (!isDone(a) && !isDone(b)) continue;
    if (old === undefined) count.extra++;
    else if (!isDone(a)) count.extra++;
    else if (!isDone(b)) count.undone++;
    else if (sameOutputs(a, b)) {
      count.same++;
      continue;
    } else count.differ++;
    const comesAfter = Object.values(task.inputs)
      .flatMap((input) => ('gather' in input ? input.gather.map((source) => source.task) : [input.task]))
      .some((id) => differing.has(id));
    differing.add(task.id);
    if (!comesAfter && roots.length < LISTED)
      roots.push({ task: name, step: task.step, why: reasons(a, b, { keyText, isNew: old === undefined }) });
  }
  for (const task of before.values()) if (isDone(baseline.records.get(task.id))) count.missing++;
  const metrics = compareMetrics(baseline.metrics, run.metrics, tolerances);
  const isWhole = count.missing === 0 && count.undone === 0;
  const verdict: Verdict =
    isWhole && count.differ === 0 && count.extra === 0
      ? 'identical'
      : isWhole && metrics.values > 0 && metrics.beyond === 0
        ? 'within tolerance'
        : 'drifted';
  const parts = { baseline: baseline.run, run: run.run, verdict, tasks: count, roots, metrics };
  return { ...parts, summary: summaryOf(parts), surroundings: surroundingsOf(baseline, run) };
}

function reasons(
  a: TaskRecord | undefined,
  b: TaskRecord | undefined,
  { keyText, isNew }: { readonly keyText: ReadonlyMap<string, string>; readonly isNew: boolean },
): string[] {
  if (isNew) return ['the baseline has no such task'];
  if (!isDone(b)) return [b?.error ? `it failed: ${b.error.message}` : 'it was not done'];
  if (!isDone(a)) return ['the baseline did not get it done'];
  if (a.key === b.key) return ['the same version, params, seed and inputs gave another output'];
  const [old, now] = [keyText.get(a.key), keyText.get(b.key)];
  return old === undefined || now === undefined ? ['it was computed otherwise'] : keyChanges(keyFields(old), keyFields(now));
}

function compareMetrics(before: RunSide['metrics'], now: RunSide['metrics'], tolerances: Tolerances): Comparison['metrics'] {
  const groups = new Map<string, number[]>();
  for (const { group, value } of before.values()) {
    const values = groups.get(group);
    if (values) values.push(value);
    else groups.set(group, [value]);
  }
  const toleranceOf = ({ metric, group }: MetricValue): number =>
    tolerances.metrics[metric] ?? Math.max(tolerances.least, tolerances.deviations * deviation(groups.get(group) ?? []));
  const changes: (MetricChange & { readonly rank: number })[] = [];
  const places = new Set([...before.keys(), ...now.keys()]);
  let [same, within] = [0, 0];
  for (const of of places) {
    const [a, b] = [before.get(of), now.get(of)];
    if (a && b && Object.is(a.value, b.value)) {
      same++;
      continue;
    }
    const tolerance = toleranceOf((a ?? b)!);
    // A value that is there on one side alone, or that is no number on one side, is beyond any tolerance.
    const excess = a && b ? Math.abs(a.value - b.value) / tolerance : Infinity;
    const isWithin = excess <= 1;
    if (isWithin) within++;
    // Those that can be compared are listed first.
    const rank = Number.isFinite(excess) ? excess : -1;
    changes.push({ of, baseline: a?.value ?? null, run: b?.value ?? null, tolerance, rank });
  }
  const worst = changes
    .toSorted((x, y) => y.rank - x.rank)
    .slice(0, LISTED)
    .map(({ of, baseline, run, tolerance }) => ({ of, baseline, run, tolerance }));
  return { values: places.size, same, within, beyond: changes.length - within, worst };
}

/** Standard deviation over seeds (n - 1); 0 of fewer than two. */
function deviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  return Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1));
}

function summaryOf({ verdict, tasks, roots, metrics }: Pick<Comparison, 'verdict' | 'tasks' | 'roots' | 'metrics'>): string {
  if (verdict === 'identical') return `Every output of ${plural(tasks.same, 'task')} is the same, byte by byte.`;
  const [first] = roots;
  const where = first ? ` The first step whose output differs is ${first.task}: ${first.why.join('; ')}.` : '';
  if (verdict === 'within tolerance')
    return `Outputs differ, but each of ${plural(metrics.values, 'metric value')} lies within its tolerance.${where}`;
  const told = [
    ...(tasks.undone > 0 ? [`${plural(tasks.undone, 'task')} of the baseline did not end well here`] : []),
    ...(tasks.missing > 0
      ? [`${plural(tasks.missing, 'task')} of the baseline ${tasks.missing === 1 ? 'is' : 'are'} not in this run`]
      : []),
    ...(metrics.beyond > 0 ? [`${metrics.beyond} of ${plural(metrics.values, 'metric value')} beyond tolerance`] : []),
    ...(metrics.values === 0 && tasks.differ > 0
      ? [`the output of ${plural(tasks.differ, 'task')} differs, and there are no metrics to go by`]
      : []),
  ];
  return `The results have drifted: ${told.join(', ')}.${where}`;
}

/** What differs around two runs: packages, and what their workers computed with. */
function surroundingsOf(baseline: RunSide, run: RunSide): Comparison['surroundings'] {
  const rows: { what: string; baseline: string; run: string }[] = [];
  const row = (what: string, a: string, b: string): void => void (a === b ? undefined : rows.push({ what, baseline: a, run: b }));
  const plugins = new Set([...Object.keys(baseline.plan.plugins), ...Object.keys(run.plan.plugins)]);
  for (const name of plugins) row(`plugin ${name}`, baseline.plan.plugins[name] ?? 'none', run.plan.plugins[name] ?? 'none');
  // A run whose results all came out of the cache computed with nothing.
  if (baseline.hosts.length === 0 || run.hosts.length === 0) return rows;
  const values = (hosts: readonly Environment[], key: keyof Environment): string =>
    [...new Set(hosts.map((host) => String(host[key])))].toSorted().join(' and ');
  for (const key of Object.keys(baseline.hosts[0]) as (keyof Environment)[])
    row(key.replaceAll('_', ' '), values(baseline.hosts, key), values(run.hosts, key));
  return rows;
}
