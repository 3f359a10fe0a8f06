import type { StepContext } from '../core/plugin.ts';
import { column, type Dataset, labels } from '../data/dataset.ts';
import type { LabelledRows } from '../stats/class-cells.ts';
import { DataError, type Panel, type Split, type Task } from './contract.ts';

/** The cells that a selector or a classifier may learn from: train and validation, in rising order. */
export function learningCells(split: Split): Uint32Array {
  const rows = new Uint32Array(split.train.length + split.validation.length);
  rows.set(split.train);
  rows.set(split.validation, split.train.length);
  return rows.sort();
}

/** The only task of a step that takes one at a time. */
export function onlyTask(tasks: readonly Task[], step: string): Task {
  if (tasks.length === 1) return tasks[0];
  throw new DataError(`${step} takes exactly one task, and got ${tasks.length}`, { context: { step, tasks: tasks.length } });
}

/** The only task, which must be a classification. */
export function classificationTask(tasks: readonly Task[], step: string): Task {
  const task = onlyTask(tasks, step);
  if (task.kind === 'classification') return task;
  throw new DataError(`${step} compares classes, and the task "${task.column}" is a regression`, {
    context: { step, task: task.column },
    mend: 'Leave this step out for that task, or take one that can rank genes for a number: rankcorr, mrmr-f, mrmr-rf, hsic-lasso, smash, yoto.',
  });
}

/** Rows with a class, their codes, and the class names. */
export interface LabelledCells {
  readonly rows: Uint32Array;
  readonly codes: Int32Array;
  readonly classes: readonly string[];
}

/** Those of the rows that have a label, with codes into the classes of the whole column. */
export function labelledCells(data: Dataset, rows: Uint32Array, task: Task): LabelledCells {
  const { codes, classes } = labels(data.obs, task.column);
  const known = rows.filter((i) => codes[i] >= 0);
  return { rows: known, codes: Int32Array.from(known, (i) => codes[i]), classes };
}

/** Rows with a finite value of a numeric column, and the values. */
export function valuedCells(data: Dataset, rows: Uint32Array, task: Task): { rows: Uint32Array; values: Float64Array } {
  const found = column(data.obs, task.column);
  if (found.kind !== 'number') {
    throw new DataError(
      `The task "${task.column}" is a regression, but the column holds ${found.kind === 'category' ? 'classes' : 'words'}`,
      {
        context: { column: task.column },
        mend: 'Drop `kind: regression`, or name a column of numbers.',
      },
    );
  }
  const known = rows.filter((i) => Number.isFinite(found.values[i]));
  return { rows: known, values: Float64Array.from(known, (i) => found.values[i]) };
}

/** The learning cells of one classification task, with codes only for the classes that occur among them. */
export interface ClassCells extends LabelledRows {
  readonly classes: readonly string[];
}

/** Gathers `ClassCells`; an error names the class that has fewer than `atLeast` cells, or the task that has one class only. */
export function classCells(data: Dataset, split: Split, task: Task, atLeast = 1): ClassCells {
  const { rows, codes, classes } = labelledCells(data, learningCells(split), task);
  const sizes = new Uint32Array(classes.length);
  for (const c of codes) sizes[c]++;
  const present = classes.flatMap((_, c) => (sizes[c] > 0 ? [c] : []));
  if (present.length < 2) {
    throw new DataError(`The task "${task.column}" has ${present.length} class among the train and validation cells; it needs 2`, {
      context: { task: task.column },
      mend: 'Take another column, or a split that keeps the classes (stratify: true).',
    });
  }
  for (const c of present) {
    if (sizes[c] >= atLeast) continue;
    throw new DataError(`A class has ${sizes[c]} train and validation cell, and this test needs ${atLeast}`, {
      context: { task: task.column, class: classes[c], cells: sizes[c] },
      mend: 'Raise qc.min_class_cells, or take wilcoxon, which can do with one cell.',
    });
  }
  const dense = new Int32Array(classes.length).fill(-1);
  present.forEach((c, at) => (dense[c] = at));
  return {
    matrix: data.X,
    rows,
    codes: codes.map((c) => dense[c]),
    classCount: present.length,
    classes: present.map((c) => classes[c]),
  };
}

/** For each cell of the dataset, the code of its class among these; -1 where it has no class, or another one. */
export function codesAmong(data: Dataset, task: Task, classes: readonly string[]): Int32Array {
  const { codes, classes: all } = labels(data.obs, task.column);
  const place = Int32Array.from(all, (name) => classes.indexOf(name));
  return codes.map((code) => (code < 0 ? -1 : place[code]));
}

/** Throws when there are too few cells to train a network on. */
export function requireTwoCells(rows: Uint32Array, step: string): void {
  if (rows.length >= 2) return;
  throw new DataError(`${step} needs at least 2 cells to learn from, and the split has ${rows.length}`, {
    context: { step, cells: rows.length },
    mend: 'Take a split with a larger train part, or a larger dataset.',
  });
}

/** Values found finite; a dataset serves many steps, and is looked through once. */
const finite = new WeakSet<Float32Array>();

/** Throws when X holds NaN or an infinity, naming the cell and the gene. */
export function requireFinite({ X, obs, var: genes }: Dataset): void {
  const { data } = X;
  if (finite.has(data)) return;
  let at = 0;
  while (at < data.length && data[at] - data[at] === 0) at++;
  if (at === data.length) {
    finite.add(data);
    return;
  }
  const col = X.kind === 'dense' ? at % X.cols : X.indices[at];
  const row = X.kind === 'dense' ? Math.floor(at / X.cols) : X.indptr.findIndex((end) => end > at) - 1;
  throw new DataError(`X holds ${data[at]}`, {
    context: { cell: obs.index[row], gene: genes.index[col], value: String(data[at]) },
    mend: 'Replace or remove such values before the run.',
  });
}

/** A panel out of gene numbers and their scores. */
export function panelOf(data: Dataset, genes: Uint32Array, scores: Float64Array, task: string | null): Panel {
  return { genes, names: Array.from(genes, (j) => data.var.index[j]), scores, task };
}

/** The first k genes of a panel, or an error when it ranks fewer. */
export function firstGenes(panel: Panel, k: number): Uint32Array {
  if (panel.genes.length >= k) return panel.genes.subarray(0, k);
  throw new DataError(`The panel ranks ${panel.genes.length} genes, fewer than k = ${k}`, {
    context: { genes: panel.genes.length, k },
    mend: 'Take a smaller k, or keep more genes.',
  });
}

/** Calls `context.breathe()` when 100 ms have gone by since the last time; give it to inner loops. */
export function breather(context: StepContext): () => Promise<void> {
  let last = Date.now();
  return async () => {
    if (Date.now() - last < 100) return;
    await context.breathe();
    last = Date.now();
  };
}
