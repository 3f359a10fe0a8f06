import { toCsc } from '../../data/matrix.ts';
import { averageRanks } from '../../stats/ranks.ts';
import type { RankGroups } from '../../stats/rank-sums.ts';
import { breather, classCells, learningCells, onlyTask, panelOf, requireFinite, valuedCells } from '../_cells.ts';
import { type Dataset, defineSelector, type Split, Task, z } from '../contract.ts';
import { ranksMemory } from './_one-vs-rest.ts';

/** Genes by RankCorr: for each class a sparse rank-correlated set, as large as the panel needs. */
export default defineSelector({
  id: 'rankcorr',
  version: 1,
  summary: 'Rank correlation of each gene with each class, made sparse; the least sparsity that keeps k genes (RankCorr)',
  cites: ['10.1186/s12859-020-03641-z'],
  memory: ranksMemory,
  params: z.strictObject({
    k: z.int().positive(),
    tasks: z.array(Task),
    panel_of: z
      .enum(['least-sparsity', 'markermap-paper'])
      .default('least-sparsity')
      .describe(
        'least-sparsity: the smallest union of at least k genes, strongest first; markermap-paper: sparsity 20, cut to k in the order of a hash table, as its code does',
      ),
  }),
  run: async (context, { data, split }, { k, tasks, panel_of }) => {
    const task = onlyTask(tasks, 'rankcorr');
    requireFinite(data);
    const { hashOrder, rankCorrelations, rankCorrPanel, unionAt } = await import('../../stats/rankcorr.ts');
    const { rows, groups } = learn(data, split, task);
    const breathe = breather(context);
    await context.breathe();
    const correlations = await rankCorrelations(toCsc(data.X, rows), groups, async (done) => {
      context.progress(done / data.X.cols, `gene ${done} of ${data.X.cols}`);
      await breathe();
    });
    const found = rankCorrPanel(correlations, data.X.cols, k);
    let genes = found.genes.slice(0, k);
    if (panel_of === 'markermap-paper') {
      const union = hashOrder(unionAt(correlations, data.X.cols, 20) ?? new Uint32Array(0));
      const taken = new Set(union);
      genes = Uint32Array.from([...union, ...found.genes.filter((j) => !taken.has(j))].slice(0, k));
    }
    const scores = Float64Array.from(genes, (j) => found.strength[j]);
    return { panel: panelOf(data, genes, scores, task.column), facts: { sparsity: found.s, genes_kept: found.kept } };
  },
});

/** Cells by class, or one group in which a cell weighs its standardised rank of the value. */
function learn(data: Dataset, split: Split, task: Task): { rows: Uint32Array; groups: RankGroups } {
  if (task.kind === 'classification') {
    const { rows, codes, classCount } = classCells(data, split, task);
    return { rows, groups: { codes, classCount } };
  }
  const { rows, values } = valuedCells(data, learningCells(split), task);
  const ranks = averageRanks(values);
  const mean = (ranks.length + 1) / 2;
  const sd = Math.sqrt(ranks.reduce((sum, r) => sum + (r - mean) ** 2, 0) / ranks.length) || 1;
  return { rows, groups: { weights: ranks.map((r) => (r - mean) / sd) } };
}
