import { breather, classificationTask } from '../_cells.ts';
import { DataError, defineEvaluator, Task, z } from '../contract.ts';
import { type Blocks, judge } from './_classify.ts';

/** Seconds for one tree, per gene and squared cell: the library's split search rescans the labels at each threshold. */
const SECONDS = 1e-7;

/** The forest of the npm library ml-random-forest, as a second opinion on small data. */
export default defineEvaluator({
  id: 'ml-random-forest',
  version: 1,
  summary: 'Random forest of the npm library ml-random-forest (its own defaults; features drawn once a tree); small data only',
  seeded: true,
  params: z.strictObject({
    tasks: z.array(Task),
    k: z.int().positive(),
    trees: z.int().positive().default(50),
    max_minutes: z.number().positive().default(10).describe('refuse when the fit would take longer than about this'),
  }),
  run: async (context, inputs, { tasks, k, trees, max_minutes }) => {
    const task = classificationTask(tasks, 'ml-random-forest');
    const breathe = breather(context);
    const classify = async (blocks: Blocks, codes: Int32Array, classCount: number): Promise<Float64Array> => {
      refuseIfSlow(blocks, trees, max_minutes);
      const { RandomForestClassifier } = await import('ml-random-forest');
      const present = [...new Set(codes)].sort((a, b) => a - b);
      const labels = Array.from(codes, (c) => present.indexOf(c));
      const learn = rowsOf(blocks.learn, blocks.features);
      const test = rowsOf(blocks.test, blocks.features);
      const shares = new Float64Array(test.length * classCount);
      for (let t = 0; t < trees; t++) {
        // One tree at a time: the library trains without a pause, and its own probabilities lose the first tree's vote.
        const tree = new RandomForestClassifier({ ...DEFAULTS, seed: (Math.imul(context.seed + 1, 1_000_003) + t) & 0x7fffffff });
        tree.train(learn, labels);
        tree.predict(test).forEach((label: number, i: number) => (shares[i * classCount + present[label]] += 1 / trees));
        context.progress((t + 1) / trees, `tree ${t + 1} of ${trees}`);
        await breathe();
      }
      return shares;
    };
    const regress = (): Promise<never> =>
      Promise.reject(new DataError('ml-random-forest judges classes only', { context: { task: task.column } }));
    return judge({ classify, regress }, inputs, { tasks, k, step: 'ml-random-forest', context });
  },
});

const DEFAULTS = {
  nEstimators: 1,
  maxFeatures: 1,
  replacement: true,
  useSampleBagging: true,
  noOOB: true,
  isClassifier: true,
  treeOptions: {},
};

function rowsOf(block: Float32Array, features: number): number[][] {
  return Array.from({ length: block.length / features }, (_, i) => Array.from(block.subarray(i * features, (i + 1) * features)));
}

function refuseIfSlow({ learnRows, features }: Blocks, trees: number, maxMinutes: number): void {
  const minutes = (SECONDS * features * learnRows ** 2 * trees) / 60;
  if (minutes <= maxMinutes) return;
  throw new DataError(`ml-random-forest would need about ${Math.round(minutes)} minutes on these cells, more than ${maxMinutes}`, {
    context: { cells: learnRows, genes: features, trees },
    mend: 'Use the evaluator forest (thousands of times faster), fewer trees, or raise max_minutes.',
  });
}
