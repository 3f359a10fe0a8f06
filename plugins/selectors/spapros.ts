import type { LabelledColumns } from '../../stats/class-cells.ts';
import { breather, classCells, classificationTask, learningCells, panelOf, requireFinite } from '../_cells.ts';
import { type Dataset, DataError, defineSelector, type Memory, type Split, takeColumns, Task, toCsc, z } from '../contract.ts';

const memory: Memory = {
  formula:
    '16 bytes x values of the learning cells in the genes looked at + 2,400 bytes x genes looked at + (4 x trees + 800) bytes x cells',
  bytes: ({ cells, genes, values }, { genes: most, trees }) => {
    const looked = Math.min(genes, most ?? genes);
    return 16 * Math.min(values, cells * looked) + 2400 * looked + (4 * trees + 800) * cells;
  },
};

/** Genes of variation (PCA) and of the classes (differential expression), weighed by shallow trees. */
export default defineSelector({
  id: 'spapros',
  version: 1,
  summary: 'Genes of trees that tell each class apart, grown on genes of high PCA loadings and helped by differential expression (Spapros)',
  cites: ['10.1038/s41592-024-02496-z'],
  seeded: true,
  traits: ['classes-only'],
  memory,
  params: z.strictObject({
    tasks: z.array(Task),
    genes: z
      .int()
      .positive()
      .nullable()
      .default(1000)
      .describe('how many highly variable genes (cell_ranger) it looks at; the others follow by variability; null = all genes'),
    n_pca: z.int().positive().default(20).describe('principal components whose loadings count'),
    n_pca_genes: z.int().positive().default(100).describe('genes of the largest absolute loadings that the trees may use'),
    n_de: z.int().positive().default(3).describe('genes by Wilcoxon z of each class against the rest'),
    n_min_markers: z.int().min(0).default(2).describe('markers of each class that come before genes of second-best trees'),
    trees: z.int().positive().default(50).describe('trees of each class'),
    max_depth: z.int().positive().default(3),
    train_cells: z.int().positive().default(1000).describe('cells of each class that a tree learns from at most'),
    test_cells: z.int().positive().default(3000).describe('held-out cells of each class that trees are judged by at most'),
    de_rounds: z.int().min(0).default(3).describe('rounds that add a gene against classes that a tree takes for its own'),
    min_specificity: z.number().min(0).max(1).default(0.9).describe('such a class is kept out of a tree by less than this'),
    outlier_sds: z.number().min(0).default(1).describe('or by so many standard deviations less than the mean over classes'),
    outlier_gap: z.number().min(0).default(0.02).describe('and by at least so much less'),
    rounds: z.int().min(0).default(12).describe('rounds that add genes of the DE trees to the PCA trees'),
    genes_per_round: z.int().positive().default(5),
    f1_gap: z.number().min(0).default(0.02).describe('genes are added for classes whose F1 is so much below that of the DE trees'),
  }),
  run: async (context, { data, split }, { tasks, genes: most, ...given }) => {
    const task = classificationTask(tasks, 'spapros');
    requireFinite(data);
    await context.breathe();
    const { spapros } = await import('../../stats/spapros.ts');
    const { rows, codes, classCount } = classCells(data, split, task);
    const order = most === null || most >= data.X.cols ? undefined : await byVariability(data, split);
    await context.breathe();
    const looked = order?.slice(0, most!).sort();
    const part = looked ? takeColumns(data.X, looked) : data.X;
    await context.breathe();
    const input: LabelledColumns = { matrix: toCsc(part, rows), codes, classCount };
    await context.breathe();
    const breathe = breather(context);
    const options = {
      components: given.n_pca,
      pcaGenes: given.n_pca_genes,
      deGenes: given.n_de,
      deRounds: given.de_rounds,
      minSpecificity: given.min_specificity,
      outlierSds: given.outlier_sds,
      outlierGap: given.outlier_gap,
      rounds: given.rounds,
      genesPerRound: given.genes_per_round,
      f1Gap: given.f1_gap,
      minMarkers: given.n_min_markers,
      trees: given.trees,
      maxDepth: given.max_depth,
      trainCells: given.train_cells,
      testCells: given.test_cells,
      seed: context.seed,
    };
    const found = await spapros(input, options, async (fraction, note) => {
      context.progress(fraction, note);
      await breathe();
    });
    const genes = new Uint32Array(data.X.cols);
    const scores = new Float64Array(data.X.cols).fill(Number.NaN);
    found.genes.forEach((j, at) => (genes[at] = looked ? looked[j] : j));
    scores.set(found.scores);
    if (order) genes.set(order.subarray(most!), most!);
    const facts = {
      genes_looked_at: found.genes.length,
      genes_in_best_trees: found.inBestTrees,
      genes_tested: found.tested,
      genes_added_to_pca: found.added,
      best_tree_f1: found.f1,
    };
    return { panel: panelOf(data, genes, scores, task.column), facts };
  },
});

async function byVariability(data: Dataset, split: Split): Promise<Uint32Array> {
  if (data.scale === 'counts' || data.scale === 'scaled') {
    throw new DataError(`Spapros looks at the most variable genes of log values, and X holds ${data.scale} values`, {
      context: { scale: data.scale },
      mend: 'Add normalize with log1p, or give genes: null to look at all genes.',
    });
  }
  const { hvgRanking } = await import('../../stats/hvg.ts');
  return hvgRanking({ log: data.X }, { flavor: 'cell_ranger', rows: learningCells(split), names: data.var.index }).order;
}
