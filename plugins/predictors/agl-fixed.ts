import { z } from '../contract.ts';
import { aglPredictor } from './_agl.ts';

/** A cut-off that is given, not learned. */
export default aglPredictor({
  id: 'agl-fixed',
  summary: 'Primary and the first auxiliary genes with the same weight',
  cites: [],
  traits: ['ranked'],
  extra: { cutoff: z.int().positive().default(5000).describe('how many auxiliary genes, best first') },
  auxiliary: ({ auxiliary }, { cutoff }) => auxiliary.slice(0, cutoff),
  weights: ({ FixedWeights }, counts) => new FixedWeights(counts),
});
