import { jaccard, mean } from '../../../../stats/bootstrap.ts';
import { heatMap, type Square } from '../charts.ts';
import type { Draw } from '../draw.ts';
import { figure } from '../figure.ts';
import { html, type Markup } from '../markup.ts';
import type { Model } from '../model.ts';
import type { PanelCell } from '../rows.ts';

const chosen = ({ panel, size }: PanelCell): readonly string[] => panel.names.slice(0, size);

/** Mean Jaccard of two selectors' panels of the same seed. */
function between(a: readonly PanelCell[], b: readonly PanelCell[]): number {
  return mean(a.flatMap((x) => b.filter((y) => y.seed === x.seed).map((y) => jaccard(chosen(x), chosen(y)))));
}

/** Mean Jaccard of one selector's panels of different seeds; NaN for one seed. */
function within(panels: readonly PanelCell[]): number {
  return mean(panels.flatMap((x, i) => panels.slice(i + 1).map((y) => jaccard(chosen(x), chosen(y)))));
}

const text = (x: number): string => (Number.isNaN(x) ? '' : x.toFixed(2));

/** How much methods agree with each other, and with themselves from seed to seed. */
export async function overlap(model: Model, task: string, draw: Draw): Promise<Markup> {
  const { axes } = model.rows;
  const k = axes.ks.findLast((size) => axes.selectors.some((s) => model.panels(s, size, task).length > 0));
  if (k === undefined) return html``;
  const selectors = axes.selectors.filter((s) => model.panels(s, k, task).length > 0);
  const methods = selectors.flatMap((row) =>
    selectors.map((column): Square => {
      const [a, b] = [model.panels(row, k, task), model.panels(column, k, task)];
      const value = row === column ? within(a) : between(a, b);
      return { row, column, value, text: text(value) };
    }),
  );
  const seeds = selectors.flatMap((row) =>
    axes.ks.map((size): Square => {
      const value = within(model.panels(row, size, task));
      return { row, column: `k = ${size}`, value, text: text(value) };
    }),
  );
  const records = (squares: readonly Square[], name: string): { [key: string]: string | number }[] =>
    squares.map((s) => ({ selector: s.row, [name]: s.column, jaccard: s.value }));
  const size = selectors.length > 12 ? 24 : 36;
  const of = task === '' ? '' : ` for ${task}`;
  const first = figure({
    svg: await draw(heatMap(methods, { rowTitle: null, columnTitle: null, size, hasText: selectors.length <= 20 })),
    alt: `Mean Jaccard overlap of the panels of ${selectors.length} selectors at k = ${k}${of}.`,
    caption: `Shared genes at k = ${k}: Jaccard index of two methods' panels, mean over seeds. On the diagonal: of one method's panels from seed to seed.`,
    file: `overlap-methods${task && `-${task}`}`,
    data: records(methods, 'other'),
    isWide: selectors.length > 12,
  });
  const hasSeeds = seeds.some((s) => !Number.isNaN(s.value)) && axes.ks.length > 1;
  const second = hasSeeds
    ? figure({
        svg: await draw(heatMap(seeds, { rowTitle: null, columnTitle: null, size: 56, hasText: true })),
        alt: `Mean Jaccard overlap between seeds for ${selectors.length} selectors and ${axes.ks.length} panel sizes${of}.`,
        caption: 'Steadiness: Jaccard index of the panels of one method from seed to seed (1 = always the same genes).',
        file: `overlap-seeds${task && `-${task}`}`,
        data: records(seeds, 'k'),
      })
    : '';
  return html`<div class="block">
    <h3>Agreement${of}</h3>
    <div class="charts">${first}${second}</div>
  </div>`;
}
