import { html, join, type Markup } from '../markup.ts';
import { isLowerBetter, metricLabel } from '../metric-facts.ts';
import type { Block, Headline, Model } from '../model.ts';
import { counted, list, showSpread } from '../numbers.ts';
import type { SummaryRow } from '../rows.ts';

const NAMED = 4;

const score = (row: SummaryRow): string => showSpread(row.mean, row.std);

/** True when the mean ± sd of the two overlap. */
function overlaps(a: SummaryRow, b: SummaryRow): boolean {
  return Math.abs(a.mean - b.mean) <= (a.std || 0) + (b.std || 0);
}

function names(rows: readonly SummaryRow[]): Markup {
  const shown = rows.slice(0, NAMED).map((r) => html`${r.selector} (${score(r)})`);
  if (rows.length > NAMED) shown.push(html`${rows.length - NAMED} more`);
  return shown.length < 2 ? html`${shown}` : html`${join(shown.slice(0, -1), ', ')} and ${shown.at(-1)}`;
}

function rivals(best: SummaryRow, rest: readonly SummaryRow[]): Markup {
  if (rest.length === 0) return html``;
  if (best.n < 2)
    return html` With one seed no spread is known, so small differences may be chance; next is ${rest[0].selector} (${score(rest[0])}).`;
  const close = rest.filter((r) => overlaps(best, r));
  if (close.length > 0) return html` Not clearly behind it, since mean ± sd overlap: ${names(close)}.`;
  return html` The next, ${rest[0].selector} (${score(rest[0])}), is further behind than both spreads together.`;
}

function baseline({ params }: Model, { ranking }: Headline): Markup {
  // The best and the next have been named already.
  const found = ranking.slice(2).find((r) => r.selector === params.baseline);
  return found ? html` For comparison, ${found.selector}: ${score(found)}.` : html``;
}

function smallest(model: Model, block: Block, { k, evaluator, metric, ranking }: Headline): Markup {
  if (block.ks.length < 2 || block.ks[0] === k) return html``;
  const [best] = model.ranking({ task: block.task, evaluator, metric, k: block.ks[0] });
  if (!best) return html``;
  const same = best.selector === ranking[0].selector;
  return html` With only ${block.ks[0]} genes ${same ? 'it still leads' : html`the best is ${best.selector}`} (${score(best)}).`;
}

function sentence(model: Model, block: Block): Markup {
  const headline = model.headline(block);
  const { ranking, k, evaluator, metric } = headline;
  if (ranking.length === 0) return html`<p>Nothing was measured for ${block.task}.</p>`;
  const [best, ...rest] = ranking;
  const seeds = counted(best.n, 'seed');
  const how = html`${isLowerBetter(metric, model.params.lower_is_better) ? 'lowest ' : ''}${evaluator} ${metricLabel(metric)}`;
  return html`<p>
    Best at k = ${k} for <strong>${block.task || 'the data'}</strong> by ${how}:
    <strong class="win">${best.selector} ${score(best)}</strong>
    (${seeds}).${rivals(best, rest)}${baseline(model, headline)}${smallest(model, block, headline)}
  </p>`;
}

/** The answer first: for each task the best selector, and how sure that is. */
export function lead(model: Model): Markup {
  const { axes } = model.rows;
  const first = axes.tasks.flatMap((task) => model.blocks.find((b) => b.task === task) ?? []);
  const what = [
    counted(axes.selectors.length, 'way').replace(/$/, ' to choose genes'),
    axes.ks.length === 1 ? `panels of ${axes.ks[0]} genes` : `panels of ${list(axes.ks.map(String))} genes`,
    counted(axes.seeds.length, 'seed'),
  ];
  const judged = axes.evaluators.length > 0 ? `, judged by ${list(axes.evaluators)}` : '';
  return html`<section id="summary" aria-label="Summary">
    <p class="what">${list(what)}${judged}.</p>
    ${first.length > 0 ? first.map((b) => sentence(model, b)) : html`<p>No cell of the run has a result yet.</p>`}
  </section>`;
}
