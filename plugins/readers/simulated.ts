import { defineReader, z } from '../contract.ts';

const params = z.strictObject({
  cells: z.int().min(20).max(1_000_000).default(1500),
  genes: z.int().min(50).max(60_000).default(1200),
  types: z.int().min(2).max(200).default(6).describe('Cell types (obs column cell_type).'),
  subtypes: z.int().min(1).max(20).default(2).describe('Subtypes of each type (obs column cell_subtype).'),
  markers: z.int().min(1).default(8).describe('True markers of each type and of each subtype; they stand in uns.truth.'),
  batches: z.int().min(1).max(100).default(2).describe('Batches (obs column batch).'),
  counts: z.number().positive().default(2500).describe('Mean counts of a cell.'),
  separation: z.number().min(0).max(5).default(1).describe('How clear the markers are; 0 = not at all.'),
  dropout: z.number().min(0).max(1).default(0.2).describe('Chance that a weakly expressed count is lost.'),
  seed: z.int().min(0).default(0).describe('The same seed gives the same atlas; seeds of a sweep do not change it.'),
});

/** The built-in dataset. */
export default defineReader({
  id: 'simulated',
  version: 1,
  summary: 'A simulated atlas with known markers: nested cell types, batches, a condition and ages.',
  params,
  run: async (_context, _inputs, p) => {
    const { simulateAtlas } = await import('../../data/simulate.ts');
    const data = simulateAtlas(p);
    const nnz = data.X.data.length;
    return {
      data,
      facts: {
        cells: p.cells,
        genes: p.genes,
        nnz,
        density: Number((nnz / (p.cells * p.genes)).toFixed(6)),
        scale: data.scale,
        format: 'simulated',
      },
    };
  },
});
