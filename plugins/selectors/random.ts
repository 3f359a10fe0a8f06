import { Random } from '../../stats/random.ts';
import { panelOf } from '../_cells.ts';
import { defineSelector, z } from '../contract.ts';

/** Genes in a random order: what any method must beat. */
export default defineSelector({
  id: 'random',
  version: 1,
  summary: 'Genes in a random order, drawn from the seed',
  seeded: true,
  params: z.strictObject({}),
  run: async ({ seed }, { data }) => {
    const genes = Uint32Array.from(Random.of(seed, 'random').permutation(data.X.cols));
    return { panel: panelOf(data, genes, new Float64Array(genes.length).fill(Number.NaN), null) };
  },
});
