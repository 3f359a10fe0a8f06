import type { StepDefinition } from '../../core/plugin.ts';
import { counts, labels } from '../../data/dataset.ts';
import type { HvgFlavor } from '../../stats/hvg.ts';
import { learningCells, panelOf, requireFinite } from '../_cells.ts';
import { defineSelector, type Memory, z } from '../contract.ts';

const params = z.strictObject({
  batch: z.string().optional().describe('obs column of batches; genes are then ranked in each and the ranks combined, as scanpy does'),
  top: z.int().positive().default(2000).describe('with `batch`: how many genes count as variable in each batch'),
});

const orderedParams = z.strictObject({
  ...params.shape,
  order: z
    .enum(['rank', 'batches'])
    .default('rank')
    .describe(
      'with `batch`: by median rank, then by the number of batches (scanpy seurat_v3), or the other way round (Stuart 2019, seurat_v3_paper)',
    ),
});

/** Memory of a ranking by moments. */
const memory: Memory = { formula: '100 bytes x genes', bytes: ({ genes }) => 100 * genes };

/** A selector that ranks all genes by one of scanpy's measures of variability, on the train and validation cells. */
export function hvgSelector(step: { id: string; flavor: HvgFlavor; summary: string; cites: readonly string[] }): StepDefinition {
  const { id, summary, cites } = step;
  const isByCounts = step.flavor === 'seurat_v3';
  return defineSelector({
    id,
    version: 2,
    summary,
    cites,
    memory,
    params: isByCounts ? orderedParams : params,
    run: async (_context, { data, split }, { batch, top, ...given }) => {
      requireFinite(data);
      const flavor = (given as { order?: string }).order === 'batches' ? 'seurat_v3_paper' : step.flavor;
      const { hvgRanking } = await import('../../stats/hvg.ts');
      const batches = batch === undefined ? undefined : labels(data.obs, batch);
      const input = isByCounts ? { counts: counts(data, id) } : { log: data.scale === 'counts' ? undefined : data.X };
      const { order, scores } = hvgRanking(input, {
        flavor,
        top,
        rows: learningCells(split),
        names: data.var.index,
        batches: batches?.codes,
        nBatches: batches?.classes.length,
      });
      return {
        panel: panelOf(
          data,
          order,
          Float64Array.from(order, (j) => scores[j]),
          null,
        ),
      };
    },
  });
}
