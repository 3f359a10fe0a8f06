import { BOOTSTRAP_FROM } from '../../../../stats/bootstrap.ts';
import { bcaInterval, cliffsDelta, cohenDz, commonLanguage } from '../../../../stats/inference-effects.ts';
import { benjaminiHochberg, signedRankTest } from '../../../../stats/inference.ts';
import { ALPHA, type Comparison, POWER } from '../comparison.ts';
import type { Value } from '../csv.ts';
import { csvLink } from '../figure.ts';
import { html, type Markup } from '../markup.ts';
import { isLowerBetter, metricLabel } from '../metric-facts.ts';
import type { Model, Place } from '../model.ts';
import { showDifference, showP } from '../numbers.ts';
import { MOST_PANES, panes } from '../panes.ts';
import { standingOf } from '../standing.ts';
import { ranks } from './ranks.ts';
import { verdict } from './verdict.ts';

/** With more selectors a cell of the matrix shows the difference alone, and columns have numbers for names. */
const ROOMY = 8;

/** The page shows no more pairs of one task; comparisons.csv has all. */
const MOST_PAIRS = 1500;

/** A place and every pair there. */
interface Compared {
  readonly at: Place;
  readonly pairs: readonly Comparison[];
}

/** Where two or more selectors were judged for a task, large k first. */
function placesOf(model: Model, task: string): Compared[] {
  const blocks = model.blocks.filter((b) => b.task === task);
  return model.rows.axes.ks
    .toReversed()
    .flatMap((k) => blocks.flatMap((b) => b.evaluators.map((evaluator) => ({ task, evaluator, metric: b.metrics[0], k }))))
    .map((at) => ({ at, pairs: model.pairs(at) }))
    .filter(({ pairs }) => pairs.length > 0);
}

function sentences(model: Model, places: readonly Compared[]): Markup {
  const items = places.flatMap(({ at }) => {
    const standing = standingOf(model, at);
    return standing ? [html`<li><span>${at.evaluator} ${metricLabel(at.metric)}, k = ${at.k}</span> ${verdict(standing)}</li>`] : [];
  });
  return html`<ul class="verdicts">
    ${items}
  </ul>`;
}

const effectText = (g: number): string => ` · g ${g > 0 ? '+' : '−'}${Math.abs(g).toFixed(1)}`;

/** What is known of `row` against another one, in a cell. */
function cell(pair: Comparison, row: string, isRoomy: boolean): Markup {
  const { test, pHolm, effect, values, verdict: found } = pair;
  if (test.n < 2) return html`<td class="none">–</td>`;
  const sign = pair.a === row ? 1 : -1;
  const isSure = found === 'better' || found === 'worse';
  const shown = (x: number): string => showDifference(x, values[0][0]);
  const difference = shown(sign * test.mean);
  const [low, high] = sign > 0 ? [test.low, test.high] : [-test.high, -test.low];
  const known = html`<i>${shown(low)} to ${shown(high)}</i
    ><i>p ${showP(pHolm)}${Number.isNaN(effect) ? '' : effectText(sign * effect)}</i>`;
  const more = Number.isNaN(pHolm) ? html`<i>in each seed</i>` : known;
  return html`<td>${isSure ? html`<b>${difference}</b>` : difference}${isRoomy ? more : ''}</td>`;
}

/** Every pair with all that is known of it; the bootstrap from as many seeds on as it is worth. */
function records(pairs: readonly Comparison[]): Record<string, Value>[] {
  const rates = benjaminiHochberg(pairs.map(({ test }) => test.p));
  return pairs.map(({ a, b, values, test, pHolm, effect, verdict: found }, i) => {
    const [own, theirs] = [values.map(([x]) => x), values.map(([, y]) => y)];
    const differences = values.map(([x, y]) => x - y);
    const bootstrap = test.n < BOOTSTRAP_FROM ? { low: Number.NaN, high: Number.NaN } : bcaInterval(differences);
    return {
      a,
      b,
      n: test.n,
      mean_difference: test.mean,
      sd: test.sd,
      ci_low: test.low,
      ci_high: test.high,
      bca_low: bootstrap.low,
      bca_high: bootstrap.high,
      t: test.t,
      p: test.p,
      p_holm: pHolm,
      p_bh: rates[i],
      p_wilcoxon: signedRankTest(differences).p,
      d_z: Number.isNaN(test.p) ? Number.NaN : cohenDz(differences),
      hedges_g: effect,
      cliffs_delta: cliffsDelta(own, theirs),
      common_language: Number.isNaN(test.p) ? Number.NaN : commonLanguage(differences),
      verdict: found,
    };
  });
}

