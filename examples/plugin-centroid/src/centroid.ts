import { DataError, defineEvaluator, denseBlock, labels, Task, z } from 'panelflow/plugin';

export default defineEvaluator({
  id: 'centroid',
  version: 1,
  summary: 'Nearest class mean on the panel (Euclidean)',
  params: z.strictObject({ k: z.int().positive(), tasks: z.array(Task) }),
  run: async (context, { data, split, panel }, { k, tasks: [task] }) => {
    if (task.kind !== 'classification')
      throw new DataError(`The task "${task.column}" is a number`, { context: { task: task.column }, mend: 'Leave this evaluator out.' });
    if (panel.genes.length < k)
      throw new DataError(`The panel ranks ${panel.genes.length} genes, fewer than k = ${k}`, {
        context: { k },
        mend: 'Take a smaller k.',
      });
    const genes = panel.genes.subarray(0, k);
    const { codes, classes } = labels(data.obs, task.column);
    const blockOf = (rows: readonly number[]) => ({ rows, values: denseBlock(data.X, rows, genes).data });
    const learn = blockOf([...split.train, ...split.validation].filter((i) => codes[i] >= 0));
    const test = blockOf([...split.test].filter((i) => codes[i] >= 0));

    const size = new Float64Array(classes.length);
    for (const i of learn.rows) size[codes[i]]++;
    const means = new Float64Array(classes.length * k);
    for (const [at, i] of learn.rows.entries())
      for (let j = 0; j < k; j++) means[codes[i] * k + j] += learn.values[at * k + j] / size[codes[i]];

    let right = 0;
    for (const [at, i] of test.rows.entries()) {
      if (at % 4096 === 0) await context.breathe();
      let best = -1;
      let least = Infinity;
      for (let c = 0; c < classes.length; c++) {
        if (size[c] === 0) continue;
        let distance = 0;
        for (let j = 0; j < k; j++) distance += (test.values[at * k + j] - means[c * k + j]) ** 2;
        if (distance < least) [best, least] = [c, distance];
      }
      if (best === codes[i]) right++;
    }
    return { metrics: { values: { accuracy: right / test.rows.length } } };
  },
});
