import type { Dataset } from '../../data/dataset.ts';
import { column, labels } from '../../data/dataset.ts';
import type { YotoTask } from '../../tensor/yoto.ts';
import { learningCells, panelOf, requireFinite, requireTwoCells, valuedCells } from '../_cells.ts';
import { backendFacts, panelJudge, scaledForm, withPreset } from '../_network.ts';
import { drive } from '../_train.ts';
import { DataError, defineSelector, Task, z } from '../contract.ts';

interface Settings {
  readonly epochs: number;
  readonly batch: number;
  readonly learning_rate: number;
  readonly score_learning_rate: number;
  readonly batch_norm: boolean;
  readonly temperature: { readonly start: number; readonly end: number };
  readonly sampling: keyof typeof NOISE;
  readonly start_genes: number | 'all';
  readonly gene_dropout: number;
  readonly schedule: 'cosine' | 'constant';
  readonly learn_on: 'train' | 'train+validation';
  readonly score_spread: number;
}

/** Settings that depend on the protocol; whatever is given wins. */
const PRESETS: Readonly<Record<'clean' | 'paper', Settings>> = {
  clean: {
    epochs: 100,
    batch: 128,
    learning_rate: 1e-3,
    score_learning_rate: 3e-3,
    batch_norm: true,
    temperature: { start: 1, end: 0.01 },
    sampling: 'annealed',
    start_genes: 10,
    gene_dropout: 0.5,
    schedule: 'cosine',
    learn_on: 'train+validation',
    score_spread: 0.01,
  },
  paper: {
    epochs: 1000,
    batch: 64,
    learning_rate: 1e-3,
    score_learning_rate: 1e-2,
    batch_norm: false,
    temperature: { start: 10, end: 0.01 },
    sampling: 'none',
    start_genes: 'all',
    gene_dropout: 0,
    schedule: 'constant',
    learn_on: 'train+validation',
    score_spread: 1e-6,
  },
};

const NOISE = { annealed: 0.1, 'plackett-luce': 1, none: 0 } as const;

const params = z.strictObject({
  k: z.int().positive(),
  tasks: z.array(Task),
  protocol: z
    .enum(['clean', 'paper'])
    .default('clean')
    .describe(
      'clean: our recipe. paper: the setting of the ablation in Table 4 (batch 64, no batch norm, tau 10 to 0.01, 1000 epochs, all genes at first); what the paper leaves open is ours there too',
    ),
  epochs: z.int().positive().optional().describe('clean 100, paper 1000; the last one counts'),
  batch: z.int().min(2).optional().describe('clean 128, paper 64'),
  learning_rate: z.number().positive().optional().describe('of the network; 1e-3'),
  score_learning_rate: z.number().positive().optional().describe('of the gene scores; clean 3e-3, paper 1e-2'),
  hidden: z.array(z.int().positive()).min(1).default([128, 128]).describe('widths of the shared encoder'),
  batch_norm: z.boolean().optional().describe('after each layer of the encoder; clean true, paper false'),
  input: z.enum(['scaled', 'binary']).default('scaled').describe('z-scores of the train cells, or 1 where a gene is seen'),
  forward: z
    .enum(['hard', 'soft'])
    .default('hard')
    .describe('what the network sees while it learns: k genes (straight-through), or all, weighted by the relaxed mask (ablation)'),
  temperature: z
    .strictObject({ start: z.number().positive(), end: z.number().positive() })
    .optional()
    .describe('of the gate; falls exponentially over all batches; clean 1 to 0.01, paper 10 to 0.01'),
  sampling: z
    .enum(['annealed', 'plackett-luce', 'none'])
    .optional()
    .describe('Gumbel noise on the scores: falling with the temperature (clean), constant (samples of Plackett and Luce), or none (paper)'),
  noise: z.number().min(0).optional().describe('size of that noise; annealed 0.1, plackett-luce 1'),
  start_genes: z
    .union([z.number().min(1), z.literal('all')])
    .optional()
    .describe('the gate starts with this many times k genes (clean 10) or all of them (paper) and reaches k half-way; 1 turns that off'),
  gene_dropout: z
    .number()
    .min(0)
    .max(0.95)
    .optional()
    .describe(
      'share of the values hidden from the network at each step, so that each gene counts by itself; 0 at the end; clean 0.5, paper 0',
    ),
  schedule: z.enum(['cosine', 'constant']).optional().describe('of the learning rates; clean cosine (to 0), paper constant'),
  learn_on: z
    .enum(['train', 'train+validation'])
    .optional()
    .describe('the last epoch counts, so nothing needs the validation cells; with train, they are watched in the curves'),
  score_spread: z.number().min(0).optional().describe('standard deviation of the first scores; clean 0.01, paper 1e-6'),
});

