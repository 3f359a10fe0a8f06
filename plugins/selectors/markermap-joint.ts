import { defineSelector, Task, z } from '../contract.ts';
import { cellFront, CLEAN, dropout, familyParams, PAPER, reconstructionParams, selectByVae } from './_markermap.ts';

const params = familyParams.extend({ tasks: z.array(Task), ...reconstructionParams.shape, dropout });

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
  traits: ['anytime', 'predictions', 'model', 'generative', 'classes-only'],
  params,
  run: (context, inputs, given) =>
    selectByVae(context, inputs, given, {
      id: 'markermap-joint',
      alpha: 0.5,
      inputs: 'genes',
      clean: CLEAN,
      paper: PAPER,
      makeFront: () => cellFront(given),
    }),
});
