import type { Dataset } from '../../contract.ts';
import { shareChart } from '../report/charts.ts';
import type { Draw } from '../report/draw.ts';
import { figure } from '../report/figure.ts';
import { html, type Markup } from '../report/markup.ts';
import { list, show } from '../report/numbers.ts';
import type { SpatialModel } from './model.ts';
import { wayLegend } from './scores.ts';

const NAMED = 6;

/** Mean over the folds of each gene's correlation, by column; genes that no fold could judge are left out. */
export function perGene({ results }: SpatialModel, way: string, primary: number): Map<number, number> {
  const sums = new Map<number, { sum: number; n: number }>();
  for (const { genes } of results.filter((r) => r.way === way && r.primary === primary)) {
    genes?.values.pcc?.forEach((value, at) => {
      if (Number.isNaN(value)) return;
      const gene = genes.columns[at];
      const { sum, n } = sums.get(gene) ?? { sum: 0, n: 0 };
      sums.set(gene, { sum: sum + value, n: n + 1 });
    });
  }
  return new Map([...sums].map(([gene, { sum, n }]) => [gene, sum / n] as const).sort((a, b) => b[1] - a[1]));
}

/** Which genes are predicted well: all of them, sorted, and the first and last by name. */
export async function genes(model: SpatialModel, data: Dataset, draw: Draw): Promise<Markup> {
  const primary = model.primaries[0];
  const found = new Map(model.ways.map((way) => [way, perGene(model, way, primary)]));
  const ways = model.ways.filter((way) => found.get(way)!.size > 1);
  if (ways.length === 0) return html``;
  const points = ways.flatMap((way) => {
    const values = [...found.get(way)!.values()];
    return values.map((value, i) => ({ selector: way, share: i / (values.length - 1), value }));
  });
  const all = [...new Set(ways.flatMap((way) => [...found.get(way)!.keys()]))];
  const records = all.map((gene) => ({
    gene: data.var.index[gene],
    ...Object.fromEntries(ways.map((way) => [way, Number((found.get(way)!.get(gene) ?? Number.NaN).toPrecision(4))])),
  }));
  const best = model.ranking(primary, 'pcc')[0];
  const sorted = [...(found.get(best.way) ?? [])].map(([gene, value]) => `${data.var.index[gene]} (${show(value)})`);
  const named =
    sorted.length >= 2 * NAMED
      ? `Best by ${best.way}: ${list(sorted.slice(0, NAMED))}. Worst: ${list(sorted.slice(-NAMED))}.`
      : `By ${best.way}: ${list(sorted)}.`;
  return html`${wayLegend(model, ways)}
    <div class="charts">
      ${figure({
        svg: await draw(shareChart(points, { selectors: ways, style: model.style, label: 'Pearson correlation' })),
        alt: `Correlation of each of ${all.length} genes, sorted, for ${ways.length} predictors.`,
        caption: `The primary genes, the best predicted first; means over the folds. ${named}`,
        file: 'genes',
        data: records,
      })}
    </div>`;
}
