import { toCsc } from '../../data/matrix.ts';
import { oneVsRestSelector, ranksMemory } from './_one-vs-rest.ts';

/** Genes by Wilcoxon's rank-sum test of each class against the rest, the classes taking turns. */
export default oneVsRestSelector({
  id: 'wilcoxon',
  version: 2,
  summary: 'Rank-sum test of each class against the rest (scanpy rank_genes_groups); classes take turns',
  cites: ['10.2307/3001968', '10.1186/s13059-017-1382-0'],
  params: {},
  by: 'p',
  memory: ranksMemory,
  test: async () => {
    const { wilcoxon } = await import('../../stats/differential.ts');
    return async ({ matrix, rows, ...labelled }, _options, onGene) => wilcoxon({ ...labelled, matrix: toCsc(matrix, rows) }, { onGene });
  },
});
