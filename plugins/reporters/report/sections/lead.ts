import { html, type Markup } from '../markup.ts';
import { isLowerBetter, metricLabel } from '../metric-facts.ts';
import type { Block, Headline, Model } from '../model.ts';
import { counted, list, showSpread } from '../numbers.ts';
import type { SummaryRow } from '../rows.ts';
import { type Standing, standingOf } from '../standing.ts';
import { isNamed, shortVerdict } from './verdict.ts';

const score = (row: SummaryRow): string => showSpread(row.mean, row.std);

function baseline({ params }: Model, { ranking }: Headline, standing: Standing): Markup {
  const found = ranking.find((r) => r.selector === params.baseline);
  return found && !isNamed(standing, found.selector) ? html` For comparison, ${found.selector}: ${score(found)}.` : html``;
}

function smallest(model: Model, block: Block, { k, evaluator, metric, ranking }: Headline): Markup {
  if (block.ks.length < 2 || block.ks[0] === k) return html``;
  const [best] = model.ranking({ task: block.task, evaluator, metric, k: block.ks[0] });
  if (!best) return html``;
  const same = best.selector === ranking[0].selector;
  return html` With only ${block.ks[0]} genes ${best.selector} ${same ? 'still comes' : 'comes'} first (${score(best)}).`;
}

function sentence(model: Model, block: Block): Markup {
  const headline = model.headline(block);
  const { k, evaluator, metric } = headline;
  const standing = standingOf(model, { task: block.task, evaluator, metric, k });
  if (!standing) return html`<p>Nothing was measured for ${block.task}.</p>`;
  const how = html`${isLowerBetter(metric, model.params.lower_is_better) ? 'lowest ' : ''}${evaluator} ${metricLabel(metric)}`;
  return html`<p>
    At k = ${k} for <strong>${block.task || 'the data'}</strong>, by ${how}:
    ${shortVerdict(standing)}${baseline(model, headline, standing)}${smallest(model, block, headline)}
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
