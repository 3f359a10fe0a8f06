import type { Dataset } from '../../data/dataset.ts';
import { column, labels } from '../../data/dataset.ts';
import type { YotoEpoch, YotoTask } from '../../tensor/yoto.ts';
import { breather, panelOf, requireFinite, valuedCells } from '../_cells.ts';
import { DataError, defineSelector, type Predictions, type Split, Task, z } from '../contract.ts';

const params = z.strictObject({
  k: z.int().positive(),
  tasks: z.array(Task),
  epochs: z.int().positive().default(100),
  batch: z.int().min(2).default(128),
  learning_rate: z.number().positive().default(1e-3),
  score_learning_rate: z.number().positive().default(3e-3).describe('learning rate of the gene scores'),
  hidden: z.array(z.int().positive()).default([128, 128]).describe('widths of the shared encoder'),
  temperature: z
    .strictObject({ start: z.number().positive().default(1), end: z.number().positive().default(0.01) })
    .prefault({})
    .describe('of the gate; falls exponentially over all batches'),
  noise: z.number().min(0).default(0.1).describe('Gumbel noise on the scores, times tau / start'),
  start_genes: z.number().min(1).default(4).describe('the gate starts with this many times k genes and reaches k half-way'),
});

/**
 * YOTO: scores, gate and a multi-task network trained together, once. The paper gives no widths, rates or schedules; the defaults are the
 * recipe that did best in our trials on Zeisel and Kang (z-scored log data, two hidden layers with batch norm, last epoch kept).
 */
export default defineSelector({
  id: 'yoto',
  version: 1,
  summary: 'You Only Train Once: a straight-through NeuralSort gate and a multi-task network trained together',
  cites: ['arXiv:2512.17678', 'arXiv:1903.08850'],
  queue: 'gpu',
  seeded: true,
  traits: ['multi-task', 'predictions'],
  params,
  run: async (context, { data, split }, given) => {
    const { k, epochs } = given;
    check(data, split, k);
    const [{ loadBackend }, { Yoto }] = await Promise.all([import('../../tensor/backend.ts'), import('../../tensor/yoto.ts')]);
    const backend = await loadBackend((line) => context.log(line));
    const tasks = given.tasks.map((task) => yotoTask(data, split, task));
    const cells = { matrix: data.X, train: split.train, validation: split.validation, test: split.test };
    const model = new Yoto(backend, cells, tasks, {
      ...given,
      learningRate: given.learning_rate,
      scoreLearningRate: given.score_learning_rate,
      startGenes: given.start_genes,
      seed: context.seed,
    });
    try {
      const said: YotoEpoch[] = [];
      await model.train((epoch) => {
        said.push(epoch);
        context.progress(epoch.epoch / epochs, `epoch ${epoch.epoch} of ${epochs}`);
      }, breather(context));
      const scores = model.scores();
      const { orderDescending } = await import('../../stats/ranks.ts');
      const genes = orderDescending(scores).slice(0, k);
      const panel = panelOf(
        data,
        genes,
        Float64Array.from(genes, (j) => scores[j]),
        tasks.length === 1 ? tasks[0].name : null,
      );
      const heads = model.predict(split.test);
      const predictions = given.tasks.flatMap((task, t) =>
        task.kind === 'classification' ? [predicted(data, split.test, task, heads[t])] : [],
      );
      const facts = { epochs, loss: said.at(-1)!.loss, backend: `${backend.name} ${backend.version} ${backend.device}` };
      return { panel: { ...panel, predictions, curves: curvesOf(said, tasks) }, facts };
    } finally {
      model.dispose();
    }
  },
});

function check(data: Dataset, split: Split, k: number): void {
  requireFinite(data);
  if (k > data.X.cols) {
    throw new DataError(`k = ${k} is more than the ${data.X.cols} genes of the dataset`, {
      context: { k, genes: data.X.cols },
      mend: 'Take a smaller k, or keep more genes (hvg.top, qc.min_cells).',
    });
  }
  if (split.train.length < 2) {
    throw new DataError(`yoto needs at least 2 train cells, and the split has ${split.train.length}`, {
      context: { cells: split.train.length },
    });
  }
}

/** Targets over all cells; those of a regression are standardised by the train cells. */
function yotoTask(data: Dataset, split: Split, task: Task): YotoTask {
  const name = task.column;
  if (task.kind === 'classification') {
    const { codes, classes } = labels(data.obs, name);
    const present = new Set(Array.from(split.train, (i) => codes[i]).filter((code) => code >= 0)).size;
    if (present < 2) {
      throw new DataError(`The task "${name}" has ${present} class among the train cells; it needs 2`, {
        context: { task: name },
        mend: 'Take another column, or a split that keeps the classes (stratify: true).',
      });
    }
    return { name, kind: 'classification', codes, classCount: classes.length };
  }
  const { values } = valuedCells(data, split.train, task);
  if (values.length < 2) throw new DataError(`Fewer than 2 train cells have a value of the task "${name}"`, { context: { task: name } });
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const sd = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / (values.length - 1)) || 1;
  const all = column(data.obs, name) as { values: Float64Array };
  return { name, kind: 'regression', values: Float32Array.from(all.values, (v) => (Number.isFinite(v) ? (v - mean) / sd : Number.NaN)) };
}

function predicted(data: Dataset, test: Uint32Array, task: Task, outputs: Float32Array): Predictions {
  const { codes, classes } = labels(data.obs, task.column);
  const width = classes.length;
  const known = Array.from(test.keys()).filter((at) => codes[test[at]] >= 0);
  const probabilities = new Float32Array(known.length * width);
  known.forEach((at, i) => probabilities.set(outputs.subarray(at * width, (at + 1) * width), i * width));
  return { task: task.column, classes, rows: Uint32Array.from(known, (at) => test[at]), probabilities };
}

function curvesOf(said: readonly YotoEpoch[], tasks: readonly YotoTask[]): Record<string, Float64Array> {
  const curve = (pick: (epoch: YotoEpoch) => number): Float64Array => Float64Array.from(said, pick);
  const byTask = tasks.map(({ name, kind }, t) => {
    const isClasses = kind === 'classification';
    return [
      `validation ${isClasses ? 'accuracy' : 'mse'} ${name}`,
      curve((e) => (isClasses ? e.validation[t] : -e.validation[t])),
    ] as const;
  });
  return { loss: curve((e) => e.loss), tau: curve((e) => e.tau), k: curve((e) => e.k), ...Object.fromEntries(byTask) };
}