function matrix(model: Model, { at, pairs }: Compared): Markup {
  const order = model.ranking(at).map((r) => r.selector);
  const found = new Map(pairs.flatMap((pair) => [pair.a, pair.b].map((a) => [JSON.stringify([a, a === pair.a ? pair.b : pair.a]), pair])));
  const isRoomy = order.length <= ROOMY;
  // The better ones as columns, so that what is known against the best stands first.
  const columns = order.slice(0, -1);
  const body = order.slice(1).map((row, i) => {
    const cells = columns.map((column, j) => {
      const pair = j > i ? undefined : found.get(JSON.stringify([row, column]));
      return pair ? cell(pair, row, isRoomy) : html`<td></td>`;
    });
    return html`<tr>
      <th scope="row">${isRoomy ? '' : `${i + 2} `}${row}</th>
      ${cells}
    </tr>`;
  });
  const direction = isLowerBetter(at.metric, model.params.lower_is_better) ? ', lower is better' : '';
  const below = isRoomy
    ? html` Below it the 95 % interval of that pair alone, p after Holm over all pairs, and the effect size g.`
    : html` Columns are numbered as the rows, 1 being ${order[0]}. The rest is in the CSV.`;
  return html`<div class="scroll" role="region" tabindex="0" aria-label="Pairs by ${at.evaluator} at k = ${at.k}">
      <table class="pairs">
        <caption>
          <span
            >${metricLabel(at.metric)} of the row less that of the column (by ${at.evaluator}, k = ${at.k}${direction}), mean over the seeds
            that both have; bold: sure.${below}</span
          >
        </caption>
        <thead>
          <tr>
            <th scope="col">selector</th>
            ${columns.map((b, j) => (isRoomy ? html`<th scope="col">${b}</th>` : html`<th scope="col" title="${b}" aria-label="${b}">${j + 1}</th>`))}
          </tr>
        </thead>
        <tbody>
          ${body}
        </tbody>
      </table>
    </div>
    <p class="note">${csvLink(`pairs-${at.task}-${at.evaluator}-${at.k}`, records(pairs))}</p>`;
}

/** One pane for each place, of which one is shown. */
function matrices(model: Model, places: readonly Compared[], id: string): Markup {
  const most = Math.max(1, Math.floor(MOST_PAIRS / Math.max(...places.map(({ pairs }) => pairs.length))));
  const shown = places.slice(0, Math.min(MOST_PANES, most));
  const left = places.length > shown.length ? html`<p class="note">The others are in comparisons.csv.</p>` : '';
  return html`<h4>Every pair</h4>
    ${panes(
      id,
      'Judged by',
      shown.map(({ at, pairs }) => ({ label: `${at.evaluator}, k = ${at.k}`, content: matrix(model, { at, pairs }) })),
    )}${left}`;
}

function oneTask(model: Model, task: string, options: { id: string; onlyFirst: boolean }): Markup {
  const places = placesOf(model, task);
  if (places.length === 0) return html``;
  const largest = places.filter(({ at }) => at.k === places[0].at.k);
  const smaller = places.filter(({ at }) => at.k !== places[0].at.k);
  const more =
    smaller.length > 0
      ? html`<details>
          <summary>Smaller panels</summary>
          ${sentences(model, smaller)}
        </details>`
      : '';
  return html`<div class="block">
    <h3>${task || 'The data'}</h3>
    ${sentences(model, largest)}${more}${matrices(model, options.onlyFirst ? largest.slice(0, 1) : places, options.id)}
  </div>`;
}

/** True where some pair has two seeds or more. */
const canTell = (model: Model): boolean =>
  model.rows.axes.tasks.some((task) => placesOf(model, task).some(({ pairs }) => pairs.some(({ test }) => test.n > 1)));

/** Who is better than whom in each task, and whether that is more than chance. */
export function comparisons(model: Model, options: { tasks: number; onlyFirst: boolean }): Markup {
  const { axes } = model.rows;
  if (axes.tasks.every((task) => placesOf(model, task).length === 0)) return html``;
  if (!canTell(model))
    return html`<section id="sure">
      <h2>Who is better, and is it sure?</h2>
      <p>
        Nothing can be told: no two selectors share more than one seed, and from one seed nobody knows how much of a difference is chance.
        Run it with three seeds or more.
      </p>
    </section>`;
  return html`<section id="sure">
    <h2>Who is better, and is it sure?</h2>
    <p class="note">
      Selectors are compared seed by seed. A difference is sure where a paired t test finds it after all pairs at its place are allowed for
      (Holm, ${ALPHA * 100} %). All seeds divide the same cells, so the test is stricter than the usual one (Nadeau and Bengio 2003). Seeds
      that would tell do so with a chance of ${POWER * 100} %, if difference and spread stay as they look now. Where more seeds would not
      tell, more cells might. Two that can't be told apart need not be equal.
    </p>
    ${axes.tasks.slice(0, options.tasks).map((task, i) => oneTask(model, task, { id: `w${i}`, onlyFirst: options.onlyFirst }))}${ranks(model)}
  </section>`;
}
