import { defineSelector, z } from '../contract.ts';
import { familyParams, reconstructionParams, selectByVae, type Variant } from './_markermap.ts';

const params = z.strictObject({
  ...familyParams.shape,
  ...reconstructionParams.shape,
  spread: z.number().min(0).optional().describe('standard deviation of the initial logits; 1 as published, 0 by default'),
});

const variant: Variant = {
  id: 'global-gumbel-vae',
  alpha: 1,
  inputs: 'genes',
  presets: {
    clean: {
      epochs: 40,
      learning_rate: 1e-3,
      max_learning_rate: 1e-2,
      logit_rate: 30,
      temperature: { start: 3, end: 0.1, factor: null },
      patience: null,
      likelihood: 'squared',
      reconstruction: 'mean',
    },
    paper: {
      epochs: 100,
      learning_rate: 'find',
      max_learning_rate: 1e-5,
      logit_rate: 1,
      temperature: { start: 3, end: 1e-3, factor: 0.95 },
      patience: 10,
      likelihood: 'gaussian',
      reconstruction: 'sum',
    },
  },
  atLeast: 25,
};

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
  traits: ['model', 'generative'],
  params,
  run: async (context, inputs, given) =>
    selectByVae(context, inputs, given, {
      variant,
      makeFront: async () =>
        (await import('../../tensor/global-gumbel.ts')).globalFront({
          spread: given.spread ?? (given.protocol === 'paper' ? 1 : 0),
        }),
    }),
});
