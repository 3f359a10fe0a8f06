import { curveChart } from '../report/charts.ts';
import type { Draw } from '../report/draw.ts';
import { figure } from '../report/figure.ts';
import { html, type Markup } from '../report/markup.ts';
import type { SpatialModel } from './model.ts';
import { wayLegend } from './scores.ts';

const LABELS: Readonly<Record<string, string>> = { k: 'auxiliary genes above the cut-off (k)', pcc: 'validation Pearson correlation' };
const MOST_POINTS = 150;
const MOST_CURVES = 12;

/** How the trainings went, a line a fold: the learned k, the cut-off, losses, validation. */
export async function curves(model: SpatialModel, draw: Draw): Promise<Markup> {
  const primary = model.primaries[0];
  const trained = model.predicted.filter((p) => p.primary === primary && Object.keys(p.prediction.curves ?? {}).length > 0);
  const names = [...new Set(trained.flatMap((p) => Object.keys(p.prediction.curves!)))];
  // What the paper shows first.
  const order = [...names.filter((name) => name === 'k'), ...names.filter((name) => name !== 'k')].slice(0, MOST_CURVES);
  const figures: Markup[] = [];
  for (const name of order) {
    const points = trained.flatMap(({ way, fold, seed, prediction }) => {
      const values = prediction.curves![name] ?? new Float64Array();
      const step = Math.max(1, Math.ceil(values.length / MOST_POINTS));
      return Array.from(values, (value, i) => ({ selector: way, seed: `${fold} ${seed}`, epoch: i + 1, value })).filter(
        ({ value }, i, all) => Number.isFinite(value) && (i % step === 0 || i === all.length - 1),
      );
    });
    if (points.length === 0) continue;
    const ways = model.ways.filter((way) => points.some((p) => p.selector === way));
    const data = points.map((p) => ({ predictor: p.selector, fold: p.seed, epoch: p.epoch, value: p.value }));
    figures.push(
      figure({
        svg: await draw(curveChart(LABELS[name] ?? name.replaceAll('_', ' '), points, { selectors: ways, style: model.style })),
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
