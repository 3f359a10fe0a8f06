import { defineSelector, z } from '../contract.ts';
import { CLEAN, familyParams, PAPER, reconstructionParams, selectByVae } from './_markermap.ts';

const params = familyParams.extend({
  ...reconstructionParams.shape,
  spread: z.number().min(0).optional().describe('standard deviation of the initial logits; 1 as published, 0 by default'),
});

/**
 * MarkerMap's baseline with one trained logit a gene, the same for all cells (Hoyos et al. 2022, arXiv:2207.14106, section 4). Clean: logits
 * from 0, at 30 times the learning rate of the rest. Paper: logits from N(0, 1) at a rate found below 1e-5; they hardly move, and the panel
 * is the random start.
 */
export default defineSelector({
  id: 'global-gumbel-vae',
  version: 1,
  summary: 'Global-gumbel VAE: one logit a gene, trained with a variational autoencoder behind a relaxed top-k; no labels',
  cites: ['arXiv:2207.14106', 'arXiv:1901.10517'],
  queue: 'gpu',
  seeded: true,
  traits: ['anytime', 'model', 'generative'],
  params,
  run: (context, inputs, given) =>
    selectByVae(context, inputs, given, {
      id: 'global-gumbel-vae',
      alpha: 1,
      inputs: 'genes',
      clean: { ...CLEAN, logit_rate: 30 },
      paper: { ...PAPER, max_learning_rate: 1e-5, temperature: { start: 3, end: 1e-3, factor: 0.95 }, patience: 10 },
      makeFront: async () =>
        (await import('../../tensor/global-gumbel.ts')).globalFront({ spread: given.spread ?? (given.protocol === 'paper' ? 1 : 0) }),
    }),
});
