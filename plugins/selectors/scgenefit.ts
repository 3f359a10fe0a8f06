import { breather, classCells, classificationTask, panelOf, requireFinite } from '../_cells.ts';
import { defineSelector, type Memory, Random, Task, z } from '../contract.ts';

const params = z.strictObject({
  k: z.int().positive(),
  tasks: z.array(Task),
  method: z
    .enum(['centers', 'pairwise_centers', 'pairwise'])
    .default('centers')
    .describe(
      'what must be kept apart: means of classes (centers), sampled cells from the means of other classes (pairwise_centers), or from their nearest cells there (pairwise)',
    ),
  epsilon: z
    .number()
    .positive()
    .default(1)
    .describe('how far apart, in units of the smallest distance there is; the param that matters most'),
  redundancy: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe(
      'centers: share of the pairs of classes that are not neighbours in the order of classes; 1 takes all pairs, and no random number decides',
    ),
  constraints: z
    .enum(['all-pairs', 'consecutive'])
    .default('all-pairs')
    .describe(
      'centers: all-pairs draws the further pairs from all of them; consecutive repeats neighbours instead, as the reference code does',
    ),
  sampling_rate: z.number().positive().max(1).default(0.1).describe('share of each class whose cells are compared (not for centers)'),
  max_constraints: z.int().positive().default(1000).describe('comparisons kept, drawn at random'),
  neighbours: z.int().positive().default(3).describe('nearest cells of each other class (pairwise)'),
  optimum: z
    .enum(['between-classes', 'any'])
    .default('between-classes')
    .describe(
      'many panels are equally good for the linear program; between-classes: the one with most variance between classes, any: whichever the solver ends at, ties by gene index, as the reference',
    ),
});

const memory: Memory = {
  formula:
    '(8 bytes x genes + 600 bytes x the larger of 500 and 4 k) x comparisons (at most max_constraints), 16 bytes x genes x classes, 24 bytes x (cells + all comparisons), and 64 MB of the solver',
  bytes: ({ cells, genes, classes }, { k, method, max_constraints: most, sampling_rate: rate, neighbours }) => {
    const sampled = Math.ceil(cells * rate) + classes;
    const found = method === 'centers' ? classes * classes : sampled * classes * (method === 'pairwise' ? neighbours : 1);
    const kept = Math.min(most, found);
    return (8 * genes + 600 * Math.min(genes, Math.max(500, 4 * k))) * kept + 16 * genes * classes + 24 * (cells + found) + 2 ** 26;
  },
  mend: 'Use fewer genes (hvg.top) or a smaller max_constraints.',
};

/** Genes by scGeneFit: the weights, from 0 to 1 and of sum k, that keep classes apart with the least shortfall. */
export default defineSelector({
  id: 'scgenefit',
  version: 1,
  summary: 'Label-aware compression by a linear program: weights of genes that keep the classes apart (scGeneFit)',
  cites: ['10.1038/s41467-021-21453-4'],
  seeded: true,
  traits: ['classes-only'],
  memory,
  params,
  run: async (context, { data, split }, { k, tasks, method, optimum, ...given }) => {
    const task = classificationTask(tasks, 'scgenefit');
    requireFinite(data);
    const { betweenClassVariance, cellCentreSeparations, cellPairSeparations, centreSeparations } =
      await import('../../stats/scgenefit.ts');
    const { orderDescending } = await import('../../stats/ranks.ts');
    const { solveSeparations } = await import('./_lp.ts');
    const cells = classCells(data, split, task);
    const breathe = breather(context);
    await context.breathe();
    const common = {
      random: Random.of(context.seed, 'scgenefit'),
      most: given.max_constraints,
      breathe,
      samplingRate: given.sampling_rate,
    };
    const separations =
      method === 'centers'
        ? centreSeparations(cells, { ...common, redundancy: given.redundancy, consecutive: given.constraints === 'consecutive' })
        : method === 'pairwise'
          ? await cellPairSeparations(cells, { ...common, neighbours: given.neighbours })
          : await cellCentreSeparations(cells, common);
    const count = separations.rows.length / separations.genes;
    context.progress(0.3, `${count} comparisons`);
    const variance = betweenClassVariance(cells);
    const {
      alpha,
      slack,
      rows,
      seen: genesSeen,
    } = await solveSeparations({
      ...separations,
      k,
      epsilon: given.epsilon,
      preference: optimum === 'any' ? undefined : variance,
      onRound: async (seen, among) => {
        context.progress(0.3 + (0.6 * seen) / count, `${seen} of ${count} comparisons and ${among} genes given to the solver`);
        await context.breathe();
      },
    });
    // The solver is right to seven digits.
    const weights = alpha.map((a) => Math.round(a * 1e6) / 1e6);
    const second = optimum === 'any' ? orderDescending(alpha) : orderDescending(variance);
    const genes = second.sort((a, b) => weights[b] - weights[a]).subarray(0, k);
    const weighted = weights.reduce((n, a) => n + Number(a > 0), 0);
    return {
      panel: panelOf(
        data,
        genes,
        Float64Array.from(genes, (j) => weights[j]),
        task.column,
      ),
      facts: {
        comparisons: count,
        comparisons_given: rows,
        genes_given: genesSeen,
        smallest_distance: separations.margin,
        shortfall: slack,
        genes_with_weight: weighted,
        filled: Math.max(0, k - weighted),
      },
    };
  },
});
