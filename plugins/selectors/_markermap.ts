import type { Form } from '../../tensor/batches.ts';
import type { MakeFront, VaeCells } from '../../tensor/vae.ts';
import { classCells, classificationTask, codesAmong, panelOf, requireFinite, requireTwoCells } from '../_cells.ts';
import { backendFacts, panelJudge, scaledForm, withPreset } from '../_network.ts';
import { drive } from '../_train.ts';
import {
  type Dataset,
  type Network,
  type NetworkHead,
  type Selection,
  type SelectorInputs,
  type Split,
  type StepContext,
  type Task,
  z,
} from '../contract.ts';

/** What the two protocols set. */
interface Preset {
  readonly epochs: number;
  /** A number, or a search that ends at `max_learning_rate`. */
  readonly learning_rate: number | 'find';
  readonly max_learning_rate: number;
  /** Learning rate of the genes' logits over that of the rest. */
  readonly logit_rate: number;
  /** `factor` null: falls evenly (in the exponent) to `end` over the planned epochs; else times the factor after each epoch, not below `end`. */
  readonly temperature: { readonly start: number; readonly end: number; readonly factor: number | null };
  readonly patience: number | null;
  readonly likelihood: 'gaussian' | 'squared';
  /** The reconstruction is a sum over the genes, or their mean. */
  readonly reconstruction: 'sum' | 'mean';
}

/** Our recipe; a member gives what differs. */
export const CLEAN: Preset = {
  epochs: 40,
  learning_rate: 1e-3,
  max_learning_rate: 1e-2,
  logit_rate: 1,
  temperature: { start: 3, end: 0.1, factor: null },
  patience: null,
  likelihood: 'squared',
  reconstruction: 'mean',
};

/** The published settings; a member gives what differs. */
export const PAPER: Preset = {
  epochs: 100,
  learning_rate: 'find',
  max_learning_rate: 1e-4,
  logit_rate: 1,
  temperature: { start: 3, end: 1e-4, factor: 0.95 },
  patience: 3,
  likelihood: 'gaussian',
  reconstruction: 'sum',
};

/** A method of the family. */
interface Variant {
  readonly id: string;
  /** Weight of the reconstruction. */
  readonly alpha: number;
  readonly inputs: 'genes' | 'selectors';
  readonly clean: Preset;
  readonly paper: Preset;
  /** What chooses the genes. */
  readonly makeFront: () => Promise<MakeFront>;
}

/** Params that all members of the family have. */
export const familyParams = z.strictObject({
  k: z.int().positive(),
  protocol: z
    .enum(['clean', 'paper'])
    .default('clean')
    .describe("defaults of the params below: 'clean' is our recipe, 'paper' the published settings with their quirks; what is given wins"),
  epochs: z.int().positive().optional().describe('at most so many'),
  batch: z.int().min(2).default(64),
  hidden: z.int().positive().default(256).describe('width of the hidden layers; the paper takes 64 for 500 genes'),
  latent: z.int().positive().default(16),
  learning_rate: z
    .union([z.number().positive(), z.literal('find')])
    .optional()
    .describe("of Adam; 'find' searches 500 steps for it first"),
  max_learning_rate: z.number().positive().optional().describe('where that search ends'),
  logit_rate: z.number().positive().optional().describe("learning rate of what gives the genes' logits, as a multiple of learning_rate"),
  temperature: z
    .strictObject({
      start: z.number().positive(),
      end: z.number().positive(),
      factor: z.number().positive().max(1).nullable().default(null),
    })
    .optional()
    .describe(
      'of the relaxed choice: falls exponentially from start to end over the epochs; with a factor, by it after each epoch, not below end',
    ),
  patience: z
    .int()
    .positive()
    .nullable()
    .optional()
    .describe('stop after so many epochs without a lower validation loss; null: train all epochs'),
});

/** Params of the members that reconstruct the genes. */
export const reconstructionParams = z.strictObject({
  likelihood: z
    .enum(['gaussian', 'squared'])
    .optional()
    .describe('reconstruction error: Gaussian with a learned variance for each gene and cell, or squares'),
  reconstruction: z.enum(['sum', 'mean']).optional().describe('over the genes; the sum outweighs a classifier by far'),
  kl: z.number().min(0).default(0.1).describe('weight of the latent divergence'),
});

/** Param of the three forms of MarkerMap. */
export const dropout = z.number().min(0).max(0.9).default(0.5).describe('in the network that gives the logits');

/** The front of the three forms of MarkerMap: a network gives each cell its logits. */
export const cellFront = async (options: { readonly hidden: number; readonly dropout: number }): Promise<MakeFront> =>
  (await import('../../tensor/markermap.ts')).instanceFront(options);

