import type { MakeFront, Ranking, SelectiveVae, VaeCells } from '../../tensor/vae.ts';
import type { Form } from '../../tensor/batches.ts';
import { classCells, classificationTask, panelOf, requireFinite } from '../_cells.ts';
import { panelCurves, panelJudge, scaledForm, withPreset } from '../_network.ts';
import { drive } from '../_train.ts';
import {
  type Dataset,
  DataError,
  labels,
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
export interface Preset {
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

/** A method of the family. */
export interface Variant {
  readonly id: string;
  /** Weight of the reconstruction. */
  readonly alpha: number;
  readonly inputs: 'genes' | 'selectors';
  readonly presets: Readonly<Record<'clean' | 'paper', Preset>>;
  /** Epochs before the early stop may end the training. */
  readonly atLeast: number;
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

type Given = z.infer<typeof familyParams> &
  Partial<z.infer<typeof reconstructionParams>> & { readonly tasks?: readonly Task[] | undefined };

/** Steps of the search for a learning rate. */
const FINDER_STEPS = 500;

/** Trains one member of the family and makes its panel, network and predictions. */
export async function selectByVae(
  context: StepContext,
  { data, split }: SelectorInputs,
  given: Given,
  { variant, makeFront }: { variant: Variant; makeFront: () => Promise<MakeFront> },
): Promise<Selection> {
  const { k, batch, hidden, latent, kl = 0.1 } = given;
  const { seed } = context;
  requireFinite(data);
  check(data, split, k, variant.id);
  const { temperature, learning_rate: rate, ...preset } = withPreset<Preset>(variant.presets[given.protocol], given);
  const task = given.tasks && classificationTask(given.tasks, variant.id);
  const labelled = task && labelledPart(data, split, task);
  const train = labelled?.train ?? split.train;
  const validation = labelled?.validation ?? split.validation;
  const [{ loadBackend }, { SelectiveVae }, { VaeTraining }, form, front] = await Promise.all([
    import('../../tensor/backend.ts'),
    import('../../tensor/vae.ts'),
    import('../../tensor/vae-training.ts'),
    scaledForm(data, train, 10),
    makeFront(),
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
    inputs: variant.inputs,
    alpha: variant.alpha,
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
      atLeast: variant.atLeast,
      ...(rate === 'find' ? { finder: { steps: FINDER_STEPS, to: preset.max_learning_rate } } : {}),
    });
    await drive(training, context);
    const ranking = vae.rank();
    const model = networkOf(data, vae, ranking, {
      form,
      id: variant.id,
      ...(labelled ? { task: task.column, classes: labelled.classes } : {}),
    });
    const judge = await panelJudge(backend, data);
    const panel = {
      ...panelOf(data, ranking.genes, ranking.scores, task?.column ?? null),
      curves: panelCurves(training.curves),
      ...(task ? { predictions: judge.predictions(model, split.test) } : {}),
    };
    const facts = {
      epochs: training.epoch,
      loss: training.curves.loss.at(-1)!,
      learning_rate: vae.rate,
      backend: `${backend.name} ${backend.version} ${backend.device}`,
      device: backend.device,
    };
    return { panel, model, facts };
  } finally {
    vae.dispose();
  }
}

function check(data: Dataset, split: Split, k: number, id: string): void {
  if (k > data.X.cols) {
    throw new DataError(`k = ${k} is more than the ${data.X.cols} genes of the dataset`, {
      context: { k, genes: data.X.cols },
      mend: 'Take a smaller k, or keep more genes (hvg.top, qc.min_cells).',
    });
  }
  if (split.train.length < 2) {
    throw new DataError(`${id} needs at least 2 train cells, and the split has ${split.train.length}`, {
      context: { cells: split.train.length },
    });
  }
}

/** Train and validation cells that have a class among the train cells, and codes for all cells into those classes. */
function labelledPart(
  data: Dataset,
  split: Split,
  task: Task,
): { train: Uint32Array; validation: Uint32Array; codes: Int32Array; classes: readonly string[] } {
  const found = classCells(data, { ...split, validation: new Uint32Array(0) }, task);
  const { codes: all, classes } = labels(data.obs, task.column);
  const place = Int32Array.from(classes, (name) => found.classes.indexOf(name));
  const codes = all.map((c) => (c < 0 ? -1 : place[c]));
  return { train: found.rows, validation: split.validation.filter((i) => codes[i] >= 0), codes, classes: found.classes };
}

function schedule({ start, end, factor }: Preset['temperature'], perEpoch: number, epochs: number): (steps: number) => number {
  if (factor !== null) return (steps) => Math.max(end, start * factor ** Math.floor(steps / perEpoch));
  const last = Math.max(1, perEpoch * epochs - 1);
  return (steps) => start * (end / start) ** Math.min(1, steps / last);
}

function networkOf(
  data: Dataset,
  vae: SelectiveVae,
  ranking: Ranking,
  { form, id, task, classes }: { form: Form; id: string; task?: string; classes?: readonly string[] },
): Network {
  const { shared, genes, classes: own } = vae.network(ranking);
  const isScaled = form.kind === 'scaled';
  const pick = (values: Float64Array): Float32Array => Float32Array.from(ranking.genes, (j) => values[j]);
  const { cols } = data.X;
  const heads: NetworkHead[] = [];
  if (own) heads.push({ kind: 'classes', task: task!, classes: classes!, layers: own });
  if (genes) {
    heads.push({
      kind: 'genes',
      genes: data.var.index,
      mean: isScaled ? Float32Array.from(form.scale.mean) : new Float32Array(cols),
      sd: isScaled ? Float32Array.from(form.scale.sd) : new Float32Array(cols).fill(1),
      layers: genes,
    });
  }
  return {
    method: id,
    genes: Array.from(ranking.genes, (j) => data.var.index[j]),
    input: isScaled ? { kind: 'scaled', mean: pick(form.scale.mean), sd: pick(form.scale.sd), clip: form.clip ?? null } : { kind: 'plain' },
    layers: shared,
    heads,
  };
}
