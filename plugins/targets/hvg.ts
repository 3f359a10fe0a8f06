import { nearest } from '../../core/nearest.ts';
import { requireFinite } from '../_cells.ts';
import { DataError, type Dataset, Random, z } from '../contract.ts';
import { defineTarget } from '../spatial-contract.ts';

const params = z.strictObject({
  count: z.int().positive().default(50).describe('primary genes: so many of the most variable ones'),
  genes: z.array(z.string()).min(1).optional().describe('primary genes by name, in place of `count`'),
  order: z
    .enum(['hvg', 'random'])
    .default('hvg')
    .describe('how the auxiliary genes are ranked: by normalised dispersion (scanpy flavor seurat; undefined ones last), or by chance'),
});

/** Primary and auxiliary genes as the paper of auxiliary gene learning takes them. */
export default defineTarget({
  id: 'hvg',
  version: 1,
  summary: 'The most variable genes (or those of a list) are predicted, all others may help, ranked by variability',
  cites: ['10.1038/nbt.3192'],
  seeded: true,
  params,
  run: async (context, { data }, { count, genes, order }) => {
    requireFinite(data);
    const { hvgRanking } = await import('../../stats/hvg.ts');
    const ranking = hvgRanking({ log: data.scale === 'counts' ? undefined : data.X }, { flavor: 'seurat' }).order;
    if (genes === undefined && count >= ranking.length) {
      throw new DataError(`${count} primary genes were asked for, and the dataset has ${ranking.length} genes in all`, {
        context: { count, genes: ranking.length },
        mend: 'Take fewer primary genes (count), or keep more genes.',
      });
    }
    const primary = genes === undefined ? ranking.slice(0, count) : columnsOf(data, genes);
    const chosen = new Set(primary);
    const others = ranking.filter((gene) => !chosen.has(gene));
    const auxiliary =
      order === 'hvg' ? others : Uint32Array.from(Random.of(context.seed, 'targets').permutation(others.length), (at) => others[at]);
    return { targets: { primary, auxiliary, order }, facts: { primary: primary.length, auxiliary: auxiliary.length, order } };
  },
});

/** Columns of genes by name; one error names all that are not there. */
function columnsOf({ var: { index } }: Dataset, names: readonly string[]): Uint32Array {
  const place = new Map(index.map((name, j) => [name, j]));
  const wanted = [...new Set(names)];
  const unknown = wanted.filter((name) => !place.has(name));
  if (unknown.length === 0) return Uint32Array.from(wanted, (name) => place.get(name)!);
  const near = unknown.slice(0, 20).flatMap((name) => nearest(name, index) ?? []);
  throw new DataError(`The dataset lacks ${unknown.length} of ${wanted.length} primary genes: ${unknown.slice(0, 20).join(', ')}`, {
    context: { unknown: unknown.length, genes: index.length },
    mend: near.length > 0 ? `Did you mean ${near.join(', ')}?` : 'Take names as var.index has them.',
  });
}
