import * as z from 'zod';
import type { Gathered, Memory, Plugin, StepDefinition, StepResult } from '../core/plugin.ts';
import type { Column, Dataset } from '../data/dataset.ts';
import type { Network } from '../tensor/network.ts';
import { type Body, metricsAsFacts, type Run, stepOf } from './_step.ts';

export { z };
export { API_VERSION } from '../core/plugin.ts';
export type { Network, NetworkHead, NetworkLayer } from '../tensor/network.ts';
export type { Checkpoints, DataSize, Facts, Gathered, Memory, Plugin, StepContext, StepDefinition, StepResult } from '../core/plugin.ts';
export { ArtifactError, ConfigError, DataError, ResourceError, TrainingError } from '../core/errors.ts';
export { column, counts, type Column, type Dataset, type Frame, labels, takeCells, takeGenes } from '../data/dataset.ts';
export {
  type CscMatrix,
  type CsrMatrix,
  denseBlock,
  type DenseMatrix,
  forEachNonZero,
  type Matrix,
  takeColumns,
  takeRows,
  toCsc,
} from '../data/matrix.ts';
export { Random } from '../stats/random.ts';

/** Row numbers (into the dataset's cells) of each part of one split; disjoint, each in rising order. */
export interface Split {
  readonly train: Uint32Array;
  /** Empty when the split has no validation part. */
  readonly validation: Uint32Array;
  readonly test: Uint32Array;
}

/** What a panel must hold and must not hold, whatever the method: every selector keeps these rules (see `defineSelector`). */
export const PanelRules = z.strictObject({
  must_include: z.array(z.string()).default([]).describe('genes that every panel has, in front; they count towards k'),
  exclude: z.array(z.string()).default([]).describe('genes that no panel has'),
  exclude_prefix: z.array(z.string().min(1)).default([]).describe('no gene whose name starts so, e.g. [MT-, RPL, RPS]; case matters'),
  max_mean: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe('no gene with a higher mean over the learning cells (raw counts where there are any), against optical crowding'),
  min_mean: z.number().min(0).nullable().default(null).describe('no gene with a lower mean, too weak to detect'),
  balance: z
    .strictObject({ column: z.string(), cells_per_class: z.int().positive() })
    .nullable()
    .default(null)
    .describe(
      'choose genes on at most so many learning cells of each class of that obs column, so that common classes do not outweigh rare ones',
    ),
});
export type PanelRules = z.infer<typeof PanelRules>;

/** Labels that stand in for those of the dataset, by obs column. */
export type Labels = Readonly<Record<string, Column>>;

/** A column to predict. */
export const Task = z.strictObject({ column: z.string(), kind: z.enum(['classification', 'regression']).default('classification') });
export type Task = z.infer<typeof Task>;

/** What a selector's own classifier says about the test cells of one task. */
export interface Predictions {
  readonly task: string;
  readonly classes: readonly string[];
  /** Row numbers into the dataset (labelled test cells of the split). */
  readonly rows: Uint32Array;
  /** rows x classes, row-major, each row sums to 1. */
  readonly probabilities: Float32Array;
}

/** A ranking of genes, best first. A full ranking serves every k; a selector trained for one k ranks at least those k. */
export interface Panel {
  /** Column numbers into the dataset's genes, best first, no repeats. */
  readonly genes: Uint32Array;
  readonly names: readonly string[];
  /** Same length as genes; NaN where the method has none. */
  readonly scores: Float64Array;
  /** The task that the panel was chosen for; null when it serves all of them. */
  readonly task: string | null;
  readonly predictions?: readonly Predictions[];
  /** Curves of a training: name to one value an epoch (loss, tau, k, ...). */
  readonly curves?: Readonly<Record<string, Float64Array>>;
}

