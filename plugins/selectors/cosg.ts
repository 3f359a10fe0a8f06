import { z } from '../contract.ts';
import { oneVsRestSelector, sumsMemory } from './_one-vs-rest.ts';

/** Genes by COSG's cosine specificity for each class, the classes taking turns. */
export default oneVsRestSelector({
  id: 'cosg',
  version: 1,
  summary: 'Cosine similarity of each gene with each class, made specific (COSG 1.2); classes take turns',
  cites: ['10.1093/bib/bbab579'],
  params: {
    mu: z.number().positive().default(1).describe('weight of the other classes'),
    remove_lowly_expressed: z.boolean().default(true).describe('put genes seen in too few cells of a class last in that class'),
    expressed_pct: z.number().min(0).max(1).default(0.1).describe('that share of cells'),
  },
  by: 'score',
  memory: sumsMemory,
  test: async () => {
    const { cosg } = await import('../../stats/cosg.ts');
    return async (input, { mu, remove_lowly_expressed, expressed_pct }) =>
      cosg(input, { mu, removeLowlyExpressed: remove_lowly_expressed, expressedPct: expressed_pct });
  },
});
