import { interval, mean, standardDeviation } from '../../../stats/bootstrap.ts';
import type { Metrics, Panel, ReporterInputs } from '../../contract.ts';
import { metricOrder } from './metric-facts.ts';

/** A seed, or the empty word where a pipeline has no such axis. */
export type Seed = number | string;

/** The values of each axis that occur: k and seeds rising, the others in order of first appearance. */
export interface Axes {
  readonly selectors: readonly string[];
  readonly ks: readonly number[];
  readonly seeds: readonly Seed[];
  readonly tasks: readonly string[];
  readonly evaluators: readonly string[];
  readonly metrics: readonly string[];
  /** Axes beside these, e.g. label_noise, in order of first appearance. */
  readonly others: readonly string[];
}

/** Labels of the axes beside the usual ones. */
export type Others = Readonly<Record<string, string | number>>;

/** One value of one metric. */
export interface MetricRow {
  readonly selector: string;
  readonly k: number;
  readonly seed: Seed;
  readonly task: string;
  readonly evaluator: string;
  readonly metric: string;
  readonly value: number;
  readonly others: Others;
}

/** One metric over the seeds; values that are missing or NaN do not count. */
export interface SummaryRow extends Omit<MetricRow, 'seed' | 'value'> {
  readonly n: number;
  readonly mean: number;
  readonly std: number;
  readonly low: number;
  readonly high: number;
  readonly values: readonly number[];
}

/** One panel of one cell: its first `size` genes are the chosen ones. */
export interface PanelCell {
  readonly selector: string;
  readonly k: number;
  readonly seed: Seed;
  /** Empty for a panel that serves all tasks. */
  readonly task: string;
  readonly panel: Panel;
  readonly size: number;
  readonly others: Others;
}

/** A confusion table with its place. */
export interface ConfusionCell extends Omit<MetricRow, 'metric' | 'value'> {
  readonly confusion: NonNullable<Metrics['confusion']>;
}

/** Values gene by gene with their place. */
export interface GeneCell extends Omit<MetricRow, 'metric' | 'value'> {
  readonly genes: NonNullable<Metrics['genes']>;
}

/** Everything gathered, in a fixed order. */
export interface Rows {
  readonly axes: Axes;
  readonly metrics: readonly MetricRow[];
  readonly summary: readonly SummaryRow[];
  readonly panels: readonly PanelCell[];
  readonly confusions: readonly ConfusionCell[];
  readonly genes: readonly GeneCell[];
}

type Cell = Readonly<Record<string, string | number>>;

const word = (cell: Cell, axis: string): string => String(cell[axis] ?? '');
const number = (label: string | number | undefined): number => (label === undefined || label === '' ? Number.NaN : Number(label));

function rising(a: Seed, b: Seed): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1;
  return a < b ? -1 : Number(a > b);
}

const USUAL = ['selector', 'k', 'seed', 'task', 'evaluator'];

function othersOf(cell: Cell): Others {
  return Object.fromEntries(Object.entries(cell).filter(([axis]) => !USUAL.includes(axis)));
}

type Results = Pick<ReporterInputs, 'metrics' | 'panels'>;

/** The axes of wrong labels: their share, and who learns from them. */
const NOISE = ['label_noise', 'noise_in'];

const hasNoise = ({ cell }: { readonly cell: Cell }): boolean => Number(cell.label_noise ?? 0) > 0;

/** Results under true labels, and all of them where some labels were wrong: only if both kinds are there. */
export function apartFromNoise({ metrics, panels }: Results): { readonly clean: Results; readonly noisy: Results | undefined } {
  if (metrics.every(hasNoise) || !metrics.some(hasNoise)) return { clean: { metrics, panels }, noisy: undefined };
  return {
    clean: { metrics: metrics.filter((g) => !hasNoise(g)), panels: panels.filter((g) => !hasNoise(g)) },
    noisy: withOthersNamed({ metrics, panels: [] }, NOISE),
  };
}

/**
 * The same results with the labels of unusual axes, such as label_noise, made part of the selector's name, and that of an axis `dataset` part
 * of the task's. Axes in `kept` stay as they are.
 */
export function withOthersNamed({ metrics, panels }: Results, kept: readonly string[] = []): Results {
  const taskOf = ({ dataset }: Cell, task: string): string =>
    [dataset, task].filter((part) => part !== undefined && part !== '').join(': ');
  const named = (cell: Cell): Cell => {
    const others = Object.entries(othersOf(cell)).filter(([axis, label]) => axis !== 'dataset' && !kept.includes(axis) && label !== 0);
    const usual = Object.fromEntries(Object.entries(cell).filter(([axis]) => USUAL.includes(axis) || kept.includes(axis)));
    return {
      ...usual,
      task: taskOf(cell, word(cell, 'task')),
      selector: [word(cell, 'selector'), ...others.map(([axis, label]) => `${axis.replaceAll('_', ' ')} ${label}`)].join(', '),
    };
  };
  return {
    metrics: metrics.map((g) => ({ ...g, cell: named(g.cell) })),
    panels: panels.map((g) => ({
      cell: named(g.cell),
      value:
        g.cell.dataset === undefined || !g.value ? g.value : { ...g.value, task: taskOf(g.cell, g.value.task ?? word(g.cell, 'task')) },
    })),
  };
}

