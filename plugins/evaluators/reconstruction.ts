import { toCsc } from '../../data/matrix.ts';
import { breather, firstGenes, learningCells } from '../_cells.ts';
import { defineEvaluator, z } from '../contract.ts';

/** How well a linear model predicts all genes from the panel. */
export default defineEvaluator({
  id: 'reconstruction',
  version: 2,
  summary: 'Least squares from the panel to all genes, on z-scores (of the learning cells; clipped at 10)',
  cites: ['arXiv:2207.14106'],
  params: z.strictObject({ k: z.int().positive() }),
  run: async (context, { data, split, panel }, { k }) => {
    const { geneScaling, reconstruct } = await import('../../stats/reconstruction.ts');
    const genes = firstGenes(panel, k);
    const learn = toCsc(data.X, learningCells(split));
    const test = toCsc(data.X, split.test);
    const isScaled = data.scale === 'scaled';
    const { mean, sd } = isScaled ? { mean: new Float64Array(learn.cols), sd: new Float64Array(learn.cols).fill(1) } : geneScaling(learn);
    const breathe = breather(context);
    const { values, pcc } = await reconstruct({ learn, test, panel: genes, mean, sd, clip: isScaled ? Infinity : 10 }, async (done) => {
      if (done % 64 === 0) {
        context.progress(done / learn.cols, `gene ${done} of ${learn.cols}`);
        await breathe();
      }
    });
    // What is in the panel needs no rebuilding.
    for (const j of genes) pcc[j] = Number.NaN;
    return { metrics: { values, genes: { columns: Uint32Array.from(pcc.keys()), values: { pcc } } } };
  },
});