/** Metrics of one evaluation. */
export interface Metrics {
  readonly values: Readonly<Record<string, number>>;
  /** Counts, true class x predicted class, row-major, with class names. */
  readonly confusion?: { readonly classes: readonly string[]; readonly counts: Uint32Array };
  /** Some of the metrics gene by gene: column numbers into the dataset's genes, and for each metric one value a gene (NaN: undefined). */
  readonly genes?: { readonly columns: Uint32Array; readonly values: Readonly<Record<string, Float32Array>> };
}

/** A file that a reporter makes; written as it is into the results folder. */
export interface ReportFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Makes a dataset from a file or from nothing. */
export function defineReader<P extends z.ZodObject>(
  step: Body<P> & { run: Run<P, Record<string, never>, { data: Dataset; facts?: StepResult['facts'] }> },
): StepDefinition<P> {
  return stepOf(
    'reader',
    {
      inputs: {},
      outputs: { data: 'dataset' },
    },
    step,
  );
}

/** Makes a dataset from a dataset; its input stays untouched. */
export function defineTransform<P extends z.ZodObject>(
  step: Body<P> & { run: Run<P, { data: Dataset }, { data: Dataset; facts?: StepResult['facts'] }> },
): StepDefinition<P> {
  return stepOf(
    'transform',
    {
      inputs: { data: { type: 'dataset' } },
      outputs: { data: 'dataset' },
    },
    step,
  );
}

/** Divides the cells of a dataset into train, validation and test. */
export function defineSplitter<P extends z.ZodObject>(
  step: Body<P> & { run: Run<P, { data: Dataset }, { split: Split; facts?: StepResult['facts'] }> },
): StepDefinition<P> {
  return stepOf(
    'splitter',
    {
      inputs: { data: { type: 'dataset' } },
      outputs: { split: 'split' },
    },
    { seeded: true, ...step },
  );
}

/** Gives some cells other labels, for the steps that take them in. */
export function defineLabeler<P extends z.ZodObject>(
  step: Body<P> & { run: Run<P, { data: Dataset; split: Split }, { labels: Labels; facts?: StepResult['facts'] }> },
): StepDefinition<P> {
  return stepOf(
    'labeler',
    {
      inputs: { data: { type: 'dataset' }, split: { type: 'split' } },
      outputs: { labels: 'labels' },
    },
    { seeded: true, ...step },
  );
}

/** Where cells lie in a picture: cells x 2, row-major, in the order of the dataset. */
export interface Embedding {
  /** As people call it, such as "UMAP". */
  readonly method: string;
  readonly coordinates: Float32Array;
}

/** Lays cells out in two dimensions. */
export function defineEmbedder<P extends z.ZodObject>(
  step: Body<P> & { run: Run<P, { data: Dataset }, { embedding: Embedding; facts?: StepResult['facts'] }> },
): StepDefinition<P> {
  return stepOf(
    'embedder',
    {
      inputs: { data: { type: 'dataset' } },
      outputs: { embedding: 'embedding' },
    },
    { seeded: true, ...step },
  );
}

/** What a selector gets. */
export interface SelectorInputs {
  readonly data: Dataset;
  readonly split: Split;
}

/** What a selector gives. */
export type Selection = {
  readonly panel: Panel;
  /** The trained network, when the selector has the trait 'model'. */
  readonly model?: Network;
  readonly facts?: StepResult['facts'];
};

/**
 * Ranks genes, looking only at the train (and validation) cells of the split.
 * Engine-supplied params, given when the schema declares them: `k` (leave it out when the ranking serves every k) and
 * `tasks` (leave it out when labels are not used; trait 'multi-task' = gets all tasks at once, else exactly one).
 * Trait 'predictions' = fills `panel.predictions`. Trait 'model' = gives `model`, a network for later predictions;
 * 'generative' = that network has a head of kind 'genes'.
 *
 * The contract adds the param `panel` (`PanelRules`) and the optional input `labels` to every selector, and sees to them itself: a selector
 * gets a dataset of the genes it may choose from, with the labels in force. Several tasks for a selector that takes one: it runs for each,
 * and the rankings take turns. `memory` is checked against what the step may take before it starts.
 */
