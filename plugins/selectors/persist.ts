import { defineSelector, Task, z } from '../contract.ts';
import { persistParams, selectByPersist } from './_persist.ts';

/**
 * PERSIST, supervised (Covert et al. 2023): a network that sees 0 or 1 for each gene tells the classes, first with a penalised gate on each
 * gene, then through k rows that choose one gene each. Scores: the share of its gene in a row (softmax), 1 when it is sure. A gene that two
 * rows choose stays with the surer one; the other takes its next best free gene.
 *
 * Clean protocol: the masks learn faster, the first stage has no penalty at first and ends when enough gates are shut, the rows settle in the
 * last part of the second stage, and then the network learns on with the chosen genes alone. Paper protocol: trials of the first stage by a secant on the penalty until the number of genes is near the target,
 * and the network as it was at the end of the second stage. The reference lets that network see all candidates through soft masks when it
 * predicts; ours sees the panel only, in both protocols.
 */
export default defineSelector({
  id: 'persist',
  version: 2,
  summary: 'PERSIST: gates on binarised genes under a penalty, then k rows that choose one gene each, for a network that tells the classes',
  cites: ['doi:10.1038/s41467-023-37392-1'],
  queue: 'gpu',
  seeded: true,
  traits: ['predictions', 'model', 'classes-only'],
  params: persistParams.extend({
    tasks: z.array(Task),
    refit_epochs: z
      .int()
      .min(0)
      .optional()
      .describe('of the network on the panel alone, after the choice; clean: about 600 steps, paper: none'),
  }),
  run: (context, inputs, given) => selectByPersist(context, inputs, given, 'persist'),
});
