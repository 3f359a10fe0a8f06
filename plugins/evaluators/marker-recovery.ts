import { firstGenes, onlyTask } from '../_cells.ts';
import { DataError, defineEvaluator, Task, z } from '../contract.ts';

/** What the dataset must say about itself. */
const Truth = z.record(z.string(), z.object({ markers: z.array(z.string()).min(1) }));

/** How many of the true markers, known for simulated data, the panel holds. */
export default defineEvaluator({
  id: 'marker-recovery',
  version: 1,
  summary: 'Precision and recall of the true markers of simulated data (uns.truth)',
  traits: ['needs-truth'],
  params: z.strictObject({ tasks: z.array(Task), k: z.int().positive() }),
  run: async (_context, { data, panel }, { tasks, k }) => {
    const task = onlyTask(tasks, 'marker-recovery');
    const truth = Truth.safeParse(data.uns.truth).data?.[task.column];
    if (!truth) {
      throw new DataError(`The dataset does not say which genes are true markers of "${task.column}"`, {
        context: { task: task.column },
        mend: 'Leave marker-recovery out, or use simulated data, whose uns.truth names the markers.',
      });
    }
    const markers = new Set(truth.markers);
    const hits = firstGenes(panel, k).filter((j) => markers.has(data.var.index[j])).length;
    return { metrics: { values: { precision_at_k: hits / k, recall_at_k: hits / markers.size } } };
  },
});
