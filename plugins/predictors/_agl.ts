import type { Facts, StepContext, StepDefinition } from '../../core/plugin.ts';
import type { AglSettings } from '../../tensor/agl-model.ts';
import type { GeneCounts, GeneWeights } from '../../tensor/agl-weights.ts';
import { requireFinite } from '../_cells.ts';
import { requireMemory } from '../_memory.ts';
import { backendFacts, withPreset } from '../_network.ts';
import { drive } from '../_train.ts';
import { DataError, denseBlock, z } from '../contract.ts';
import { definePredictor, type Prediction, type PredictorInputs, type Targets } from '../spatial-contract.ts';
import { learningSpots } from './_spots.ts';

/** Settings that depend on the protocol; whatever is given wins. */
export interface AglSet {
  readonly learning_rate: number;
  readonly batch: number;
  readonly epochs: number;
  readonly patience: number;
  readonly dropout: number;
  readonly inner_steps: number;
  readonly inner_rule: 'adam' | 'sgd';
  readonly inner_rate: number;
  /** What the train loss is multiplied by in the inner steps. */
  readonly inner_share: number;
  readonly weight_batch: number;
  readonly weight_batches: number;
  readonly weight_rate: number;
}

const PRESETS: Readonly<Record<'clean' | 'paper', AglSet>> = {
  clean: {
    learning_rate: 1e-3,
    batch: 64,
    epochs: 300,
    patience: 30,
    dropout: 0.7,
    inner_steps: 2,
    inner_rule: 'sgd',
    inner_rate: 1,
    inner_share: 1,
    weight_batch: 128,
    weight_batches: 1,
    weight_rate: 0.03,
  },
  paper: {
    learning_rate: 3e-5,
    batch: 128,
    epochs: 1000,
    patience: 20,
    dropout: 0,
    inner_steps: 12,
    inner_rule: 'adam',
    inner_rate: 3e-5,
    inner_share: 1 / 64,
    weight_batch: 64,
    weight_batches: Infinity,
    weight_rate: 3e-3,
  },
};

const both = (key: keyof AglSet): string => `clean ${PRESETS.clean[key]}, paper ${PRESETS.paper[key]}`;

const params = z.strictObject({
  protocol: z
    .enum(['clean', 'paper'])
    .default('clean')
    .describe('clean: our recipe for features that stand still. paper: the settings of its code, where a whole ResNet18 is trained'),
  hidden: z
    .array(z.int().positive())
    .default([32])
    .describe('widths of the layers that all genes share; without one (a linear head) no gene can help another'),
  learning_rate: z.number().positive().optional().describe(both('learning_rate')),
  batch: z.int().min(2).optional().describe(both('batch')),
  epochs: z
    .int()
    .positive()
    .optional()
    .describe(`at most; ${both('epochs')}`),
  patience: z
    .int()
    .positive()
    .optional()
    .describe(`epochs without a better validation pcc before the end; ${both('patience')}`),
  dropout: z
    .number()
    .min(0)
    .max(0.95)
    .optional()
    .describe(`share of the features that each train step hides; ${both('dropout')}`),
  augment: z.boolean().default(true).describe('train batches draw one of the views of each spot, where the features have several'),
});

/** Params of predictors whose weights follow the validation loss. */
export const roundParams = {
  weight_batch: z
    .int()
    .min(2)
    .optional()
    .describe(`spots of a batch that the weights are learned on; ${both('weight_batch')}`),
  weight_batches: z.int().positive().optional().describe('such batches after each epoch, at most; clean 1, paper all'),
};

/** Params of predictors that learn the weights through unrolled steps. */
export const innerParams = {
  ...roundParams,
  weight_rate: z
    .number()
    .positive()
    .optional()
    .describe(`learning rate of the weights; ${both('weight_rate')}`),
  inner_steps: z
    .int()
    .positive()
    .optional()
    .describe(`steps that are differentiated through; ${both('inner_steps')}`),
  inner_rule: z
    .enum(['adam', 'sgd'])
    .optional()
    .describe(`their rule; ${both('inner_rule')}`),
  inner_rate: z
    .number()
    .positive()
    .optional()
    .describe(`their learning rate; ${both('inner_rate')}`),
};

/** What makes one method of auxiliary gene learning. */
interface Method<S extends z.core.$ZodLooseShape> {
  readonly id: string;
  readonly summary: string;
  readonly cites: readonly string[];
  /** `ranked`: the order of the auxiliary genes matters to it. */
  readonly traits?: readonly string[];
  readonly extra: S;
  /** The auxiliary genes that are learned; all of them by default. */
  readonly auxiliary?: (targets: Targets, given: z.infer<z.ZodObject<S>>) => Uint32Array;
  readonly weights: (
    kinds: typeof import('../../tensor/agl-weights.ts'),
    counts: GeneCounts,
    given: { readonly set: AglSet; readonly own: z.infer<z.ZodObject<S>>; readonly seed: number },
  ) => GeneWeights;
}

