import { defineSelector } from '../contract.ts';
import { persistParams, selectByPersist } from './_persist.ts';

/**
 * PERSIST without labels (Covert et al. 2023): as `persist`, but the network says how much each gene of the cell is expressed, from 0 or 1
 * for each gene, with the hurdle loss (weight 10): a logit for "not expressed", and the log-normalised value where expressed. The target is
 * X where it holds logarithms, else made from the counts.
 */
export default defineSelector({
  id: 'persist-unsupervised',
  version: 2,
  summary:
    'PERSIST without labels: gates, then k rows that choose one gene each, for a network that reconstructs the expression of all genes',
  cites: ['doi:10.1038/s41467-023-37392-1'],
  queue: 'gpu',
  seeded: true,
  params: persistParams,
  run: (context, inputs, given) => selectByPersist(context, inputs, given, 'persist-unsupervised'),
});
