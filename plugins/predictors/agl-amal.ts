import { z } from '../contract.ts';
import { aglPredictor, innerParams, requireAuxiliary } from './_agl.ts';

/** AMAL in the form of the paper of auxiliary gene learning: a weight for each auxiliary gene, learned as dkgsb learns its cut-off. */
export default aglPredictor({
  id: 'agl-amal',
  summary: 'Primary and all auxiliary genes, each auxiliary one with a weight of its own that the validation loss teaches',
  cites: ['arXiv:2202.03250'],
  extra: { ...innerParams, tau: z.number().positive().default(1).describe('temperature of the sigmoid that makes the weights') },
  weights: ({ FreeWeights }, counts, { set, own }) => {
    requireAuxiliary(counts, 'agl-amal');
    return new FreeWeights(counts, { tau: own.tau, rate: set.weight_rate });
  },
});
