import { classCells, classificationTask, codesAmong, panelOf, requireFinite } from '../_cells.ts';
import { backendFacts, panelJudge, scaledForm, withPreset } from '../_network.ts';
import { drive } from '../_train.ts';
import { defineSelector, type Network, Task, z } from '../contract.ts';

interface Settings {
  readonly dense_epochs: number;
  readonly dense_patience: number;
  readonly point_epochs: number;
  readonly point_patience: number;
}

const PRESETS: Readonly<Record<'clean' | 'paper', Settings>> = {
  clean: { dense_epochs: 200, dense_patience: 20, point_epochs: 30, point_patience: 5 },
  paper: { dense_epochs: 1000, dense_patience: 100, point_epochs: 100, point_patience: 10 },
};

const params = z.strictObject({
  k: z.int().positive(),
  tasks: z.array(Task),
  protocol: z
    .enum(['clean', 'paper'])
    .default('clean')
    .describe(
      'clean: shorter stops at each point, a faster path as long as all genes are in, an end when k are left; genes that are out stay out. paper: the library defaults, the whole path',
    ),
  hidden: z.int().positive().default(100).describe('width of the hidden layer'),
  M: z.number().positive().default(10).describe('a gene weighs at most so many times its skip weights in the hidden layer'),
  learning_rate: z.number().positive().default(1e-3),
  path_step: z
    .number()
    .gt(1)
    .default(1.02)
    .describe('lambda grows by this factor from point to point (clean: by its fifth power while all genes are in)'),
  dense_epochs: z.int().positive().optional().describe('most epochs of the dense start (Adam); clean 200, paper 1000'),
  dense_patience: z.int().positive().optional().describe('epochs without a 1 % better objective; clean 20, paper 100'),
  point_epochs: z.int().positive().optional().describe('most epochs at each lambda; clean 30, paper 100'),
  point_patience: z.int().positive().optional().describe('clean 5, paper 10'),
});

/**
 * LassoNet: genes are ranked by the lambda at which they leave the network, those still in first, ties by the size of their skip weights at the
 * lambda before. The reference leaves ties to the sort, and its own settings of gamma do nothing; both are not offered.
 */
export default defineSelector({
  id: 'lassonet',
  version: 1,
  summary: 'LassoNet: a network whose genes drop out along a path of growing penalties',
  cites: ['arXiv:1907.12207'],
  queue: 'gpu',
  seeded: true,
  traits: ['classes-only', 'predictions', 'model'],
  memory: {
    formula: '4 bytes x cells x genes (full batches) + 24 bytes x genes x (classes + hidden)',
    bytes: ({ cells, genes, classes }, { hidden }) => 8 * cells * genes + 24 * genes * (classes + hidden),
  },
  params,
  run: async (context, { data, split }, given) => {
    requireFinite(data);
    const task = classificationTask(given.tasks, 'lassonet');
    const { classes } = classCells(data, split, task);
    const codes = codesAmong(data, task, classes);
    const known = (rows: Uint32Array): Uint32Array => rows.filter((i) => codes[i] >= 0);
    const [{ loadBackend }, { LassoNet }, { inputOf }] = await Promise.all([
      import('../../tensor/backend.ts'),
      import('../../tensor/lassonet.ts'),
      import('../../tensor/network.ts'),
    ]);
    const backend = await loadBackend((line) => context.log(line));
    const set = withPreset(PRESETS[given.protocol], given);
    const isClean = given.protocol === 'clean';
    const form = await scaledForm(data, split.train, 10);
    const cells = {
      matrix: data.X,
      form,
      train: known(split.train),
      validation: known(split.validation),
      codes,
      classCount: classes.length,
    };
    const training = new LassoNet(backend, cells, {
      hidden: given.hidden,
      M: given.M,
      rate: given.learning_rate,
      step: given.path_step,
      rush: isClean ? 5 : 1,
      dense: { epochs: set.dense_epochs, patience: set.dense_patience },
      point: { epochs: set.point_epochs, patience: set.point_patience },
      until: isClean ? given.k : 0,
      keepAt: given.k,
      isFinal: isClean,
      seed: context.seed,
    });
    try {
      const curves = await drive(training, context);
      const { genes, importance } = training.ranking();
      const best = genes.slice(0, given.k);
      const scores = Float64Array.from(best, (j) => importance[j]);
      const panel = panelOf(data, best, scores, task.column);
      const network: Network = {
        method: 'lassonet',
        genes: panel.names,
        input: inputOf(form, best),
        layers: [],
        heads: [{ kind: 'classes', task: task.column, classes, layers: training.layers(best) }],
      };
      const judge = await panelJudge(backend, data);
      const predictions = judge.predictions(network, split.test);
      return { panel: { ...panel, predictions, curves }, model: network, facts: { epochs: training.epochs, ...backendFacts(backend) } };
    } finally {
      training.dispose();
    }
  },
});
