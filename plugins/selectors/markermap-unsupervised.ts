import { defineSelector, z } from '../contract.ts';
import { familyParams, reconstructionParams, selectByVae, type Variant } from './_markermap.ts';

const params = z.strictObject({
  ...familyParams.shape,
  ...reconstructionParams.shape,
  dropout: z.number().min(0).max(0.9).default(0.5).describe('in the network that gives the logits'),
});

const variant: Variant = {
  id: 'markermap-unsupervised',
  alpha: 1,
  inputs: 'genes',
  presets: {
    clean: {
      epochs: 40,
      learning_rate: 1e-3,
      max_learning_rate: 1e-2,
      logit_rate: 1,
      temperature: { start: 3, end: 0.1, factor: null },
      patience: null,
      likelihood: 'squared',
      reconstruction: 'mean',
    },
    paper: {
      epochs: 100,
      learning_rate: 'find',
      max_learning_rate: 1e-4,
      logit_rate: 1,
      temperature: { start: 3, end: 1e-4, factor: 0.95 },
      patience: 4,
      likelihood: 'gaussian',
      reconstruction: 'sum',
    },
  },
  atLeast: 25,
};

/**
 * MarkerMap without labels (Hoyos et al. 2022, arXiv:2207.14106): as `markermap`, with a decoder in place of the classifier. Clean: squared
 * errors, 40 epochs at 1e-3, temperature from 3 to 0.1. Paper: Gaussian likelihood with learned variances, summed over the genes, the rate
 * found below 1e-4, patience 4. Where the published code draws z in evaluations too, ours takes its mean.
 */
export default defineSelector({
  id: 'markermap-unsupervised',
  version: 1,
  summary: 'MarkerMap without labels: the genes that a variational autoencoder rebuilds all others from',
  cites: ['arXiv:2207.14106', 'arXiv:1901.10517'],
  queue: 'gpu',
  seeded: true,
  traits: ['model', 'generative'],
  params,
  run: async (context, inputs, given) =>
    selectByVae(context, inputs, given, {
      variant,
      makeFront: async () => (await import('../../tensor/markermap.ts')).instanceFront({ hidden: given.hidden, dropout: given.dropout }),
    }),
});
