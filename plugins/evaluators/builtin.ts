import { labels } from '../../data/dataset.ts';
import { classificationTask, firstGenes } from '../_cells.ts';
import { DataError, defineEvaluator, Task, z } from '../contract.ts';
import { classMetrics } from './_classify.ts';

/** The selector's own classifier, as it stood at the end of its training. */
export default defineEvaluator({
  id: 'builtin',
  version: 1,
  summary: "The selector's own classifier on the test cells, without a refit",
  traits: ['needs-predictions'],
  params: z.strictObject({ tasks: z.array(Task), k: z.int().positive() }),
  run: async (_context, { data, panel }, { tasks, k }) => {
    const task = classificationTask(tasks, 'builtin');
    firstGenes(panel, k);
    const found = panel.predictions?.find((p) => p.task === task.column);
    if (!found) {
      const known = panel.predictions?.map((p) => p.task).join(', ');
      throw new DataError(`The selector of this panel gives no predictions for "${task.column}"`, {
        context: { task: task.column, predicted: known || 'none' },
        mend: 'Use the evaluator builtin with selectors that hold a classifier of their own, such as yoto.',
      });
    }
    if (panel.genes.length !== k) {
      throw new DataError(`The selector's classifier was trained for k = ${panel.genes.length}, and k = ${k} is asked for`, {
        context: { trained: panel.genes.length, k },
        mend: 'Train the selector for each k.',
      });
    }
    const { codes, classes } = labels(data.obs, task.column);
    const place = found.classes.map((name) => classes.indexOf(name));
    const probabilities = new Float64Array(found.rows.length * classes.length);
    found.probabilities.forEach((p, i) => {
      const cell = Math.floor(i / place.length);
      const c = place[i % place.length];
      if (c >= 0) probabilities[cell * classes.length + c] = p;
    });
    const truth = Int32Array.from(found.rows, (row) => codes[row]);
    return { metrics: await classMetrics(truth, probabilities, classes) };
  },
});