const distinct = <T>(values: Iterable<T>): T[] => [...new Set(values)];

/** Orders everything gathered, whatever is missing from it. */
export function rowsOf({ metrics, panels }: Pick<ReporterInputs, 'metrics' | 'panels'>): Rows {
  const judged = metrics.filter((g) => g?.value?.values);
  const chosen = panels.filter((g) => g?.value?.genes);
  const cells: Cell[] = [...judged, ...chosen].map((g) => g.cell);
  const of = (axis: string, from: readonly { cell: Cell }[]): string[] => distinct(from.map((g) => word(g.cell, axis)));
  const panelCells = chosen.map(panelCell);
  const axes: Axes = {
    selectors: distinct(cells.map((cell) => word(cell, 'selector'))),
    ks: distinct([...judged.map((g) => number(g.cell.k)), ...panelCells.map((p) => p.k)])
      .filter((k) => !Number.isNaN(k))
      .sort((a, b) => a - b),
    seeds: distinct(cells.map(seedOf)).sort(rising),
    tasks: of('task', judged),
    evaluators: of('evaluator', judged),
    metrics: metricOrder(judged.flatMap((g) => Object.keys(g.value.values))),
    others: distinct(cells.flatMap((cell) => Object.keys(othersOf(cell)))),
  };
  const rows = inOrder(axes, judged.flatMap(metricRows));
  return {
    axes,
    metrics: rows,
    summary: inOrder(axes, summarise(rows)),
    panels: inOrder({ ...axes, tasks: distinct(panelCells.map((p) => p.task)) }, onlyOnce(panelCells)),
    confusions: inOrder(
      axes,
      judged.flatMap(({ value: { confusion }, cell }) => (confusion ? [{ ...place(cell), confusion }] : [])),
    ),
    genes: inOrder(
      axes,
      judged.flatMap(({ value: { genes }, cell }) => (genes ? [{ ...place(cell), genes }] : [])),
    ),
  };
}

const seedOf = (cell: Cell): Seed => cell.seed ?? '';

function place(cell: Cell): Omit<MetricRow, 'metric' | 'value'> {
  return {
    selector: word(cell, 'selector'),
    k: number(cell.k),
    seed: seedOf(cell),
    task: word(cell, 'task'),
    evaluator: word(cell, 'evaluator'),
    others: othersOf(cell),
  };
}

function metricRows({ value, cell }: ReporterInputs['metrics'][number]): MetricRow[] {
  return Object.entries(value.values).map(([metric, x]) => ({ ...place(cell), metric, value: x ?? Number.NaN }));
}

function panelCell({ value: panel, cell }: ReporterInputs['panels'][number]): PanelCell {
  const k = cell.k === undefined ? panel.genes.length : number(cell.k);
  const size = Math.min(k, panel.genes.length);
  return { selector: word(cell, 'selector'), k, seed: seedOf(cell), task: panel.task ?? '', panel, size, others: othersOf(cell) };
}

// A panel for all tasks stands in the cell of each of them.
function onlyOnce(panels: readonly PanelCell[]): PanelCell[] {
  const seen = new Set<string>();
  return panels.filter((p) => {
    const key = JSON.stringify([p.selector, p.k, p.seed, p.task, p.others]);
    return !seen.has(key) && seen.add(key);
  });
}

type Sortable = 'selector' | 'k' | 'seed' | 'task' | 'evaluator' | 'metric';

/** The rows by these axes, each in its order of values; rows that are alike keep their order. */
export function inOrder<T extends Partial<MetricRow>>(
  axes: Axes,
  rows: readonly T[],
  by: readonly Sortable[] = ['selector', 'k', 'seed', 'task', 'evaluator', 'metric'],
): T[] {
  const values: Readonly<Record<Sortable, readonly unknown[]>> = {
    selector: axes.selectors,
    k: axes.ks,
    seed: axes.seeds,
    task: axes.tasks,
    evaluator: axes.evaluators,
    metric: axes.metrics,
  };
  const places = by.map((axis) => [axis, new Map(values[axis].map((v, at) => [v, at]))] as const);
  const rank = (row: T): number[] => places.map(([axis, at]) => at.get(row[axis]) ?? -1);
  return rows
    .map((row) => ({ row, key: rank(row) }))
    .sort((a, b) => a.key.map((x, i) => x - b.key[i]).find((d) => d !== 0) ?? 0)
    .map(({ row }) => row);
}

function summarise(rows: readonly MetricRow[]): SummaryRow[] {
  const groups = new Map<string, MetricRow[]>();
  for (const row of rows) {
    const key = JSON.stringify([row.selector, row.k, row.task, row.evaluator, row.metric, row.others]);
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return [...groups.values()].map((group) => {
    const { selector, k, task, evaluator, metric, others } = group[0];
    const values = group.map((row) => row.value).filter((x) => !Number.isNaN(x));
    const { low, high } = interval(values);
    return {
      selector,
      k,
      task,
      evaluator,
      metric,
      n: values.length,
      mean: mean(values),
      std: standardDeviation(values),
      low,
      high,
      values,
      others,
    };
  });
}
