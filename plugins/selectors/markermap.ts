import { defineSelector, Task, z } from '../contract.ts';
import { familyParams, selectByVae, type Variant } from './_markermap.ts';

const params = familyParams.extend({
  tasks: z.array(Task),
  dropout: z.number().min(0).max(0.9).default(0.5).describe('in the network that gives the logits'),
});

const variant: Variant = {
  id: 'markermap',
  alpha: 0,
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
      max_learning_rate: 1e-3,
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
 * MarkerMap, supervised (Hoyos et al. 2022, arXiv:2207.14106): a network gives each cell logits for the genes, their running mean with Gumbel
 * noise goes through a relaxed top-k, and a classifier behind an encoder learns from what it lets through. Scores are the running logits.
 * Clean: 40 epochs at 1e-3, the temperature falling from 3 to 0.1 over them, no early stop. Paper: the rate found in 500 steps below 1e-3,
 * at most 100 epochs with 3 x 0.95 per epoch, stopped by the validation loss of the hard panel (patience 3, from epoch 25). In both, the
 * decoders, whose weight is 0, are left out. z-scores are those of the train cells, clipped at 10.
 */
export default defineSelector({
  id: 'markermap',
  version: 1,
  summary: 'MarkerMap, supervised: a network proposes genes to a classifier through a relaxed top-k that hardens as it trains',
  cites: ['arXiv:2207.14106', 'arXiv:1901.10517'],
  queue: 'gpu',
  seeded: true,
  traits: ['predictions', 'model', 'classes-only'],
  params,
  run: async (context, inputs, given) =>
    selectByVae(context, inputs, given, {
      variant,
      makeFront: async () => (await import('../../tensor/markermap.ts')).instanceFront({ hidden: given.hidden, dropout: given.dropout }),
    }),
});
