import type { Model } from './model.ts';
import { STATE } from './shapes.ts';

/** Wider than this, cells are laid out line by line, without axes. */
const MOST_COLUMNS = 1_000;
/** Labels above the columns: so many axes at most. */
const LEVELS = 3;

/** What is shown where. Axes are named by their number; columns -1: all axes that are not rows. */
export interface GridOptions {
  readonly step: number;
  readonly rows: number;
  readonly columns: number;
  /** Axis to the number of the one value that is shown. */
  readonly only: ReadonlyMap<number, number>;
}

/** A run of equal labels above columns. */
interface Span {
  readonly from: number;
  readonly text: string;
}

/** The tasks of one step laid out in rows and columns. */
export interface Grid {
  readonly rows: number;
  readonly columns: number;
  readonly rowLabels: readonly string[];
  readonly levels: readonly { readonly axis: string; readonly spans: readonly Span[] }[];
  readonly rowAxis: string;
  /** Tasks of each cell, row by row; undefined where the sweep has none. */
  readonly cells: readonly (readonly number[] | undefined)[];
  /** Tasks that are shown, in the order of the plan. */
  readonly tasks: readonly number[];
}

/** The axes that a step's tasks differ in. */
export function axesOf({ plan }: Model, step: number): number[] {
  const first = plan.axes.map(() => -2);
  const differs = plan.axes.map(() => false);
  for (const task of plan.tasks) {
    if (task[1] !== step) continue;
    for (let axis = 0; axis < first.length; axis++) {
      const at = task[axis + 2] as number;
      if (first[axis] === -2) first[axis] = at;
      else if (first[axis] !== at) differs[axis] = true;
    }
  }
  return first.flatMap((_, axis) => (differs[axis] ? [axis] : []));
}

/** The step with the most tasks, the last of equals: where a sweep is widest. */
export function widest({ plan }: Model): number {
  const counts = plan.steps.map(() => 0);
  for (const [, step] of plan.tasks) counts[step]++;
  return counts.lastIndexOf(Math.max(...counts));
}

/** Rows that read well: the axis of methods where there is one, else the one with the most values that still fit. */
export function bestRows(model: Model, axes: readonly number[]): number {
  const size = (axis: number): number => model.plan.axes[axis].values.length;
  const named = axes.find((axis) => ['selector', 'method', 'model'].includes(model.plan.axes[axis].name));
  const fitting = axes.filter((axis) => size(axis) <= 60).toSorted((a, b) => size(b) - size(a));
  return named ?? fitting[0] ?? axes[0] ?? -1;
}

/** Lays out a step's tasks. */
export function layOut(model: Model, { step, rows, columns, only }: GridOptions): Grid {
  const { plan } = model;
  const shown: number[] = [];
  for (const [i, task] of plan.tasks.entries()) {
    if (task[1] !== step) continue;
    if ([...only].every(([axis, value]) => (task[axis + 2] as number) === value)) shown.push(i);
  }
  const axes = axesOf(model, step);
  const across = columns < 0 ? axes.filter((axis) => axis !== rows) : axes.filter((axis) => axis === columns);
  const valueOf = (task: number, axis: number): number => plan.tasks[task][axis + 2] as number;
  if (rows < 0 || (across.length === 0 && axes.length < 2)) return lined(shown);
  const keyOf = (task: number): string => across.map((axis) => valueOf(task, axis)).join(' ');
  const keys = new Map<string, readonly number[]>();
  const present = new Set<number>();
  for (const task of shown) {
    present.add(valueOf(task, rows));
    const key = keyOf(task);
    if (!keys.has(key))
      keys.set(
        key,
        across.map((axis) => valueOf(task, axis)),
      );
  }
  if (keys.size > MOST_COLUMNS) return lined(shown);
  const sorted = [...keys].toSorted(([, a], [, b]) => a.map((v, i) => v - b[i]).find((d) => d !== 0) ?? 0);
  const columnAt = new Map(sorted.map(([key], i) => [key, i]));
  const rowValues = [...present].toSorted((a, b) => a - b);
  const rowAt = new Map(rowValues.map((value, i) => [value, i]));
  const cells: number[][] = Array.from({ length: rowValues.length * sorted.length });
  for (const task of shown) {
    const cell = rowAt.get(valueOf(task, rows))! * sorted.length + columnAt.get(keyOf(task))!;
    (cells[cell] ??= []).push(task);
  }
  const nameOf = (axis: number, value: number): string => (value < 0 ? '-' : String(plan.axes[axis].values[value]));
  return {
    ...{ rows: rowValues.length, columns: sorted.length, cells, tasks: shown },
    rowAxis: plan.axes[rows].name,
    rowLabels: rowValues.map((value) => nameOf(rows, value)),
    levels: across.slice(0, LEVELS).map((axis, level) => ({
      axis: plan.axes[axis].name,
      spans: sorted.flatMap(([, place], from) => {
        const before = sorted[from - 1]?.[1];
        const isSame = before !== undefined && place.slice(0, level + 1).every((v, i) => v === before[i]);
        return isSame ? [] : [{ from, text: nameOf(axis, place[level]) }];
      }),
    })),
  };
}

/** Cells line by line, where there are no two axes to span a grid. */
function lined(tasks: readonly number[]): Grid {
  const columns =
    tasks.length <= 40 ? Math.max(1, tasks.length) : Math.min(tasks.length, Math.max(40, Math.ceil(Math.sqrt(tasks.length * 2))));
  const rows = Math.max(1, Math.ceil(tasks.length / columns));
  return { rows, columns, rowLabels: [], levels: [], rowAxis: '', tasks, cells: tasks.map((task) => [task]) };
}

/** What a cell of several tasks shows: what wants to be noticed first. */
const NOTICED = [
  STATE.failed,
  STATE.running,
  STATE.retrying,
  STATE.waiting,
  STATE.aborted,
  STATE.skipped,
  STATE.dropped,
  STATE.done,
  STATE.cached,
];

export function stateOf({ states }: Model, tasks: readonly number[]): number {
  if (tasks.length === 1) return states[tasks[0]];
  return NOTICED.find((state) => tasks.some((task) => states[task] === state)) ?? STATE.waiting;
}

/** The mean over the tasks of a cell that have a value; NaN where none has. */
export function valueOf(values: Float64Array, tasks: readonly number[]): number {
  let [sum, n] = [0, 0];
  for (const task of tasks) {
    if (Number.isNaN(values[task])) continue;
    sum += values[task];
    n++;
  }
  return n === 0 ? Number.NaN : sum / n;
}
