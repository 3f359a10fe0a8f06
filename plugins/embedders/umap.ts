import { defineEmbedder, z } from '../contract.ts';

const params = z.strictObject({
  components: z.int().min(2).default(50).describe('principal components that neighbours are found by'),
  neighbours: z.int().min(2).default(15).describe('cells in the neighbourhood of a cell, itself included'),
  min_dist: z.number().min(0).max(2.9).default(0.5).describe('how close cells may lie'),
  epochs: z.int().min(1).optional().describe('default 500 up to 10,000 cells, else 200'),
});

/** Two dimensions in which neighbours stay neighbours: for pictures, not for numbers. */
export default defineEmbedder({
  id: 'umap',
  version: 1,
  summary: 'UMAP of the cells by their principal components; for pictures',
  cites: ['10.48550/arXiv.1802.03426'],
  params,
  run: async (context, { data }, { components, neighbours, min_dist: minDist, epochs }) => {
    const { toCsc } = await import('../../data/matrix.ts');
    const { pca, pcaScores } = await import('../../stats/pca.ts');
    const { umap } = await import('../../stats/umap.ts');
    const matrix = toCsc(data.X);
    const parts = await pca(matrix, { components, onStep: () => context.breathe() });
    const samples = { block: pcaScores(matrix, parts), rows: matrix.rows, features: parts.count };
    const onStep = async (share: number): Promise<void> => {
      context.progress(share, 'umap');
      await context.breathe();
    };
    const coordinates = await umap(samples, {
      neighbours,
      minDist,
      seed: context.seed,
      onStep,
      ...(epochs === undefined ? {} : { epochs }),
    });
    return { embedding: { method: 'UMAP', coordinates }, facts: { cells: matrix.rows, components: parts.count } };
  },
});
