import type { Comparison } from '../report/comparison.ts';
import { domainOf, dotChart, lineChart } from '../report/charts.ts';
import type { Draw } from '../report/draw.ts';
import { figure } from '../report/figure.ts';
import { legend, named } from '../report/legend.ts';
import { html, type Markup } from '../report/markup.ts';
import { metricLabel } from '../report/metric-facts.ts';
import { show, showDifference, showP, showSd } from '../report/numbers.ts';
import type { SummaryRow } from '../report/rows.ts';
import { sortableTable } from '../report/sortable-table.ts';
import { METRICS, rowOf, type SpatialModel, type Summary } from './model.ts';

/** The legend of some ways. */
export const wayLegend = (model: SpatialModel, ways: readonly string[] = model.ways): Markup => legend(ways, model.style, 'Predictors');

function cell(s: Summary | undefined, isBest: boolean): Markup {
  if (!s || s.n === 0) return html`<td class="none">–</td>`;
  const spread = Number.isNaN(s.sd) ? '' : html`<i>± ${showSd(s.mean, s.sd)}</i>`;
  return html`<td>${isBest ? html`<b>${show(s.mean)}</b>` : show(s.mean)}${spread}</td>`;
}

/** The best way less this one, by the first metric. */
function behind(pair: Comparison | undefined, best: Summary, own: Summary | undefined): Markup {
  if (!own || own.n === 0) return html`<td class="none">–</td>`;
  if (!pair) return html`<td>–</td>`;
  const difference = (pair.a === best.way ? -1 : 1) * pair.test.mean;
  const p = Number.isNaN(pair.pHolm) ? '' : html`<i>p ${showP(pair.pHolm)}</i>`;
  return html`<td>${showDifference(difference, best.mean)}${p}</td>`;
}

function table(model: SpatialModel, primary: number): Markup {
  const bests = METRICS.map((metric) => model.ranking(primary, metric)[0]);
  const pairs = model.pairs(primary, METRICS[0]);
  const rows = model.ways.map((way) => {
    const best = bests[0];
    const pair = best && pairs.find((p) => way !== best.way && [p.a, p.b].includes(way) && [p.a, p.b].includes(best.way));
    const cells = METRICS.map((metric, i) => cell(model.find(way, primary, metric), bests[i]?.way === way));
    return {
      name: named(way, model.style(way)),
      cells: best ? [...cells, behind(pair, best, model.find(way, primary, METRICS[0]))] : cells,
    };
  });
  return sortableTable({
    label: `Scores for ${primary} primary genes`,
    caption: `Mean over ${primary} primary genes, then mean ± standard deviation over the folds; the best of each column is bold (of errors the lowest). Last: less the best by ${metricLabel(METRICS[0])}, with p of the corrected paired t test over the folds after Holm.`,
    corner: 'predictor',
    groups: [{ name: `${primary} primary genes`, columns: [...METRICS.map(metricLabel), 'less the best'] }],
    rows,
  });
}

async function chart(model: SpatialModel, draw: Draw): Promise<Markup> {
  const metric = METRICS[0];
  const rows = model.summary.filter((s) => s.metric === metric && s.n > 0).map(rowOf);
  if (rows.length === 0) return html``;
  const look = {
    ...{ title: '', rows, selectors: model.ways, style: model.style, label: metricLabel(metric), domain: domainOf(rows) },
    along: { title: 'primary genes', of: (row: SummaryRow) => row.k },
  };
  const order = model.ranking(model.primaries[0], metric).map((s) => s.way);
  const svg = await draw(model.primaries.length > 1 ? lineChart(look) : dotChart(look, order));
  const data = rows.map((r) => ({ predictor: r.selector, primary: r.k, n: r.n, mean: r.mean, sd: r.std, ci_low: r.low, ci_high: r.high }));
  const caption =
    model.primaries.length > 1
      ? 'Mean ± standard deviation over the folds.'
      : 'Each tick is a fold; dot and bar: mean ± standard deviation.';
  return figure({
    svg,
    alt: `${metricLabel(metric)} of ${model.ways.length} predictors, best ${order[0]}.`,
    caption,
    file: 'scores',
    data,
  });
}

/** Every metric of every way, as the paper's tables have them, and the first as a chart. */
export async function scores(model: SpatialModel, draw: Draw): Promise<Markup> {
  return html`<div class="block">
    ${wayLegend(model)}
    <div class="charts">${await chart(model, draw)}</div>
    ${model.primaries.map((primary) => table(model, primary))}
  </div>`;
}