type Given = z.infer<typeof familyParams> &
  Partial<z.infer<typeof reconstructionParams>> & { readonly tasks?: readonly Task[] | undefined };

/** Steps of the search for a learning rate. */
const FINDER_STEPS = 500;
/** Epochs before the early stop may end the training. */
const AT_LEAST = 25;

/** Trains one member of the family and makes its panel, network and predictions. */
export async function selectByVae(
  context: StepContext,
  { data, split }: SelectorInputs,
  given: Given,
  variant: Variant,
): Promise<Selection> {
  const { k, batch, hidden, latent, kl = 0.1 } = given;
  const { id, alpha, inputs } = variant;
  const { seed } = context;
  requireFinite(data);
  requireTwoCells(split.train, id);
  const { temperature, learning_rate: rate, ...preset } = withPreset(variant[given.protocol], given);
  const task = given.tasks && classificationTask(given.tasks, id);
  const labelled = task && labelledPart(data, split, task);
  const train = labelled?.train ?? split.train;
  const validation = labelled?.validation ?? split.validation;
  const [{ loadBackend }, { inputOf }, { SelectiveVae }, { VaeTraining }, form, front] = await Promise.all([
    import('../../tensor/backend.ts'),
    import('../../tensor/network.ts'),
    import('../../tensor/vae.ts'),
    import('../../tensor/vae-training.ts'),
    scaledForm(data, train, 10),
    variant.makeFront(),
  ]);
  const backend = await loadBackend((line) => context.log(line));
  const cells: VaeCells = {
    matrix: data.X,
    rows: Uint32Array.from([...train, ...validation]),
    form,
    ...(labelled ? { codes: labelled.codes, classCount: labelled.classes.length } : {}),
  };
  const perEpoch = Math.ceil(train.length / batch);
  const vae = new SelectiveVae(backend, cells, front, {
    k,
    seed,
    hidden,
    latent,
    inputs,
    alpha,
    isMean: preset.reconstruction === 'mean',
    likelihood: preset.likelihood,
    beta: kl,
    rate: rate === 'find' ? preset.max_learning_rate : rate,
    frontRate: preset.logit_rate,
    temperature: schedule(temperature, perEpoch, preset.epochs),
  });
  try {
    const training = new VaeTraining(vae, {
      train,
      validation,
      seed,
      batch,
      epochs: preset.epochs,
      patience: preset.patience,
      atLeast: AT_LEAST,
      ...(rate === 'find' ? { finder: { steps: FINDER_STEPS, to: preset.max_learning_rate } } : {}),
    });
    const curves = await drive(training, context);
    const ranking = vae.rank();
    const { shared, genes, classes } = vae.network(ranking);
    const heads: NetworkHead[] = [];
    if (labelled && classes) heads.push({ kind: 'classes', task: task.column, classes: labelled.classes, layers: classes });
    if (genes) heads.push({ kind: 'genes', genes: data.var.index, ...scaleOf(form, data), layers: genes });
    const panel = panelOf(data, ranking.genes, ranking.scores, task?.column ?? null);
    const model: Network = { method: id, genes: panel.names, input: inputOf(form, ranking.genes), layers: shared, heads };
    const judge = await panelJudge(backend, data);
    const predictions = task ? { predictions: judge.predictions(model, split.test) } : {};
    const facts = { epochs: training.epoch, loss: curves.loss.at(-1)!, learning_rate: vae.rate, ...backendFacts(backend) };
    return { panel: { ...panel, curves, ...predictions }, model, facts };
  } finally {
    vae.dispose();
  }
}

/** Train and validation cells that have a class among the train cells, and codes for all cells into those classes. */
function labelledPart(
  data: Dataset,
  split: Split,
  task: Task,
): { train: Uint32Array; validation: Uint32Array; codes: Int32Array; classes: readonly string[] } {
  const { rows, classes } = classCells(data, { ...split, validation: new Uint32Array(0) }, task);
  const codes = codesAmong(data, task, classes);
  return { train: rows, validation: split.validation.filter((i) => codes[i] >= 0), codes, classes };
}

function schedule({ start, end, factor }: Preset['temperature'], perEpoch: number, epochs: number): (steps: number) => number {
  if (factor !== null) return (steps) => Math.max(end, start * factor ** Math.floor(steps / perEpoch));
  const last = Math.max(1, perEpoch * epochs - 1);
  return (steps) => start * (end / start) ** Math.min(1, steps / last);
}

/** What takes reconstructed genes back to the scale of X. */
function scaleOf(form: Form, { X }: Dataset): { readonly mean: Float32Array; readonly sd: Float32Array } {
  if (form.kind === 'scaled') return { mean: Float32Array.from(form.scale.mean), sd: Float32Array.from(form.scale.sd) };
  return { mean: new Float32Array(X.cols), sd: new Float32Array(X.cols).fill(1) };
}
