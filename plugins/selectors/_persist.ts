import type { Matrix } from '../../data/matrix.ts';
import type { PersistCells, PersistSettings } from '../../tensor/persist-training.ts';
import { classCells, classificationTask, codesAmong, learningCells, panelOf, requireFinite, requireTwoCells } from '../_cells.ts';
import { backendFacts, panelJudge, withPreset } from '../_network.ts';
import { drive } from '../_train.ts';
import {
  type Dataset,
  type Network,
  type Selection,
  type SelectorInputs,
  type Split,
  type StepContext,
  type Task,
  z,
} from '../contract.ts';

/** Params of both forms of PERSIST. */
export const persistParams = z.strictObject({
  k: z.int().positive(),
  protocol: z
    .enum(['clean', 'paper'])
    .default('clean')
    .describe(
      "defaults of the params below: 'clean' is our recipe, which learns on train and validation cells; 'paper' the published settings, on train cells; what is given wins",
    ),
  epochs: z
    .int()
    .positive()
    .optional()
    .describe('at most so many for the second stage, which chooses the panel; clean: about 2,400 steps, at least 12 epochs; paper: 250'),
  eliminate_epochs: z
    .int()
    .positive()
    .optional()
    .describe('at most so many for each trial of the first stage, which finds candidates; clean: as epochs; paper: 250'),
  candidates: z
    .int()
    .positive()
    .optional()
    .describe(
      'genes that the first stage should leave; clean: four times k, and the stage is skipped where that is half of the genes; paper: 500',
    ),
  tolerance: z.number().min(0).max(1).optional().describe('by what share the number of candidates may be off; clean: 0.5, paper: 0.2'),
  trials: z.int().positive().default(10).describe('of the first stage; then the genes of the nearest trial are taken, and the log says so'),
  penalty: z
    .number()
    .positive()
    .optional()
    .describe(
      'on each open gate in the first trial; later ones follow from it; clean: 2e-3 for classes, genes / 1500 for expression; paper: 1e-4 and 0.01',
    ),
  batch: z.int().min(2).default(64),
  hidden: z.int().positive().default(128).describe('width of the two hidden layers'),
  learning_rate: z.number().positive().default(1e-3),
  gate_rate: z
    .number()
    .positive()
    .optional()
    .describe("learning rate of the first stage's gates, as a multiple of learning_rate; clean: 3, paper: 1"),
  row_rate: z
    .number()
    .positive()
    .optional()
    .describe("learning rate of the second stage's rows, as a multiple of learning_rate; clean: 10, paper: 1"),
  draws: z
    .int()
    .positive()
    .optional()
    .describe('masks drawn for each batch, among which its cells take turns; clean: 16, paper: one a cell'),
  temperature: z
    .strictObject({ start: z.number().positive(), end: z.number().positive() })
    .optional()
    .describe('of the masks; falls exponentially over the steps of each stage; clean: 2 to 0.03, paper: 10 to 0.01'),
});

interface Preset {
  readonly epochs: number;
  readonly eliminate_epochs: number;
  readonly candidates: number;
  readonly tolerance: number;
  readonly penalty: number;
  readonly gate_rate: number;
  readonly row_rate: number;
  readonly temperature: { readonly start: number; readonly end: number };
  readonly draws: number;
  readonly refit_epochs: number;
}

/** Steps that the second stage of the clean protocol takes, and its least and most epochs. */
const [STEPS, LEAST, MOST] = [2400, 12, 600];
/** Share of the second stage in which rows that choose the same gene begin anew, in the clean protocol. */
const MEND_UNTIL = 0.7;
/** Steps of the network on the panel alone. */
const REFIT_STEPS = 600;

interface Size {
  readonly k: number;
  readonly genes: number;
  /** Batches an epoch. */
  readonly batches: number;
  readonly epochs: number | undefined;
  readonly batch: number;
  readonly isSupervised: boolean;
}

function clean({ k, genes, batches, epochs: given, isSupervised }: Size): Preset {
  const epochs = given ?? Math.min(MOST, Math.max(LEAST, Math.ceil(STEPS / batches)));
  const target = 4 * k;
  return {
    epochs,
    eliminate_epochs: epochs,
    candidates: 2 * target >= genes ? genes : target,
    tolerance: 0.5,
    penalty: isSupervised ? 2e-3 : genes / 1500,
    gate_rate: 3,
    row_rate: 10,
    temperature: { start: 2, end: 0.03 },
    draws: 16,
    refit_epochs: isSupervised ? Math.max(2, Math.min(epochs, Math.ceil(REFIT_STEPS / batches))) : 0,
  };
}