/**
 * YOTO: scores, gate and a multi-task network trained together, once. The paper gives no widths, rates or schedules; the clean defaults are
 * the recipe that did best in our trials on Zeisel and Kang (z-scored log data, two hidden layers with batch norm, last epoch kept).
 */
export default defineSelector({
  id: 'yoto',
  version: 2,
  summary: 'You Only Train Once: a straight-through NeuralSort gate and a multi-task network trained together',
  cites: ['arXiv:2512.17678', 'arXiv:1903.08850'],
  queue: 'gpu',
  seeded: true,
  traits: ['anytime', 'multi-task', 'predictions', 'model'],
  memory: {
    formula: '32 bytes x genes x width of the first layer',
    bytes: ({ genes }, { hidden }) => 32 * genes * hidden[0],
    mend: 'Use fewer genes (hvg.top), or a narrower first layer (hidden).',
  },
  params,
  run: async (context, { data, split }, given) => {
    const { k, hidden, forward } = given;
    requireFinite(data);
    requireTwoCells(split.train, 'yoto');
    const [{ loadBackend }, { cut }, { Fit }, { Yoto }, { Random }] = await Promise.all([
      import('../../tensor/backend.ts'),
      import('../../tensor/batches.ts'),
      import('../../tensor/fit.ts'),
      import('../../tensor/yoto.ts'),
      import('../../stats/random.ts'),
    ]);
    const backend = await loadBackend((line) => context.log(line));
    const judge = await panelJudge(backend, data);
    const set = withPreset(PRESETS[given.protocol], given);
    const { epochs, batch } = set;
    const rows = set.learn_on === 'train' ? split.train : learningCells(split);
    const tasks = given.tasks.map((task) => yotoTask(data, rows, task));
    const form = given.input === 'binary' ? ({ kind: 'binary' } as const) : await scaledForm(data, rows);
    const model = new Yoto(backend, { matrix: data.X, form }, tasks, {
      k,
      hidden,
      forward,
      learningRate: set.learning_rate,
      scoreLearningRate: set.score_learning_rate,
      batchNorm: set.batch_norm,
      temperature: set.temperature,
      noise: given.noise ?? NOISE[set.sampling],
      noiseFalls: set.sampling === 'annealed',
      startGenes: set.start_genes === 'all' ? data.X.cols : Math.min(data.X.cols, Math.max(k, Math.round(set.start_genes * k))),
      scoreSpread: set.score_spread,
      dropout: set.gene_dropout,
      isCosine: set.schedule === 'cosine',
      steps: epochs * cut(rows, batch).length,
      seed: context.seed,
    });
    try {
      const fit = new Fit(model, {
        rows,
        batch,
        epochs,
        random: Random.of(context.seed, 'yoto', 'order'),
        endEpoch: () => {
          const scores = set.learn_on === 'train' ? judge.scores(model.network(data.var.index, model.genesNow), split.validation) : {};
          return { values: { tau: model.tau, k: model.genesNow, ...scores } };
        },
      });
      const curves = await drive(fit, context);
      const { genes, scores } = model.ranking();
      const best = genes.slice(0, k);
      const network = model.network(data.var.index, k);
      const panel = {
        ...panelOf(
          data,
          best,
          Float64Array.from(best, (j) => scores[j]),
          tasks.length === 1 ? tasks[0].name : null,
        ),
        predictions: judge.predictions(network, split.test),
        curves,
      };
      return { panel, model: network, facts: { epochs, loss: curves.loss.at(-1)!, ...backendFacts(backend) } };
    } finally {
      model.dispose();
    }
  },
});

/** Targets over all cells; those of a regression are standardised by the train cells. */
function yotoTask(data: Dataset, rows: Uint32Array, task: Task): YotoTask {
  const name = task.column;
  if (task.kind === 'classification') {
    const { codes, classes } = labels(data.obs, name);
    const present = new Set(Array.from(rows, (i) => codes[i]).filter((code) => code >= 0)).size;
    if (present < 2) {
      throw new DataError(`The task "${name}" has ${present} class among the learning cells; it needs 2`, {
        context: { task: name },
        mend: 'Take another column, or a split that keeps the classes (stratify: true).',
      });
    }
    return { name, kind: 'classification', codes, classes };
  }
  const { values } = valuedCells(data, rows, task);
  if (values.length < 2) throw new DataError(`Fewer than 2 learning cells have a value of the task "${name}"`, { context: { task: name } });
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const sd = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / (values.length - 1)) || 1;
  const all = column(data.obs, name) as { values: Float64Array };
  const standard = Float32Array.from(all.values, (v) => (Number.isFinite(v) ? (v - mean) / sd : Number.NaN));
  return { name, kind: 'regression', values: standard, mean, sd };
}
