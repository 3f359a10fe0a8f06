import { denseBlock, z } from '../contract.ts';
import { definePredictor } from '../spatial-contract.ts';
import { requireTrainSpots } from './_spots.ts';

/** What anything must beat: it says the same of every spot, so its correlation counts as 0. */
export default definePredictor({
  id: 'mean',
  version: 1,
  summary: 'Mean expression of the train spots, the same for every test spot',
  queue: 'cpu',
  seeded: false,
  params: z.strictObject({}),
  run: async (_context, { data, split, targets }) => {
    requireTrainSpots(split.train, 'mean');
    const genes = targets.primary;
    const block = denseBlock(data.X, split.train, genes).data;
    const means = new Float64Array(genes.length);
    block.forEach((value, at) => (means[at % genes.length] += value / split.train.length));
    const values = Float32Array.from({ length: split.test.length * genes.length }, (_, at) => means[at % genes.length]);
    return { prediction: { genes, rows: split.test, values } };
  },
});
