import { defineSelector } from '../contract.ts';
import { cellFront, CLEAN, dropout, familyParams, PAPER, reconstructionParams, selectByVae } from './_markermap.ts';

const params = familyParams.extend({ ...reconstructionParams.shape, dropout });

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
  traits: ['anytime', 'model', 'generative'],
  params,
  run: (context, inputs, given) =>
    selectByVae(context, inputs, given, {
      id: 'markermap-unsupervised',
      alpha: 1,
      inputs: 'genes',
      clean: CLEAN,
      paper: { ...PAPER, patience: 4 },
      makeFront: () => cellFront(given),
    }),
});
