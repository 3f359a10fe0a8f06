import { oneVsRestSelector, sumsMemory } from './_one-vs-rest.ts';

/** Genes by a t-test that counts the rest as no larger than the class, the classes taking turns. */
export default oneVsRestSelector({
  id: 't-test-overestim-var',
  version: 1,
  summary: 't-test of each class against the rest with overestimated variance (scanpy t-test_overestim_var); classes take turns',
  cites: ['10.1093/biomet/34.1-2.28', '10.1186/s13059-017-1382-0'],
  params: {},
  atLeast: 2,
  by: 'p',
  memory: sumsMemory,
  test: async () => {
    const { welch } = await import('../../stats/differential.ts');
    return async (input) => welch(input, { overestimate: true });
  },
});