export function defineSelector<P extends z.ZodObject>(
  step: Body<P> & { memory?: Memory; run: Run<P, SelectorInputs, Selection> },
): StepDefinition<any> {
  const params = (step.params as z.ZodObject).safeExtend({
    panel: PanelRules.optional().describe('genes that the panel must and must not hold; see docs/benchmark.md'),
  });
  const ports = {
    inputs: { data: { type: 'dataset' }, split: { type: 'split' }, labels: { type: 'labels', optional: true } },
    outputs: { panel: 'panel', ...(step.traits?.includes('model') ? { model: 'model' } : {}) },
  };
  return stepOf<any>('selector', ports, {
    ...step,
    params,
    run: async (context, { labels: given, ...inputs }, { panel: rules, ...own }) => {
      const { selectWithRules } = await import('./_select.ts');
      return selectWithRules(step, context, relabelled(inputs as SelectorInputs, given), own, rules);
    },
  });
}

function relabelled<I extends { readonly data: Dataset }>(inputs: I, given: Labels | undefined): I {
  if (given === undefined) return inputs;
  const { data } = inputs;
  return { ...inputs, data: { ...data, obs: { ...data.obs, columns: { ...data.obs.columns, ...given } } } };
}

/** What an evaluator gets; `model` when it has the trait 'needs-model'. */
export interface EvaluatorInputs {
  readonly data: Dataset;
  readonly split: Split;
  readonly panel: Panel;
  readonly model?: Network;
}

/**
 * Judges the first k genes of a panel. Engine-supplied params: `k`, and `tasks` (exactly one) when the schema declares it.
 * Trait 'needs-predictions' = judges only selectors with the trait 'predictions'; 'needs-model' = gets the selector's `model`, and judges only
 * selectors with the trait 'generative' (whose network says what every gene's expression is).
 */
export function defineEvaluator<P extends z.ZodObject>(
  step: Body<P> & { run: Run<P, EvaluatorInputs, { metrics: Metrics; facts?: StepResult['facts'] }> },
): StepDefinition<P> {
  const inputs = {
    data: { type: 'dataset' },
    split: { type: 'split' },
    panel: { type: 'panel' },
    labels: { type: 'labels', optional: true },
    ...(step.traits?.includes('needs-model') ? { model: { type: 'model' } } : {}),
  };
  return stepOf(
    'evaluator',
    { inputs, outputs: { metrics: 'metrics' } },
    {
      ...step,
      run: async (context, { labels: labelled, ...given }, params) =>
        metricsAsFacts(await step.run(context, relabelled(given as unknown as EvaluatorInputs, labelled), params)),
    },
  );
}

/** What a reporter gets: everything gathered, each with its cell of the sweep. */
export interface ReporterInputs {
  /** Cells: selector, k, seed, task, evaluator. */
  readonly metrics: readonly Gathered<Metrics>[];
  /** Cells: selector, k, seed, task. The same panel may stand in many cells. */
  readonly panels: readonly Gathered<Panel>[];
  /** What the panels were chosen from; nothing where they are of several datasets. */
  readonly data?: Dataset;
  /** Where the cells lie on a map, where the pipeline makes one. */
  readonly embedding?: Embedding;
}

/** Makes files (tables, report) of everything gathered. */
export function defineReporter<P extends z.ZodObject>(
  step: Body<P> & { run: Run<P, ReporterInputs, { files: readonly ReportFile[]; facts?: StepResult['facts'] }> },
): StepDefinition<P> {
  return stepOf(
    'reporter',
    {
      inputs: {
        metrics: { type: 'metrics', many: true },
        panels: { type: 'panel', many: true },
        data: { type: 'dataset', optional: true },
        embedding: { type: 'embedding', optional: true },
      },
      outputs: { files: 'files' },
    },
    step,
  );
}

/** A plugin package's default export. */
export function definePlugin(plugin: Plugin): Plugin {
  return plugin;
}