/** A predictor: a network with a shared layer under the Pearson loss of primary and auxiliary genes, weighted in its own way. */
export function aglPredictor<S extends z.core.$ZodLooseShape>(method: Method<S>): StepDefinition {
  const { id, summary, cites, traits = [], extra } = method;
  const shape: typeof params.shape = { ...params.shape, ...extra };
  return definePredictor({
    id,
    version: 1,
    summary,
    cites,
    traits,
    params: z.strictObject(shape),
    run: async (context, inputs, given) => {
      requireFinite(inputs.data);
      const { data, features, targets } = inputs;
      const { train, validation } = learningSpots(inputs.split, context.seed, id);
      const set = withPreset(PRESETS[given.protocol], given);
      const own = given as unknown as z.infer<z.ZodObject<S>>;
      const auxiliary = method.auxiliary ? method.auxiliary(targets, own) : targets.auxiliary;
      const genes = Uint32Array.of(...targets.primary, ...auxiliary);
      const counts = { genes: genes.length, primary: targets.primary.length };
      requireRoom(context, inputs, { id, genes: genes.length, hidden: given.hidden, set });
      const [{ loadBackend }, { AglModel }, { AglTraining }, kinds] = await Promise.all([
        import('../../tensor/backend.ts'),
        import('../../tensor/agl-model.ts'),
        import('../../tensor/agl-training.ts'),
        import('../../tensor/agl-weights.ts'),
      ]);
      const backend = await loadBackend((line) => context.log(line));
      const weights = method.weights(kinds, counts, { set, own, seed: context.seed });
      if (given.hidden.length === 0 && auxiliary.length > 0)
        context.log('With a linear head (hidden: []) no auxiliary gene can help a primary one.');
      const spots = { features, matrix: data.X, genes, primary: counts.primary, train };
      const model = new AglModel(backend, spots, weights, settingsOf(given, set, context.seed));
      try {
        const training = new AglTraining(model, {
          train,
          validation,
          truth: columns(denseBlock(data.X, validation, targets.primary).data, counts.primary),
          epochs: set.epochs,
          patience: set.patience,
          batch: set.batch,
          weightBatch: set.weight_batch,
          weightBatches: set.weight_batches,
          seed: context.seed,
        });
        const curves = await drive(training, context);
        const { epoch, pcc, parameters } = training.best;
        const said = (rows: Uint32Array): Float32Array => model.predict(rows, parameters);
        const values = calibrated(
          said(inputs.split.test),
          { said: said(train), truth: denseBlock(data.X, train, targets.primary).data },
          counts.primary,
        );
        const prediction: Prediction = { genes: targets.primary, rows: inputs.split.test, values, curves };
        const facts: Facts = {
          auxiliary: auxiliary.length,
          epochs: training.epochs,
          best_epoch: epoch,
          validation_pcc: pcc,
          ...(curves.k ? { k: curves.k[epoch - 1] } : {}),
          ...(validation === inputs.split.validation ? {} : { held_out_spots: validation.length }),
          ...backendFacts(backend),
        };
        return { prediction, facts };
      } finally {
        model.dispose();
      }
    },
  });
}

function settingsOf(given: z.infer<typeof params>, set: AglSet, seed: number): AglSettings {
  const inner = { steps: set.inner_steps, rate: set.inner_rate, rule: set.inner_rule, share: set.inner_share };
  return { hidden: given.hidden, rate: set.learning_rate, dropout: set.dropout, isAugmented: given.augment, inner, seed };
}

/** Columns of a block, row-major. */
function columns(block: Float32Array, width: number): Float32Array[] {
  return Array.from({ length: width }, (_, c) => Float32Array.from({ length: block.length / width }, (__, i) => block[i * width + c]));
}

/** Least part of the truth's spread that a gene's predictions keep, so that their order stays. */
const LEAST_SLOPE = 0.01;

/**
 * Puts predictions, which a correlation leaves without shift and scale, into the units of X: for each gene the line of least squares from
 * what is said of the train spots to their truth.
 */
function calibrated(values: Float32Array, fit: { readonly said: Float32Array; readonly truth: Float32Array }, width: number): Float32Array {
  const out = new Float32Array(values.length);
  const [said, truth] = [columns(fit.said, width), columns(fit.truth, width)];
  for (let g = 0; g < width; g++) {
    const n = said[g].length;
    const mean = (x: Float32Array): number => x.reduce((a, b) => a + b, 0) / n;
    const [ms, mt] = [mean(said[g]), mean(truth[g])];
    let [st, ss, tt] = [0, 0, 0];
    for (let i = 0; i < n; i++) {
      const [s, t] = [said[g][i] - ms, truth[g][i] - mt];
      st += s * t;
      ss += s * s;
      tt += t * t;
    }
    const slope = ss === 0 ? 0 : Math.max(st / ss, LEAST_SLOPE * Math.sqrt(tt / ss));
    for (let at = g; at < out.length; at += width) out[at] = mt + slope * (values[at] - ms);
  }
  return out;
}

/** Throws where there are no auxiliary genes to weigh. */
export function requireAuxiliary({ genes, primary }: GeneCounts, id: string): void {
  if (genes > primary) return;
  throw new DataError(`predictor/${id} weighs auxiliary genes, and there are none`, {
    context: { step: `predictor/${id}`, genes },
    mend: 'Take predictor/pgl, or fewer primary genes (target.count).',
  });
}

/** Refuses a training that needs more memory than it may take. */
function requireRoom(
  context: StepContext,
  { data, features }: PredictorInputs,
  { id, genes, hidden, set }: { readonly id: string; readonly genes: number; readonly hidden: readonly number[]; readonly set: AglSet },
): void {
  const widths = [features.width, ...hidden, genes];
  const parameters = widths.slice(1).reduce((sum, outputs, l) => sum + widths[l] * outputs, 0);
  const copies = 8 + set.inner_steps * (set.inner_rule === 'adam' ? 4 : 2);
  const blocks = data.X.rows + 6 * set.inner_steps * set.weight_batch + 6 * set.batch;
  const needs = 4 * (copies * parameters + blocks * genes) + 3 * features.values.byteLength;
  requireMemory(context, needs, {
    step: `predictor/${id}`,
    size: { spots: data.X.rows, genes },
    mend: 'It needs 4 bytes x parameters x (8 + 4 x inner_steps), and the data. Use a smaller hidden layer, fewer inner steps, or fewer genes.',
  });
}
