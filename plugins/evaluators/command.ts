import { takeGenes } from '../../data/dataset.ts';
import { firstGenes, labelledCells, learningCells, onlyTask, requireFinite, valuedCells } from '../_cells.ts';
import { ask, asked, DATA, excerpt, REQUEST, taskInFile } from '../commands/_exchange.ts';
import { programParams, scriptsOf } from '../commands/_program.ts';
import { type Column, defineEvaluator, Task, z } from '../contract.ts';
import { calledClasses, calledValues, metricsIn, type Rows, rowsOfCells } from './_answers.ts';
import { callMetrics, requireBoth } from './_classify.ts';

const ANSWERS = { predictions: 'predictions.csv', metrics: 'metrics.json' };

/** A program of the user's judges a panel, in any language: docs/other-languages.md has what it reads and writes. */
export default defineEvaluator({
  id: 'command',
  version: 1,
  summary: 'A program of yours, in any language: it predicts the test cells from the panel (predictions.csv), or writes metrics.json',
  seeded: true,
  params: z.strictObject({
    ...programParams,
    tasks: z.array(Task),
    k: z.int().positive(),
    gives: z
      .enum(['predictions', 'metrics'])
      .default('predictions')
      .describe(
        'predictions: of the test cells, whose labels it does not see, judged like those of forest and knn; metrics: numbers under names of its own, for which it sees the labels',
      ),
  }),
  files: (given) => scriptsOf(given, [DATA, REQUEST, ...Object.values(ANSWERS)]),
  run: async (context, { data, split, panel }, { tasks, k, gives, ...program }) => {
    const own = onlyTask(tasks, 'command');
    const genes = firstGenes(panel, k);
    requireFinite(data);
    const cellsOf = own.kind === 'regression' ? valuedCells : labelledCells;
    const learn = learningCells(split);
    const test = cellsOf(data, split.test, own);
    requireBoth(cellsOf(data, learn, own).rows, test.rows, own);
    const { task, values } = asked(data, own);
    const { column } = taskInFile(own);
    const columns = { [column]: gives === 'predictions' ? without(values, split.test) : values };
    const cells = takeGenes(excerpt(data, { learn, test: split.test }, columns), genes.toSorted());
    const names = Array.from(genes, (j) => data.var.index[j]);
    const request = { kind: 'evaluator', k, panel: names, tasks: [{ ...task, column }] };
    const answer = ANSWERS[gives];
    const call = <T>(read: (text: string) => T): Promise<T> => ask(context, program, { data: cells, request, answer, read });
    if (gives === 'metrics') return { metrics: { values: await call((text) => metricsIn(answer, text)) } };
    const rowsIn = (text: string): Rows => rowsOfCells({ file: answer, text }, data.obs.index, { test: split.test, judged: test.rows });
    if ('values' in test) {
      const predicted = await call((text) => calledValues(answer, rowsIn(text)));
      const { regressionMetrics } = await import('../../stats/regression-metrics.ts');
      return { metrics: { values: regressionMetrics(test.values, predicted) } };
    }
    const called = await call((text) => calledClasses(answer, rowsIn(text), test.classes));
    return { metrics: await callMetrics({ truth: test.codes, ...called }, test.classes) };
  },
});

/** A column that says nothing about these rows. */
function without(values: Column, rows: Uint32Array): Column {
  const hidden = new Set(rows);
  if (values.kind === 'number') return { ...values, values: values.values.map((v, i) => (hidden.has(i) ? Number.NaN : v)) };
  if (values.kind === 'category') return { ...values, codes: values.codes.map((c, i) => (hidden.has(i) ? -1 : c)) };
  return { ...values, values: values.values.map((v, i) => (hidden.has(i) ? null : v)) };
}
