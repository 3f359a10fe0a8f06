import { z } from '../contract.ts';
import { aglPredictor, innerParams, requireAuxiliary } from './_agl.ts';

/** Auxiliary gene learning with a differentiable top-k cut of the ranked genes, learned by bi-level optimisation. */
export default aglPredictor({
  id: 'dkgsb',
  summary: 'Primary and the best-ranked auxiliary genes; where they are cut off is learned through unrolled steps',
  cites: [],
  traits: ['ranked'],
  extra: {
    ...innerParams,
    tau: z.number().positive().default(0.01).describe('softness of the cut, in units of the ranks'),
    cutoff: z.number().min(0).max(1).default(0.5).describe('share of the auxiliary genes above the cut at first; 1 keeps them all'),
    ranks: z
      .enum(['normalised', 'raw'])
      .default('normalised')
      .describe('ranks from 0 to 1 as in the code of the paper, or 0, 1, 2, ... as in its equation 6'),
  },
  weights: ({ CutoffWeights }, counts, { set, own }) => {
    requireAuxiliary(counts, 'dkgsb');
    return new CutoffWeights(counts, { start: own.cutoff, tau: own.tau, rate: set.weight_rate, ranks: own.ranks });
  },
});
