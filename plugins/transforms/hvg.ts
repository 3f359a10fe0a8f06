import type { Column } from '../../data/dataset.ts';
import type { HvgResult } from '../../stats/hvg.ts';
import { DataError, type Dataset, defineTransform, type StepContext, z } from '../contract.ts';

const params = z.strictObject({
  flavor: z
    .enum(['seurat', 'seurat_v3', 'seurat_v3_paper', 'cell_ranger'])
    .default('seurat_v3')
    .describe('As in scanpy; the seurat_v3 flavors read raw counts, the others log values.'),
  top: z
    .int()
    .min(1)
    .optional()
    .describe('How many genes to keep; default 2000 for the seurat_v3 flavors, else those within the cut-offs.'),
  batch: z.string().optional().describe('obs column; genes are ranked within each batch and the ranks are put together.'),
  min_mean: z.number().default(0.0125),
  max_mean: z.number().default(3),
  min_disp: z
    .number()
    .default(0.5)
    .describe('Least normalised dispersion, with min_mean, max_mean and max_disp for seurat and cell_ranger without `top`.'),
  max_disp: z.number().optional(),
});
type Params = z.infer<typeof params>;

/** Keeps the most variable genes, with the ranking in var. */
export default defineTransform({
  id: 'hvg',
  version: 1,
  summary: 'Keep the most variable genes.',
  cites: ['10.1038/nbt.3192', '10.1016/j.cell.2019.05.031', '10.1038/ncomms14049'],
  params,
  run: async (context, { data }, p) => {
    const { hvgRanking } = await import('../../stats/hvg.ts');
    const { labels, takeGenes } = await import('../../data/dataset.ts');
    const third = p.flavor === 'seurat_v3' || p.flavor === 'seurat_v3_paper';
    const top = p.top ?? (third ? 2000 : undefined);
    const batch = p.batch === undefined ? undefined : labels(data.obs, p.batch);
    const ranking = hvgRanking(await inputs(data, third, p), {
      flavor: p.flavor,
      top: top === undefined ? undefined : Math.min(top, data.X.cols),
      batches: batch?.codes,
      nBatches: batch?.classes.length,
      names: data.var.index,
      cutoffs: { minMean: p.min_mean, maxMean: p.max_mean, minDispersion: p.min_disp, maxDispersion: p.max_disp },
    });
    await context.breathe();
    const keep = chosen(ranking, top, context);
    const annotated: Dataset = {
      ...data,
      var: { ...data.var, columns: { ...data.var.columns, ...columns(ranking, third, batch !== undefined) } },
    };
    return {
      data: keep.length === data.X.cols ? annotated : takeGenes(annotated, keep),
      facts: { genes_before: data.X.cols, genes: keep.length, flavor: p.flavor },
    };
  },
});

async function inputs(data: Dataset, third: boolean, p: Params): Promise<Parameters<typeof import('../../stats/hvg.ts').hvgRanking>[0]> {
  const { counts } = await import('../../data/dataset.ts');
  if (third) return { counts: counts(data, `Flavor ${p.flavor}`) };
  if (data.scale === 'log') return { log: data.X };
  throw new DataError(`Flavor ${p.flavor} needs log-normalised values, and X holds ${data.scale} values`, {
    context: { flavor: p.flavor, scale: data.scale },
    mend:
      data.scale === 'counts'
        ? 'Put normalize (log1p: true) before this step, or take flavor seurat_v3.'
        : 'Take flavor seurat_v3 (it reads raw counts), or put this step before scaling.',
  });
}

/** Column numbers to keep, rising: exactly `top` of them, or those inside the cut-offs. */
function chosen({ order, selected }: HvgResult, top: number | undefined, context: StepContext): Uint32Array {
  if (top !== undefined) {
    if (top >= order.length) context.log(`The dataset has ${order.length} genes, no more than top (${top}): all are kept`);
    return order.slice(0, top).sort();
  }
  const inside = Uint32Array.from(Array.from(selected.keys()).filter((j) => selected[j]));
  if (inside.length > 0) return inside;
  throw new DataError('No gene lies within the cut-offs', { mend: 'Set `top`, or widen min_mean, max_mean and min_disp.' });
}

/** The columns that scanpy stores in var. */
function columns(r: HvgResult, third: boolean, batched: boolean): Record<string, Column> {
  const rank = new Float64Array(r.order.length);
  r.order.forEach((j, place) => (rank[j] = place));
  const number = (values: Float64Array): Column => ({ kind: 'number', values });
  return {
    means: number(r.means),
    [third ? 'variances' : 'dispersions']: number(r.spread),
    [third ? 'variances_norm' : 'dispersions_norm']: number(r.scores),
    highly_variable_rank: number(third ? r.ranks : rank),
    ...(batched ? { highly_variable_nbatches: number(Float64Array.from(r.batchCounts)) } : {}),
  };
}
