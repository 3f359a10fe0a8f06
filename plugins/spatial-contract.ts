import type * as z from 'zod';
import type { Gathered, StepDefinition, StepResult } from '../core/plugin.ts';
import type { Dataset } from '../data/dataset.ts';
import { type Body, metricsAsFacts, type Run, stepOf } from './_step.ts';
import type { Metrics, ReportFile, Split } from './contract.ts';

/** A section of tissue, as a dataset of spots has it. */
export interface Section {
  readonly name: string;
  /** Names of its spots, as `obs.index` has them; steps after the reader may drop some from the dataset. */
  readonly spots: readonly string[];
  /**
   * `image`: an encoded picture (JPEG, PNG, TIFF) of the whole section, in whose pixels, as stored, `obsm.spatial` (x, y) counts.
   * `patches`: one square of RGB bytes for each of `spots`, spots x size x size x 3.
   */
  readonly picture:
    | { readonly kind: 'image'; readonly bytes: Uint8Array; readonly width: number; readonly height: number }
    | { readonly kind: 'patches'; readonly pixels: Uint8Array; readonly size: number };
  /** Width of one pixel of the picture (or of the patches) in micrometres; NaN when nobody says. */
  readonly micronsPerPixel: number;
  /** Diameter of a spot, in the pixels of `obsm.spatial`; NaN for a single spot whose size nobody says. */
  readonly spotDiameter: number;
}

/** The pictures of a dataset of spots. Every spot is in exactly one section. */
export interface Tissue {
  readonly sections: readonly Section[];
}

/** What a network sees in the patch around each spot. */
export interface Features {
  readonly encoder: string;
  readonly width: number;
  /** 1, or more when each patch was also seen turned and mirrored (2, 4 or 8; see data/views.ts); the first view is the patch as it is. */
  readonly views: number;
  /** views x spots x width, in the order of the dataset. */
  readonly values: Float32Array;
}

/** Which genes are to be predicted, and which may help. Column numbers into the dataset's genes; none is in both. */
export interface Targets {
  readonly primary: Uint32Array;
  /** Best first. */
  readonly auxiliary: Uint32Array;
  /** How they were ranked, e.g. "hvg" or "random". */
  readonly order: string;
}

/** Expression that was predicted for the test spots of a split. */
export interface Prediction {
  /** Column numbers of the primary genes, in the order of `Targets.primary`. */
  readonly genes: Uint32Array;
  /** The test spots. */
  readonly rows: Uint32Array;
  /** rows x genes, in the units of the dataset's X. */
  readonly values: Float32Array;
  /** Curves of a training, one value an epoch: loss, validation pcc, k (auxiliary genes above the cut-off), ... */
  readonly curves?: Readonly<Record<string, Float64Array>>;
}

type Facts = StepResult['facts'];

/**
 * Reads spots with the pictures of their tissue. `obsm.spatial` holds x and y in pixels of the section's picture (of the slide that they were
 * cut from, for ready patches); the obs column `section` names the section.
 */
export function defineSlide<P extends z.ZodObject>(
  step: Body<P> & { run: Run<P, Record<string, never>, { data: Dataset; tissue: Tissue; facts?: Facts }> },
): StepDefinition<P> {
  return stepOf(
    'slide',
    {
      inputs: {},
      outputs: { data: 'dataset', tissue: 'tissue' },
    },
    step,
  );
}

/** Turns the patch around each spot of the dataset into numbers; steps before it may have dropped or moved spots. */
export function defineEncoder<P extends z.ZodObject>(
  step: Body<P> & { run: Run<P, { data: Dataset; tissue: Tissue }, { features: Features; facts?: Facts }> },
): StepDefinition<P> {
  return stepOf(
    'encoder',
    {
      inputs: { data: { type: 'dataset' }, tissue: { type: 'tissue' } },
      outputs: { features: 'features' },
    },
    step,
  );
}

/** Chooses the genes to predict and ranks the others. */
export function defineTarget<P extends z.ZodObject>(
  step: Body<P> & { run: Run<P, { data: Dataset }, { targets: Targets; facts?: Facts }> },
): StepDefinition<P> {
  return stepOf(
    'target',
    {
      inputs: { data: { type: 'dataset' } },
      outputs: { targets: 'targets' },
    },
    step,
  );
}

/** What a predictor gets. */
export interface PredictorInputs {
  readonly data: Dataset;
  readonly split: Split;
  readonly features: Features;
  readonly targets: Targets;
}

/** Learns expression from features on the train spots (the validation spots tell when to stop) and predicts that of the test spots. */
export function definePredictor<P extends z.ZodObject>(
  step: Body<P> & { run: Run<P, PredictorInputs, { prediction: Prediction; facts?: Facts }> },
): StepDefinition<P> {
  return stepOf(
    'predictor',
    {
      inputs: { data: { type: 'dataset' }, split: { type: 'split' }, features: { type: 'features' }, targets: { type: 'targets' } },
      outputs: { prediction: 'prediction' },
    },
    { queue: 'gpu', seeded: true, ...step },
  );
}

/** Judges predicted expression. */
export function defineAssessor<P extends z.ZodObject>(
  step: Body<P> & { run: Run<P, { data: Dataset; prediction: Prediction }, { metrics: Metrics; facts?: Facts }> },
): StepDefinition<P> {
  return stepOf(
    'assessor',
    { inputs: { data: { type: 'dataset' }, prediction: { type: 'prediction' } }, outputs: { metrics: 'metrics' } },
    { ...step, run: async (context, inputs, params) => metricsAsFacts(await step.run(context, inputs, params)) },
  );
}

/** What a reporter of a spatial benchmark gets. Cells: predictor, fold, primary, order, seed. */
export interface SpatialReporterInputs {
  readonly metrics: readonly Gathered<Metrics>[];
  readonly predictions: readonly Gathered<Prediction>[];
  readonly data: Dataset;
  readonly tissue: Tissue;
}

/** Makes files (tables, report) of everything gathered. */
export function defineSpatialReporter<P extends z.ZodObject>(
  step: Body<P> & { run: Run<P, SpatialReporterInputs, { files: readonly ReportFile[]; facts?: Facts }> },
): StepDefinition<P> {
  return stepOf(
    'reporter',
    {
      inputs: {
        metrics: { type: 'metrics', many: true },
        predictions: { type: 'prediction', many: true },
        data: { type: 'dataset' },
        tissue: { type: 'tissue' },
      },
      outputs: { files: 'files' },
    },
    step,
  );
}
