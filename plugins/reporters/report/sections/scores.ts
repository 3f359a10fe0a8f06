import { domainOf, dotChart, lineChart } from '../charts.ts';
import type { Draw } from '../draw.ts';
import { figure } from '../figure.ts';
import { legend, named } from '../legend.ts';
import { html, type Markup } from '../markup.ts';
import { isLowerBetter, metricLabel } from '../metric-facts.ts';
import type { Block, Model } from '../model.ts';
import { list, show, showSd } from '../numbers.ts';
import { panes } from '../panes.ts';
import type { SummaryRow } from '../rows.ts';
import { sortableTable } from '../sortable-table.ts';

interface Pane {
  readonly model: Model;
  readonly block: Block;
  readonly metric: string;
}

function rowsFor({ model, block, metric }: Pane, evaluator: string): SummaryRow[] {
  return block.ks.flatMap((k) => block.selectors.flatMap((s) => model.find(s, k, { task: block.task, evaluator, metric }) ?? []));
}

async function charts(pane: Pane, draw: Draw): Promise<Markup[]> {
  const { model, block, metric } = pane;
  const all = block.evaluators.map((evaluator) => ({ evaluator, rows: rowsFor(pane, evaluator).filter((r) => r.n > 0) }));
  const domain = domainOf(all.flatMap((a) => a.rows));
  const out: Markup[] = [];
  for (const { evaluator, rows } of all) {
    if (rows.length === 0) continue;
    const ks = new Set(rows.map((r) => r.k));
    const look = { title: evaluator, rows, selectors: block.selectors, style: model.style, label: metricLabel(metric), domain };
    const order = model.ranking({ task: block.task, evaluator, metric, k: rows[0].k }).map((r) => r.selector);
    const svg = await draw(ks.size > 1 ? lineChart(look) : dotChart(look, order));
    const last = Math.max(...ks);
    const best = model.ranking({ task: block.task, evaluator, metric, k: last })[0];
    const alt = `${metricLabel(metric)} of ${block.selectors.length} selectors by ${evaluator} for ${block.task}, ${ks.size > 1 ? 'against k' : `at k = ${last}`}. Best at k = ${last}: ${best.selector}, ${show(best.mean)}. The table below has all values.`;
    const data = rows.map((r) => ({ selector: r.selector, k: r.k, n: r.n, mean: r.mean, sd: r.std, ci_low: r.low, ci_high: r.high }));
    out.push(figure({ svg, alt, file: `${metric}-${block.task}-${evaluator}`, data }));
  }
  return out;
}

function cell(row: SummaryRow | undefined, { isBest, seeds }: { isBest: boolean; seeds: number }): Markup {
  if (!row || row.n === 0) return html`<td class="none">–</td>`;
  const spread = Number.isNaN(row.std) ? '' : html`<i>± ${showSd(row.mean, row.std)}</i>`;
  const few = row.n < seeds ? html`<i>${row.n} of ${seeds} seeds</i>` : '';
  const value = show(row.mean);
  return html`<td>${isBest ? html`<b>${value}</b>` : value}${spread}${few}</td>`;
}

function table({ model, block, metric }: Pane): Markup {
  const { task } = block;
  const groups = block.evaluators
    .map((evaluator) => ({ evaluator, ks: block.ks.filter((k) => model.ranking({ task, evaluator, metric, k }).length > 0) }))
    .filter((g) => g.ks.length > 0);
  const columns = groups.flatMap(({ evaluator, ks }) => ks.map((k) => ({ task, evaluator, metric, k })));
  const bests = columns.map((at) => model.ranking(at)[0].mean);
  const seeds = model.rows.axes.seeds.length;
  const rows = block.selectors.map((s) => ({
    name: named(s, model.style(s)),
    cells: columns.map((at, i) => {
      const row = model.find(s, at.k, at);
      return cell(row, { isBest: row?.mean === bests[i], seeds });
    }),
  }));
  const direction = isLowerBetter(metric, model.params.lower_is_better) ? ' Lower is better.' : '';
  const spread = seeds > 1 ? ', mean ± standard deviation over seeds' : '';
  return sortableTable({
    label: `Table of ${metricLabel(metric)} for ${task}`,
    caption: `${metricLabel(metric)}${spread}; the best of each column is bold.${direction}`,
    corner: 'selector',
    groups: groups.map(({ evaluator, ks }) => ({ name: evaluator, columns: ks.map((k) => `k = ${k}`) })),
    rows,
  });
}

/** One evaluation of one task: charts and table for each metric, of which one is shown at a time. */
export async function scores(model: Model, block: Block, options: { id: string; draw: Draw; onlyFirst: boolean }): Promise<Markup> {
  const metrics = options.onlyFirst ? block.metrics.slice(0, 1) : block.metrics;
  const shown: { label: string; content: Markup }[] = [];
  for (const metric of metrics) {
    const pane = { model, block, metric };
    const content = html`<div class="charts">${await charts(pane, options.draw)}</div>
      ${table(pane)}`;
    shown.push({ label: metricLabel(metric), content });
  }
  return html`<div class="block">
    <h3>By ${list(block.evaluators)}</h3>
    ${legend(block.selectors, model.style, 'Selectors')}
    ${panes(options.id, 'Metric', shown)}${metrics.length > 1 ? overview(model, block) : ''}
  </div>`;
}

/** How many different panels a selector has chosen for a task over all seeds and k: so many trainings, for one that trains. */
function chosen({ rows: { panels } }: Model, selector: string, task: string): number {
  const own = panels.filter((p) => p.selector === selector && (p.task === '' || p.task === task));
  return new Set(own.map(({ seed, panel }) => `${seed} ${panel.genes.join()}`)).size;
}

/** Every metric of every selector at one place, as papers have it. */
function overview(model: Model, block: Block): Markup {
  const { evaluator, k } = model.headline(block);
  const at = (metric: string): { task: string; evaluator: string; metric: string; k: number } => ({
    task: block.task,
    evaluator,
    metric,
    k,
  });
  const metrics = block.metrics.filter((metric) => model.ranking(at(metric)).length > 0);
  const bests = metrics.map((metric) => model.ranking(at(metric))[0].mean);
  const seeds = model.rows.axes.seeds.length;
  const rows = block.selectors.map((s) => ({
    name: named(s, model.style(s)),
    cells: [
      ...metrics.map((metric, i) => {
        const row = model.find(s, k, at(metric));
        return cell(row, { isBest: row?.mean === bests[i], seeds });
      }),
      html`<td>${chosen(model, s, block.task)}</td>`,
    ],
  }));
  return html`<details>
    <summary>All metrics by ${evaluator} at k = ${k}</summary>
    ${sortableTable({
      label: `All metrics for ${block.task}`,
      caption:
        'The best of each column is bold. Panels: how many were chosen over all seeds and k, so many trainings for a selector that trains.',
      corner: 'selector',
      groups: [{ name: `${evaluator}, k = ${k}`, columns: [...metrics.map(metricLabel), 'panels'] }],
      rows,
    })}
  </details>`;
}
