import { oneVsRestSelector, sumsMemory } from './_one-vs-rest.ts';

/** Genes by Welch's t-test of each class against the rest, the classes taking turns. */
export default oneVsRestSelector({
  id: 't-test',
  version: 2,
  summary: "Welch's t-test of each class against the rest (scanpy rank_genes_groups); classes take turns",
  cites: ['10.1093/biomet/34.1-2.28', '10.1186/s13059-017-1382-0'],
  params: {},
  atLeast: 2,
  by: 'p',
  memory: sumsMemory,
  test: async () => {
    const { welch } = await import('../../stats/differential.ts');
    return async (input) => welch(input);
  },
});
