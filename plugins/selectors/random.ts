import { Random } from '../../stats/random.ts';
import { panelOf } from '../_cells.ts';
import { defineSelector, z } from '../contract.ts';

/**
 * Genes in a random order: what any method must beat. Each gene draws its lot from the seed and its own name, so the order of two genes
 * does not depend on which others are there or in what order the file lists them: filters before it never reshuffle the panel.
 */
export default defineSelector({
  id: 'random',
  version: 1,
  summary: 'Genes in a random order, drawn from the seed and their names',
  seeded: true,
  params: z.strictObject({}),
  run: async ({ seed }, { data }) => {
    const lots = Float64Array.from(data.var.index, (name) => Random.of(seed, 'random', name).uniform());
    const genes = Uint32Array.from(lots.keys()).sort((a, b) => lots[a] - lots[b] || a - b);
    return { panel: panelOf(data, genes, new Float64Array(genes.length).fill(Number.NaN), null) };
  },
});
