import { curveChart } from '../report/charts.ts';
import type { Draw } from '../report/draw.ts';
import { figure } from '../report/figure.ts';
import { html, type Markup } from '../report/markup.ts';
import { points } from '../report/sections/curves.ts';
import type { SpatialModel } from './model.ts';
import { wayLegend } from './scores.ts';

const LABELS: Readonly<Record<string, string>> = { k: 'auxiliary genes above the cut-off (k)' };
const MOST_CURVES = 12;
const MOST_POINTS = 150;

/** How the trainings went, a line a fold: the learned k, the cut-off, losses, validation. */
export async function curves(model: SpatialModel, draw: Draw): Promise<Markup> {
  const primary = model.primaries[0];
  const trained = model.predicted.filter((p) => p.primary === primary && Object.keys(p.prediction.curves ?? {}).length > 0);
  const names = [...new Set(trained.flatMap((p) => Object.keys(p.prediction.curves!)))];
  // What the paper shows first.
  const order = [...names.filter((name) => name === 'k'), ...names.filter((name) => name !== 'k')].slice(0, MOST_CURVES);
  const figures: Markup[] = [];
  for (const name of order) {
    const drawn = trained.flatMap(({ way, fold, seed, prediction }) =>
      points(prediction.curves![name] ?? [], way, `${fold} ${seed}`, MOST_POINTS),
    );
    if (drawn.length === 0) continue;
    const ways = model.ways.filter((way) => drawn.some((p) => p.selector === way));
    const data = drawn.map((p) => ({ predictor: p.selector, fold: p.seed, epoch: p.epoch, value: p.value }));
    figures.push(
      figure({
        svg: await draw(curveChart(LABELS[name] ?? name.replaceAll('_', ' '), drawn, { selectors: ways, style: model.style })),
        alt: `Curve "${name}" of ${ways.join(', ')}, a line a fold.`,
        file: `curve-${name}`,
        data,
      }),
    );
  }
  if (figures.length === 0) return html``;
  const ways = model.ways.filter((way) => trained.some((p) => p.way === way));
  return html`<p class="note">One line a fold, for ${primary} primary genes.</p>
    ${wayLegend(model, ways)}
    <div class="charts">${figures}</div>`;
}
