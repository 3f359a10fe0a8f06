import { z, Random } from '../contract.ts';
import { aglPredictor, requireAuxiliary, roundParams } from './_agl.ts';

/** AuxiLearn: a small network weighs the losses; it learns by implicit differentiation, one step after each epoch. */
export default aglPredictor({
  id: 'agl-auxlearn',
  summary: 'Primary and all auxiliary genes, their losses put together by a small network that the validation loss teaches',
  cites: ['arXiv:2007.02693'],
  extra: {
    ...roundParams,
    net_rate: z.number().positive().default(1e-3).describe('learning rate of the small network'),
  },
  weights: ({ WeightNet }, counts, { own, seed }) => {
    requireAuxiliary(counts, 'agl-auxlearn');
    return new WeightNet(counts, { rate: own.net_rate, random: Random.of(seed, 'auxlearn') });
  },
});
