import { defineSelector, z } from '../contract.ts';
import { CLEAN, familyParams, PAPER, reconstructionParams, selectByVae } from './_markermap.ts';

const params = familyParams.extend({
  ...reconstructionParams.shape,
  spread: z.number().positive().default(1).describe('standard deviation of the initial logits'),
});

/**
 * Concrete VAE (Abid et al. 2019, arXiv:1901.09346, as MarkerMap's baseline): k relaxed one-hot choices in front of a variational
 * autoencoder. The panel takes each choice's likeliest gene, the surest first; scores are their probabilities. Clean: logits at 30 times
 * the learning rate of the rest, temperature from 3 to 0.02. Paper: rate found below 1e-4, temperature 3 x 0.99 per epoch, which ends far
 * from hard choices; the published panel, a fresh random draw at each call, is not copied.
 */
export default defineSelector({
  id: 'concrete-vae',
  version: 1,
  summary: 'Concrete VAE: k relaxed one-hot choices of a gene, trained with a variational autoencoder; no labels',
  cites: ['arXiv:2207.14106', 'arXiv:1901.09346'],
  queue: 'gpu',
  seeded: true,
  traits: ['anytime', 'model', 'generative'],
  params,
  run: (context, inputs, given) =>
    selectByVae(context, inputs, given, {
      id: 'concrete-vae',
      alpha: 1,
      inputs: 'selectors',
      clean: { ...CLEAN, logit_rate: 30, temperature: { start: 3, end: 0.02, factor: null } },
      paper: { ...PAPER, temperature: { start: 3, end: 1e-3, factor: 0.99 } },
      makeFront: async () => (await import('../../tensor/concrete-vae.ts')).concreteFront({ spread: given.spread }),
    }),
});
