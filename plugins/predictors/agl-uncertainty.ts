import { aglPredictor } from './_agl.ts';

/** Weights by the uncertainty of each gene, learned with the network. */
export default aglPredictor({
  id: 'agl-uncertainty',
  summary: 'Primary and all auxiliary genes, each weighted by its learned uncertainty',
  cites: ['arXiv:1705.07115'],
  extra: {},
  weights: ({ UncertaintyWeights }, counts, { set }) => new UncertaintyWeights(counts, set.learning_rate),
});
