import { aglPredictor } from './_agl.ts';

/** The baseline of auxiliary gene learning: primary genes alone. */
export default aglPredictor({
  id: 'pgl',
  summary: 'Primary genes alone, under the Pearson loss',
  cites: ['10.1038/s41551-020-0578-x'],
  extra: {},
  auxiliary: () => new Uint32Array(0),
  weights: ({ FixedWeights }, counts) => new FixedWeights(counts),
});
