import { aglPredictor } from './_agl.ts';

/** All auxiliary genes, as important as the primary ones. */
export default aglPredictor({
  id: 'agl-all',
  summary: 'Primary and all auxiliary genes with the same weight',
  cites: [],
  extra: {},
  weights: ({ FixedWeights }, counts) => new FixedWeights(counts),
});
