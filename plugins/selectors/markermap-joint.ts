import { defineSelector, Task, z } from '../contract.ts';
import { familyParams, reconstructionParams, selectByVae, type Variant } from './_markermap.ts';

const params = z.strictObject({
  ...familyParams.shape,
  tasks: z.array(Task),
  ...reconstructionParams.shape,
  dropout: z.number().min(0).max(0.9).default(0.5).describe('in the network that gives the logits'),
});

const variant: Variant = {
  id: 'markermap-joint',
  alpha: 0.5,
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
      patience: 3,
      likelihood: 'gaussian',
      reconstruction: 'sum',
    },
  },
  atLeast: 25,
};

/**
 * MarkerMap, joint (Hoyos et al. 2022, arXiv:2207.14106): classifier and decoder on one latent space, half the weight each. Clean: the
 * reconstruction is the mean over the genes of squared errors, so that both count. Paper: the Gaussian likelihood summed over the genes,
 * which outweighs the classifier a thousandfold, so that the panel is that of the unsupervised form; the rate found below 1e-4.
 */
export default defineSelector({
  id: 'markermap-joint',
  version: 1,
  summary: 'MarkerMap, joint: the genes that tell the classes and that a variational autoencoder rebuilds all others from',
  cites: ['arXiv:2207.14106', 'arXiv:1901.10517'],
  queue: 'gpu',
  seeded: true,
  traits: ['predictions', 'model', 'generative', 'classes-only'],
  params,
  run: async (context, inputs, given) =>
    selectByVae(context, inputs, given, {
      variant,
      makeFront: async () => (await import('../../tensor/markermap.ts')).instanceFront({ hidden: given.hidden, dropout: given.dropout }),
    }),
});
