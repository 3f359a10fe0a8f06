import type { StepDefinition } from '../../core/plugin.ts';
import { counts, labels } from '../../data/dataset.ts';
import type { HvgFlavor } from '../../stats/hvg.ts';
import { learningCells, panelOf, requireFinite } from '../_cells.ts';
import { defineSelector, z } from '../contract.ts';

const params = z.strictObject({
  batch: z.string().optional().describe('obs column of batches; genes are then ranked in each and the ranks combined, as scanpy does'),
  top: z.int().positive().default(2000).describe('with `batch`: how many genes count as variable in each batch'),
});

/** A selector that ranks all genes by one of scanpy's measures of variability, on the train and validation cells. */
export function hvgSelector(step: {
  id: string;
  flavor: HvgFlavor;
  summary: string;
  cites: readonly string[];
}): StepDefinition<typeof params> {
  const { id, flavor, summary, cites } = step;
  return defineSelector({
    id,
    version: 1,
    summary,
    cites,
    params,
    run: async (_context, { data, split }, { batch, top }) => {
      requireFinite(data);
      const { hvgRanking } = await import('../../stats/hvg.ts');
      const batches = batch === undefined ? undefined : labels(data.obs, batch);
      const usesCounts = flavor.startsWith('seurat_v3');
      const input = usesCounts ? { counts: counts(data, id) } : { log: data.scale === 'counts' ? undefined : data.X };
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
