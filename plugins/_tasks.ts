import { column, type Dataset, labels } from '../data/dataset.ts';
import { DataError, type Task } from './contract.ts';

/** Refuses tasks that cannot be learned from this dataset: no such column, fewer than two classes, or no numbers to regress on. */
export function checkTasks(data: Dataset, tasks: readonly Task[], mend?: string): void {
  for (const task of tasks) {
    const found = column(data.obs, task.column);
    const context = { column: task.column };
    if (task.kind === 'regression') {
      if (found.kind !== 'number') {
        throw new DataError(`The column "${task.column}" does not hold numbers, so it cannot be a regression task`, {
          context,
          mend: 'Make it a classification task, or give a column of numbers.',
        });
      }
      const known = found.values.filter((v) => Number.isFinite(v));
      if (known.every((v) => v === known[0])) {
        throw new DataError(
          `The column "${task.column}" has ${known.length === 0 ? 'no values' : 'the same value in every cell'}: there is nothing to learn`,
          { context, mend },
        );
      }
      continue;
    }
    const { classes } = labels(data.obs, task.column);
    if (classes.length < 2) {
      throw new DataError(
        `The column "${task.column}" has ${classes.length === 0 ? 'no labels' : `one class only ("${classes[0]}")`}: there is nothing to tell apart`,
        {
          context: { ...context, cells: data.X.rows },
          mend: mend ?? 'Give a column with at least two classes.',
        },
      );
    }
  }
}
