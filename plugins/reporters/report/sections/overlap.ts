import { jaccard, kuncheva, mean } from '../../../../stats/bootstrap.ts';
import { heatMap, type Square } from '../charts.ts';
import type { Draw } from '../draw.ts';
import { figure } from '../figure.ts';
import { html, type Markup } from '../markup.ts';
import type { Model } from '../model.ts';
import type { PanelCell } from '../rows.ts';

/** Overlap of two selectors' panels, or of one selector's panels at one k. */
interface Shared extends Square {
  readonly kuncheva: number;
}

type Pair = readonly [PanelCell, PanelCell];

/** Panels of two selectors of the same seed. */
const across = (a: readonly PanelCell[], b: readonly PanelCell[]): Pair[] =>
  a.flatMap((x) => b.filter((y) => y.seed === x.seed).map((y): Pair => [x, y]));

/** Panels of one selector of different seeds. */
const within = (panels: readonly PanelCell[]): Pair[] => panels.flatMap((x, i) => panels.slice(i + 1).map((y): Pair => [x, y]));

function shared(pairs: readonly Pair[], genes: number): Pick<Shared, 'value' | 'text' | 'kuncheva'> {
  const sets = pairs.map((pair) => pair.map(({ panel, size }) => panel.names.slice(0, size)));
  const value = mean(sets.map(([a, b]) => jaccard(a, b)));
  return { value, text: Number.isNaN(value) ? '' : value.toFixed(2), kuncheva: mean(sets.map(([a, b]) => kuncheva(a, b, genes))) };
}

async function heatFigure(
  draw: Draw,
  squares: readonly Shared[],
  about: { alt: string; caption: string; file: string; other: string; size: number },
): Promise<Markup> {
  const rows = new Set(squares.map((s) => s.row)).size;
  const svg = await draw(heatMap(squares, { rowTitle: null, columnTitle: null, size: about.size, hasText: rows <= 20 }));
  const data = squares.map((s) => ({ selector: s.row, [about.other]: s.column, jaccard: s.value, kuncheva: s.kuncheva }));
  return figure({ ...about, svg, data, isWide: rows > 12 && about.other === 'selector_2' });
}

/** How much methods agree with each other, and with themselves from seed to seed. */
export async function overlap(model: Model, task: string, draw: Draw): Promise<Markup> {
  const { axes } = model.rows;
  const total = model.data?.var.index.length ?? Number.NaN;
  const k = axes.ks.findLast((size) => axes.selectors.some((s) => model.panels(s, size, task).length > 0));
  if (k === undefined) return html``;
  const selectors = axes.selectors.filter((s) => model.panels(s, k, task).length > 0);
  const methods = selectors.flatMap((row) =>
    selectors.map((column): Shared => {
      const [a, b] = [model.panels(row, k, task), model.panels(column, k, task)];
      return { row, column, ...shared(row === column ? within(a) : across(a, b), total) };
    }),
  );
  const seeds = selectors.flatMap((row) =>
    axes.ks.map((size): Shared => ({ row, column: `k = ${size}`, ...shared(within(model.panels(row, size, task)), total) })),
  );
  const of = task === '' ? '' : ` for ${task}`;
  const first = await heatFigure(draw, methods, {
    alt: `Mean Jaccard overlap of the panels of ${selectors.length} selectors at k = ${k}${of}.`,
    caption: `Shared genes at k = ${k}: Jaccard index of two methods' panels, mean over seeds. On the diagonal: of one method's panels from seed to seed.`,
    file: `overlap-methods${task && `-${task}`}`,
    other: 'selector_2',
    size: selectors.length > 12 ? 24 : 36,
  });
  const hasSeeds = axes.ks.length > 1 && seeds.some((s) => !Number.isNaN(s.value));
  const second =
    hasSeeds &&
    (await heatFigure(draw, seeds, {
      alt: `Mean Jaccard overlap between seeds for ${selectors.length} selectors and ${axes.ks.length} panel sizes${of}.`,
      caption: 'Steadiness: Jaccard index of the panels of one method from seed to seed (1 = always the same genes).',
      file: `overlap-seeds${task && `-${task}`}`,
      other: 'k',
      size: 56,
    }));
  return html`<div class="block">
    <h3>Agreement${of}</h3>
    <div class="charts">${first}${second}</div>
  </div>`;
}