function paper({ batch, isSupervised }: Size): Preset {
  const penalty = isSupervised ? 1e-4 : 0.01;
  return {
    epochs: 250,
    eliminate_epochs: 250,
    candidates: 500,
    tolerance: 0.2,
    penalty,
    gate_rate: 1,
    row_rate: 1,
    temperature: { start: 10, end: 0.01 },
    draws: batch,
    refit_epochs: 0,
  };
}

type Given = z.infer<typeof persistParams> & { readonly tasks?: readonly Task[]; readonly refit_epochs?: number | undefined };

/** Trains PERSIST on the classes of a task, or on the expression of all genes where no tasks are given. */
export async function selectByPersist(context: StepContext, { data, split }: SelectorInputs, given: Given, id: string): Promise<Selection> {
  requireFinite(data);
  const { k, protocol, trials, batch, hidden, learning_rate: rate } = given;
  const genes = data.X.cols;
  const isClean = protocol === 'clean';
  const own: Split = isClean ? split : { ...split, validation: new Uint32Array(0) };
  const task = given.tasks && classificationTask(given.tasks, id);
  const cells = task ? classTarget(data, own, task) : { ...expressionTarget(data, own, id), classes: [] };
  const size: Size = {
    k,
    genes,
    batch,
    batches: Math.max(1, Math.floor(cells.rows.length / batch)),
    epochs: given.epochs,
    isSupervised: task !== undefined,
  };
  const preset = withPreset<Preset>(isClean ? clean(size) : paper(size), given);
  const [{ loadBackend }, { PersistTraining }] = await Promise.all([
    import('../../tensor/backend.ts'),
    import('../../tensor/persist-training.ts'),
  ]);
  const backend = await loadBackend((line) => context.log(line));
  const settings: PersistSettings = {
    k,
    seed: context.seed,
    candidates: { target: preset.candidates, tolerance: preset.tolerance, trials, isSwift: isClean },
    epochs: { eliminate: preset.eliminate_epochs, select: preset.epochs, refit: preset.refit_epochs },
    temperature: preset.temperature,
    penalty: preset.penalty,
    batch,
    hidden,
    rate,
    maskRate: { gates: preset.gate_rate, rows: preset.row_rate },
    mendUntil: isClean ? MEND_UNTIL : 1,
    draws: preset.draws,
    log: (line) => context.log(line),
  };
  const training = new PersistTraining(backend, cells, settings);
  try {
    const curves = await drive(training, context);
    const panel = { ...panelOf(data, training.genes, training.scores, task?.column ?? null), curves };
    const facts = {
      epochs: curves['select loss'].length,
      trials: training.trials,
      candidates: training.candidates,
      loss: curves['select loss'].at(-1)!,
      ...backendFacts(backend),
    };
    if (!task) return { panel, facts };
    const [first, second, last] = training.layers;
    const model: Network = {
      method: id,
      genes: panel.names,
      input: { kind: 'binary' },
      layers: [first, second],
      heads: [{ kind: 'classes', task: task.column, classes: cells.classes, layers: [last] }],
    };
    const judge = await panelJudge(backend, { ...data, X: cells.matrix });
    return { panel: { ...panel, predictions: judge.predictions(model, split.test) }, model, facts };
  } finally {
    training.dispose();
  }
}

/** What says whether a gene is expressed: raw counts where there are any, else X. */
const expressed = (data: Dataset): Matrix => data.layers.counts ?? data.X;

function classTarget(data: Dataset, split: Split, task: Task): PersistCells & { readonly classes: readonly string[] } {
  const { rows, classes } = classCells(data, split, task);
  const target = { kind: 'classes', codes: codesAmong(data, task, classes), classCount: classes.length } as const;
  return { matrix: expressed(data), rows, target, classes };
}

/** X as the target where it holds logarithms; else logarithms of the counts, each cell brought to 10,000; X where there are none. */
function expressionTarget(data: Dataset, split: Split, id: string): PersistCells {
  const rows = learningCells(split);
  requireTwoCells(rows, id);
  const raw = data.layers.counts ?? (data.scale === 'counts' ? data.X : undefined);
  const matrix = data.scale === 'log' || !raw ? data.X : logarithms(raw);
  return { matrix: expressed(data), rows, target: { kind: 'expression', matrix } };
}

const TOTAL = 1e4;

/** In float64, rounded once; `normalizeCounts` rounds as scanpy does after each operation, which gives other last bits. */
function logarithms(raw: Matrix): Matrix {
  const { data, rows, cols } = raw;
  const out = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) {
    const [from, to] = raw.kind === 'csr' ? [raw.indptr[i], raw.indptr[i + 1]] : [i * cols, (i + 1) * cols];
    const total = data.subarray(from, to).reduce((a, b) => a + b, 0) || 1;
    for (let p = from; p < to; p++) out[p] = Math.log1p((data[p] / total) * TOTAL);
  }
  return { ...raw, data: out };
}
