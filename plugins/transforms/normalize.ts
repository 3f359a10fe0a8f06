import type { Scale } from '../../data/dataset.ts';
import type { Matrix } from '../../data/matrix.ts';
import { DataError, type Dataset, defineTransform, type StepContext, z } from '../contract.ts';

const params = z.strictObject({
  target_sum: z
    .union([z.number().positive(), z.null(), z.enum(['median', 'none'])])
    .default(10_000)
    .describe("Total of each cell afterwards; null or 'median': the median total; 'none': totals stay as they are."),
  log1p: z.boolean().default(true).describe('Take ln(1 + x).'),
  scale: z.boolean().default(false).describe('Give each gene mean 0 and sd 1 over all cells (makes X dense).'),
  scale_max: z.number().positive().default(10).describe('Clip scaled values to this size.'),
  binarize: z.boolean().default(false).describe('Make X 1 where a gene is seen and 0 elsewhere, instead of the above.'),
  force: z.boolean().default(false).describe('Normalise although the values are not counts.'),
});
type Params = z.infer<typeof params>;

/** Makes cells comparable: totals, logarithm, scaling or binarising; raw counts stay in layers.counts. */
export default defineTransform({
  id: 'normalize',
  version: 2,
  summary: 'Normalise totals, take logs, scale or binarise; raw counts stay in layers.counts.',
  cites: ['10.1186/s13059-017-1382-0'],
  params,
  run: async (context, { data }, p) => {
    const { binarize, scaleGenes } = await import('../../stats/normalize.ts');
    const hasCounts = data.layers.counts !== undefined || data.scale === 'counts';
    const counts = data.layers.counts ?? (data.scale === 'counts' ? data.X : undefined);
    const layers: Dataset['layers'] = counts ? { ...data.layers, counts } : data.layers;
    if (p.binarize) {
      if (!counts && data.scale === 'scaled') throw notCounts(data.scale, 'binarised');
      return result({ ...data, X: binarize(counts ?? data.X), scale: 'binary', layers }, p);
    }
    const values = await logValues(context, data, counts, p);
    let { X, scale } = values;
    await context.breathe();
    if (p.scale && scale !== 'scaled') {
      X = scaleGenes(X, p.scale_max).matrix;
      scale = 'scaled';
    }
    if (!hasCounts) context.log('There are no raw counts to keep: steps that need counts will refuse this dataset');
    const uns = values.total === undefined ? data.uns : { ...data.uns, normalize: { target_sum: values.total, log1p: p.log1p } };
    return result({ ...data, X, scale, layers, uns }, p);
  },
});

function result(data: Dataset, p: Params): { data: Dataset; facts: Record<string, string> } {
  return { data, facts: { scale: data.scale, target_sum: p.binarize ? 'none' : String(p.target_sum ?? 'median') } };
}

/** Normalised values, or X as it is where it was normalised before. */
async function logValues(
  context: StepContext,
  data: Dataset,
  counts: Matrix | undefined,
  p: Params,
): Promise<{ X: Matrix; scale: Scale; total?: number | null }> {
  const { medianTotal, normalizeCounts } = await import('../../stats/normalize.ts');
  const target = p.target_sum === 'none' ? undefined : p.target_sum === 'median' ? null : p.target_sum;
  const asked = target !== undefined || p.log1p;
  if (!asked) return { X: counts && data.scale !== 'counts' ? data.X : (counts ?? data.X), scale: data.scale };
  if (!counts && !p.force) {
    if (data.scale === 'log' || data.scale === 'binary') {
      context.log(`X holds ${data.scale} values already: totals and logarithm are left as they are`);
      return { X: data.X, scale: data.scale };
    }
    if (data.scale === 'scaled' || target !== undefined) throw notCounts(data.scale, 'normalised');
  }
  if (!counts && data.scale === 'scaled') throw notCounts(data.scale, 'normalised');
  const from = counts ?? data.X;
  const total = target === null ? medianTotal(from) : target;
  return { X: normalizeCounts(from, { target: total, log1p: p.log1p }), scale: p.log1p ? 'log' : 'unknown', total: total ?? null };
}

function notCounts(scale: Scale, done: string): DataError {
  return new DataError(
    `X holds ${scale === 'unknown' ? 'fractional values that are neither counts nor logs' : `${scale} values`}, which cannot be ${done} again`,
    {
      context: { scale },
      mend:
        scale === 'scaled'
          ? 'Read raw values instead (reader parameter layer: raw), or leave X as it is with target_sum: none, log1p: false.'
          : 'Read raw counts instead, or set target_sum: none (only logs), or force: true.',
    },
  );
}
