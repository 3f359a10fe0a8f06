import { heatMap, type Square } from '../charts.ts';
import type { Draw } from '../draw.ts';
import { figure } from '../figure.ts';
import { html, join, type Markup } from '../markup.ts';
import type { Block, Model } from '../model.ts';
import { percent, whole } from '../numbers.ts';

/** More classes than this make squares too small to read. */
const MOST = 40;

interface Counts {
  readonly classes: readonly string[];
  readonly count: (truth: string, called: string) => number;
  readonly total: (truth: string) => number;
}

function summed(model: Model, block: Block, at: { selector: string; k: number; evaluator: string }): Counts | undefined {
  const found = model.rows.confusions.filter(
    (c) => c.task === block.task && c.selector === at.selector && c.k === at.k && c.evaluator === at.evaluator,
  );
  if (found.length === 0) return undefined;
  const classes = [...new Set(found.flatMap((c) => c.confusion.classes))];
  const counts = new Map<string, number>();
  for (const { confusion } of found)
    confusion.counts.forEach((n, i) => {
      const width = confusion.classes.length;
      const key = JSON.stringify([confusion.classes[Math.floor(i / width)], confusion.classes[i % width]]);
      counts.set(key, (counts.get(key) ?? 0) + n);
    });
  const count: Counts['count'] = (truth, called) => counts.get(JSON.stringify([truth, called])) ?? 0;
  const totals = new Map(classes.map((t) => [t, classes.reduce((sum, c) => sum + count(t, c), 0)]));
  const total: Counts['total'] = (truth) => totals.get(truth) ?? 0;
  const largest = classes.toSorted((a, b) => total(b) - total(a)).slice(0, MOST);
  return { classes: classes.filter((c) => total(c) > 0 && largest.includes(c)), count, total };
}

function mistakes({ classes, count, total }: Counts): Markup {
  const pairs = classes
    .flatMap((t) => classes.filter((c) => c !== t).map((c) => ({ t, c, n: count(t, c), share: count(t, c) / total(t) })))
    .filter((p) => p.n > 0)
    .sort((a, b) => b.share - a.share)
    .slice(0, 3);
  if (pairs.length === 0) return html`No cell was called wrongly.`;
  return html`Most often mistaken:
  ${join(
    pairs.map((p) => html`${p.t} for ${p.c} (${percent(p.share)} of ${whole(total(p.t))})`),
    '; ',
  )}.`;
}

/** Which classes the best selector's panel confuses; nothing when the task has no classes. */
export async function confusion(model: Model, block: Block, draw: Draw): Promise<Markup> {
  const { ranking, k, evaluator } = model.headline(block);
  if (ranking.length === 0) return html``;
  const { selector } = ranking[0];
  const counts = summed(model, block, { selector, k, evaluator });
  if (!counts || counts.classes.length < 2) return html``;
  const { classes, count, total } = counts;
  const squares = classes.flatMap((t) =>
    classes.map((c): Square => {
      const share = count(t, c) / total(t);
      return { row: t, column: c, value: share, text: share < 0.005 ? '' : String(Math.round(100 * share)) };
    }),
  );
  const size = classes.length <= 8 ? 40 : classes.length <= 16 ? 30 : 18;
  const svg = await draw(heatMap(squares, { rowTitle: 'true class', columnTitle: 'called', size, hasText: classes.length <= 20 }));
  const data = classes.flatMap((t) => classes.map((c) => ({ true: t, called: c, cells: count(t, c), share: count(t, c) / total(t) })));
  const caption = html`Each row: of all test cells of a class (over seeds), the percentage called each class. ${mistakes(counts)}`;
  const alt = `Confusion matrix of ${selector} at k = ${k} by ${evaluator} for ${block.task}, ${classes.length} classes.`;
  return html`<div class="block">
    <h3>Where the best panel errs <small>${selector}, k = ${k}, ${evaluator}</small></h3>
    ${figure({ svg, alt, caption, file: `confusion-${block.task}`, data, isWide: classes.length > 12 })}
  </div>`;
}
