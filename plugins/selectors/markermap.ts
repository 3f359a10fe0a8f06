import { defineSelector, Task, z } from '../contract.ts';
import { cellFront, CLEAN, dropout, familyParams, PAPER, selectByVae } from './_markermap.ts';

const params = familyParams.extend({ tasks: z.array(Task), dropout });

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
  traits: ['anytime', 'predictions', 'model', 'classes-only'],
  params,
  run: (context, inputs, given) =>
    selectByVae(context, inputs, given, {
      id: 'markermap',
      alpha: 0,
      inputs: 'genes',
      clean: CLEAN,
      paper: { ...PAPER, max_learning_rate: 1e-3 },
      makeFront: () => cellFront(given),
    }),
});
