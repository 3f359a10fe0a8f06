import { onlyTask, panelOf, requireFinite } from '../_cells.ts';
import { defineSelector, Task, z } from '../contract.ts';
import { classTarget, forestMemory, importancesOf } from './_forest.ts';
import { learningOf } from './_mrmr.ts';

/** Genes by their importance in a random forest whose classes weigh the same. */
export default defineSelector({
  id: 'smash',
  version: 1,
  summary: 'Importance of each gene in a random forest (Gini) with balanced class weights (SMaSH, as MarkerMap runs it)',
  cites: ['10.1186/s12859-022-04860-2', '10.1023/A:1010933404324'],
  seeded: true,
  memory: forestMemory,
  params: z.strictObject({
    tasks: z.array(Task),
    trees: z.int().positive().default(100),
  }),
  run: async (context, { data, split }, { tasks, trees }) => {
    const task = onlyTask(tasks, 'smash');
    requireFinite(data);
    const [{ classSizes }, { orderDescending }] = await Promise.all([import('../../stats/class-cells.ts'), import('../../stats/ranks.ts')]);
    const learning = learningOf(data, split, task);
    const { matrix } = learning;
    const tried = Math.max(1, Math.floor(Math.sqrt(matrix.cols)));
    const importances =
      learning.kind === 'classes'
        ? await importancesOf(context, matrix, classTarget(learning.cells), {
            trees,
            tried,
            classWeight: classSizes(learning.cells).map((size) => matrix.rows / (learning.cells.classCount * size)),
          })
        : await importancesOf(context, matrix, learning, { trees, tried });
    const genes = orderDescending(importances);
    const scores = Float64Array.from(genes, (j) => importances[j]);
    return { panel: panelOf(data, genes, scores, task.column) };
  },
});
