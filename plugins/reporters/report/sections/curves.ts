import { curveChart } from '../charts.ts';
import type { Draw } from '../draw.ts';
import { figure } from '../figure.ts';
import { legend } from '../legend.ts';
import { html, type Markup } from '../markup.ts';
import type { Model } from '../model.ts';

const MOST_CURVES = 12;
const MOST_POINTS = 120;

interface Point {
  readonly selector: string;
  readonly seed: string;
  readonly epoch: number;
  readonly value: number;
}

/** The points of a curve; long ones are thinned evenly, and the last epoch always stays. */
export function points(values: ArrayLike<number>, selector: string, seed: string, most = MOST_POINTS): Point[] {
  const step = Math.max(1, Math.ceil(values.length / most));
  return Array.from({ length: values.length }, (_, i) => ({ selector, seed, epoch: i + 1, value: values[i] })).filter(
    (p, i, all) => Number.isFinite(p.value) && (i % step === 0 || i === all.length - 1),
  );
}

/** How the trainings went, at the largest k of each selector that trains. */
export async function curves(model: Model, draw: Draw): Promise<Markup> {
  const { axes, panels } = model.rows;
  const trained = panels.filter((p) => Object.keys(p.panel.curves ?? {}).length > 0);
  if (trained.length === 0) return html``;
  const selectors = axes.selectors.filter((s) => trained.some((p) => p.selector === s));
  const shown = selectors.flatMap((s) => {
    const own = trained.filter((p) => p.selector === s);
    const k = Math.max(...own.map((p) => p.k));
    return own.filter((p) => p.k === k && p.task === own[0].task);
  });
  const names = [...new Set(shown.flatMap((p) => Object.keys(p.panel.curves ?? {})))].slice(0, MOST_CURVES);
  const figures: Markup[] = [];
  for (const name of names) {
    const data = shown.flatMap((p) => points(p.panel.curves?.[name] ?? [], p.selector, String(p.seed)));
    if (data.length === 0) continue;
    const svg = await draw(curveChart(name, data, { selectors, style: model.style }));
    const records = data.map((d) => ({ selector: d.selector, seed: d.seed, epoch: d.epoch, value: d.value }));
    figures.push(
      figure({ svg, alt: `Training curve "${name}" of ${selectors.join(', ')}, a line a seed.`, file: `curve-${name}`, data: records }),
    );
  }
  const ks = [...new Set(shown.map((p) => p.k))].join(', ');
  return html`<section id="training">
    <h2>Training</h2>
    <p class="note">One line a seed, at k = ${ks}.</p>
    ${legend(selectors, model.style, 'Selectors')}
    <div class="charts">${figures}</div>
  </section>`;
}
