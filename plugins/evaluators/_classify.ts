import type { StepContext } from '../../core/plugin.ts';
import { denseBlock } from '../../data/matrix.ts';
import type { Judged } from '../../stats/metrics.ts';
import { firstGenes, labelledCells, learningCells, onlyTask, valuedCells } from '../_cells.ts';
import { DataError, type Dataset, type Metrics, type Panel, type Split, type Task } from '../contract.ts';

/** What an evaluator of one task gets: blocks of the panel's genes, row-major float32. */
export interface Blocks {
  readonly learn: Float32Array;
  readonly learnRows: number;
  readonly test: Float32Array;
  readonly testRows: number;
  readonly features: number;
}

/** A model fitted on the learning cells; returns what it says about the test cells. */
export interface Model {
  /** Probabilities, test cells x classes, row-major. */
  classify(blocks: Blocks, codes: Int32Array, classCount: number): Promise<Float64Array>;
  /** A value for each test cell. */
  regress(blocks: Blocks, values: Float64Array): Promise<Float64Array>;
}

/** The inputs of an evaluator. */
export interface Judging {
  readonly data: Dataset;
  readonly split: Split;
  readonly panel: Panel;
}

/** Fits on the labelled train and validation cells with the first k genes, judges on the labelled test cells. */
export async function judge(
  model: Model,
  { data, split, panel }: Judging,
  options: { tasks: readonly Task[]; k: number; step: string; scale?: boolean; context: StepContext },
): Promise<{ metrics: Metrics }> {
  const task = onlyTask(options.tasks, options.step);
  const genes = firstGenes(panel, options.k);
  if (task.kind === 'regression') {
    const learn = valuedCells(data, learningCells(split), task);
    const test = valuedCells(data, split.test, task);
    const blocks = blocksOf(data, learn.rows, test.rows, { genes, task, scale: options.scale });
    const { regressionMetrics } = await import('../../stats/regression-metrics.ts');
    return { metrics: { values: regressionMetrics(test.values, await model.regress(blocks, learn.values)) } };
  }
  const learn = labelledCells(data, learningCells(split), task);
  const test = labelledCells(data, split.test, task);
  const blocks = blocksOf(data, learn.rows, test.rows, { genes, task, scale: options.scale });
  const probabilities = await model.classify(blocks, learn.codes, learn.classes.length);
  return { metrics: await classMetrics(test.codes, probabilities, learn.classes) };
}

/** All classification metrics, and the confusion counts. */
export async function classMetrics(truth: Int32Array, probabilities: ArrayLike<number>, classes: readonly string[]): Promise<Metrics> {
  const { mostProbable } = await import('../../stats/metrics.ts');
  return callMetrics({ truth, predicted: mostProbable(probabilities, classes.length), probabilities }, classes);
}

/** The same of a model that calls the classes itself; without probabilities, those metrics that need none. */
export async function callMetrics(called: Omit<Judged, 'classCount'>, classes: readonly string[]): Promise<Metrics> {
  const { classificationMetrics, confusion } = await import('../../stats/metrics.ts');
  const judged = { ...called, classCount: classes.length };
  return { values: classificationMetrics(judged), confusion: { classes, counts: confusion(judged) } };
}

/** DataError where no learning cell, or no test cell, has a value of the task. */
export function requireBoth(learnRows: Uint32Array, testRows: Uint32Array, task: Task): void {
  for (const [rows, part] of [
    [learnRows, 'train and validation'],
    [testRows, 'test'],
  ] as const) {
    if (rows.length > 0) continue;
    throw new DataError(`No ${part} cell has a value of the task "${task.column}"`, {
      context: { task: task.column },
      mend: 'Take another column, or a split that reaches labelled cells.',
    });
  }
}

function blocksOf(
  data: Dataset,
  learnRows: Uint32Array,
  testRows: Uint32Array,
  { genes, task, scale = false }: { genes: Uint32Array; task: Task; scale?: boolean },
): Blocks {
  requireBoth(learnRows, testRows, task);
  const learn = denseBlock(data.X, learnRows, genes).data;
  const test = denseBlock(data.X, testRows, genes).data;
  if (scale) standardise(learn, test, genes.length);
  return { learn, learnRows: learnRows.length, test, testRows: testRows.length, features: genes.length };
}

/** z-scores both blocks in place by the learning cells' means and deviations (ddof 1, 0 becomes 1), clipped at 10. */
function standardise(learn: Float32Array, test: Float32Array, features: number): void {
  const rows = learn.length / features;
  for (let f = 0; f < features; f++) {
    let mean = 0;
    let square = 0;
    for (let o = f; o < learn.length; o += features) mean += learn[o] / rows;
    for (let o = f; o < learn.length; o += features) square += (learn[o] - mean) ** 2;
    const sd = Math.sqrt(square / (rows - 1)) || 1;
    for (const block of [learn, test]) {
      for (let o = f; o < block.length; o += features) block[o] = Math.max(-10, Math.min(10, (block[o] - mean) / sd));
    }
  }
}
