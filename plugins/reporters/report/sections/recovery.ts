import type { Metrics } from '../../../contract.ts';
import { shareChart } from '../charts.ts';
import type { Draw } from '../draw.ts';
import { figure } from '../figure.ts';
import { legend } from '../legend.ts';
import { html, type Markup } from '../markup.ts';
import { metricLabel } from '../metric-facts.ts';
import type { DataModel } from '../model.ts';
import { list, show } from '../numbers.ts';
import type { GeneCell } from '../rows.ts';

/** Points of a line. */
const POINTS = 120;
const NAMED = 8;

/** Mean over the seeds of each gene's value; NaN where no seed has one. */
function perGene(cells: readonly GeneCell[], metric: string, total: number): Float64Array {
  const sum = new Float64Array(total);
  const count = new Float64Array(total);
  for (const { genes } of cells) {
    const { columns, values }: NonNullable<Metrics['genes']> = genes;
    values[metric]?.forEach((value, at) => {
      if (Number.isNaN(value)) return;
      sum[columns[at]] += value;
      count[columns[at]]++;
    });
  }
  return sum.map((x, j) => x / count[j]);
}

/** How well each gene is rebuilt from the panels, at the largest k; nothing where no evaluator tells. */
export async function recovery(model: DataModel, draw: Draw): Promise<Markup> {
  const { rows, data } = model;
  const told = rows.genes;
  if (told.length === 0) return html``;
  const parts: Markup[] = [];
  for (const evaluator of rows.axes.evaluators) {
    const own = told.filter((g) => g.evaluator === evaluator);
    if (own.length === 0) continue;
    const k = Math.max(...own.map((g) => g.k));
    const metric = Object.keys(own[0].genes.values)[0];
    const selectors = rows.axes.selectors.filter((s) => own.some((g) => g.selector === s && g.k === k));
    const found = new Map(
      selectors.map((s) => [
        s,
        perGene(
          own.filter((g) => g.selector === s && g.k === k),
          metric,
          data.var.index.length,
        ),
      ]),
    );
    const points = selectors.flatMap((selector) => {
      const sorted = Array.from(found.get(selector)!)
        .filter((x) => !Number.isNaN(x))
        .sort((a, b) => b - a);
      const step = Math.max(1, (sorted.length - 1) / POINTS);
      const at = Array.from({ length: Math.floor((sorted.length - 1) / step) + 1 }, (_, i) => Math.round(i * step));
      return at.map((i) => ({ selector, share: i / Math.max(1, sorted.length - 1), value: sorted[i] }));
    });
    const records = Array.from(data.var.index, (gene, j) => ({
      gene,
      ...Object.fromEntries(selectors.map((s) => [s, Number(found.get(s)![j].toPrecision(4))])),
    }));
    const label = metricLabel(metric);
    parts.push(
      html`<div class="block">
        <h3>By ${evaluator} <small>k = ${k}</small></h3>
        ${legend(selectors, model.style, 'Selectors')}
        <div class="charts">
          ${figure({
            svg: await draw(shareChart(points, { selectors, style: model.style, label })),
            alt: `${label} of each gene by ${evaluator}, genes sorted, for ${selectors.length} selectors at k = ${k}.`,
            caption: `Genes outside of the panel, the best rebuilt first: how much of the transcriptome it can tell. ${extremes(model, selectors, found)}`,
            file: `genes-${evaluator}-${metric}`,
            data: records,
          })}
        </div>
      </div>`,
    );
  }
  return html`<section id="recovery">
    <h2>Genes rebuilt from the panels</h2>
    ${parts}
  </section>`;
}

/** The genes that the selector with the highest mean rebuilds best and worst. */
function extremes({ data }: DataModel, selectors: readonly string[], found: ReadonlyMap<string, Float64Array>): string {
  const meanOf = (values: Float64Array): number => {
    const known = values.filter((x) => !Number.isNaN(x));
    return known.reduce((a, b) => a + b, 0) / known.length;
  };
  const best = selectors.toSorted((a, b) => meanOf(found.get(b)!) - meanOf(found.get(a)!))[0];
  const values = found.get(best)!;
  const order = Array.from(values.keys())
    .filter((j) => !Number.isNaN(values[j]))
    .sort((a, b) => values[b] - values[a]);
  const name = (j: number): string => `${data.var.index[j]} (${show(values[j])})`;
  if (order.length < 2 * NAMED) return '';
  return `Best by ${best}: ${list(order.slice(0, NAMED).map(name))}. Worst: ${list(order.slice(-NAMED).map(name))}.`;
}
