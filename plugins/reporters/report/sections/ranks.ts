import { criticalDifference, rankGroups, rankTest } from '../../../../stats/inference-ranks.ts';
import { rankDiagram } from '../critical-difference.ts';
import { figure } from '../figure.ts';
import { html, type Markup } from '../markup.ts';
import { isLowerBetter, metricLabel } from '../metric-facts.ts';
import type { Model, Place } from '../model.ts';
import { counted, list, showP } from '../numbers.ts';
import { MOST_PANES, panes } from '../panes.ts';

/** Selectors that were all judged at each of some places by one evaluator. */
interface Field {
  readonly evaluator: string;
  readonly metric: string;
  readonly places: readonly Place[];
  readonly selectors: readonly string[];
  /** Those that lack a result at some place. */
  readonly left: readonly string[];
  /** places x selectors, higher is better. */
  readonly scores: Float64Array;
}

function fieldOf(model: Model, places: readonly Place[]): Field {
  const { evaluator, metric } = places[0];
  const means = places.map((at) => new Map(model.ranking(at).map((r) => [r.selector, r.mean])));
  const known = model.rows.axes.selectors.filter((s) => means.some((m) => m.has(s)));
  const selectors = known.filter((s) => means.every((m) => m.has(s)));
  const sign = isLowerBetter(metric, model.params.lower_is_better) ? -1 : 1;
  const scores = Float64Array.from(means.flatMap((m) => selectors.map((s) => sign * m.get(s)!)));
  return { evaluator, metric, places, selectors, left: known.filter((s) => !selectors.includes(s)), scores };
}

/** One field for each evaluator and first metric, over tasks and k. */
function fieldsOf(model: Model): Field[] {
  const groups = new Map<string, Place[]>();
  for (const block of model.blocks)
    for (const evaluator of block.evaluators)
      for (const k of block.ks) {
        const at = { task: block.task, evaluator, metric: block.metrics[0], k };
        if (model.ranking(at).length < 2) continue;
        const key = JSON.stringify([evaluator, at.metric]);
        groups.set(key, [...(groups.get(key) ?? []), at]);
      }
  return [...groups.values()].map((places) => fieldOf(model, places)).filter((f) => f.places.length > 1 && f.selectors.length > 1);
}

function chance(p: number, blocks: number): string {
  if (Number.isNaN(p)) return 'All selectors have the same values everywhere.';
  const said = p < 0.05 ? 'is more than chance' : 'may be chance';
  return `The order as a whole ${said} (p ${showP(p)}, Iman and Davenport, ${blocks} places).`;
}

function diagram(model: Model, field: Field): Markup {
  const { evaluator, metric, selectors, places, left, scores } = field;
  const test = rankTest(scores, selectors.length);
  const critical = criticalDifference(selectors.length, test.blocks);
  const order = selectors.map((_, i) => i).sort((a, b) => test.ranks[a] - test.ranks[b]);
  const groups = rankGroups(test.ranks, critical).map((g) => [order.indexOf(g[0]), order.indexOf(g.at(-1)!)] as const);
  const rows = order.map((i) => ({ name: selectors[i], rank: test.ranks[i], colour: model.style(selectors[i]).colour }));
  const title = `Average ranks by ${evaluator} ${metricLabel(metric)}`;
  const joined = groups.map(([first, last]) => list(rows.slice(first, last + 1).map((r) => r.name)));
  const alt = `${title} over ${counted(places.length, 'place')}: ${rows.map((r) => `${r.name} ${r.rank.toFixed(2)}`).join(', ')}. Critical difference ${critical.toFixed(2)}. Can't be told apart: ${joined.join('; ') || 'none'}.`;
  const missing = left.length > 0 ? ` Not ranked, since a result is missing at some place: ${list(left)}.` : '';
  return figure({
    svg: rankDiagram({ title, description: alt, rows, critical, groups }),
    alt,
    caption: `${chance(test.pF, test.blocks)} Those that a bar on the right joins can't be told apart (Nemenyi, 5 %).${missing}`,
    isWide: rows.length > 12,
    file: `ranks-${evaluator}-${metric}`,
    data: order.map((i) => ({
      selector: selectors[i],
      average_rank: test.ranks[i],
      places: test.blocks,
      critical_difference: critical,
      friedman_chi_square: test.chiSquare,
      friedman_p: test.p,
      iman_davenport_f: test.f,
      iman_davenport_p: test.pF,
      groups: groups.flatMap(([first, last], g) => (order.indexOf(i) >= first && order.indexOf(i) <= last ? [g + 1] : [])).join(' '),
    })),
  });
}

/** Average ranks over tasks and sizes, with a critical-difference diagram. */
export function ranks(model: Model): Markup {
  const fields = fieldsOf(model).slice(0, MOST_PANES);
  if (fields.length === 0) return html``;
  const shown = fields.map((field) => ({ label: `${field.evaluator} ${metricLabel(field.metric)}`, content: diagram(model, field) }));
  return html`<div class="block">
    <h3>Over all tasks and sizes</h3>
    <p class="note">
      At each place (a task at one k) the selectors are ranked by their mean over seeds. Places of one run are alike, so this shows the
      tendency; it is no proof for other data.
    </p>
    ${panes('ranks', 'Judged by', shown)}
  </div>`;
}
