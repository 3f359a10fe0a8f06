import { domainOf, lineChart } from '../charts.ts';
import type { Draw } from '../draw.ts';
import { figure } from '../figure.ts';
import { legend, named } from '../legend.ts';
import { html, type Markup } from '../markup.ts';
import { metricLabel } from '../metric-facts.ts';
import type { Block, Model } from '../model.ts';
import { percent, show, showSpread } from '../numbers.ts';
import type { SummaryRow } from '../rows.ts';
import { sortableTable } from '../sortable-table.ts';

const share = (row: SummaryRow): number => Number(row.others.label_noise ?? 0);

/** Rows of one evaluator at the k with the most shares of wrong labels, and who learned from these. */
interface Noisy {
  readonly evaluator: string;
  readonly who: string;
  readonly k: number;
  readonly rows: readonly SummaryRow[];
}

function noisyOf(model: Model, block: Block): Noisy[] {
  const all = (model.noise?.summary ?? []).filter((r) => r.task === block.task && r.metric === block.metrics[0] && r.n > 0);
  const variants = [...new Set(all.filter((r) => share(r) > 0).map((r) => String(r.others.noise_in ?? '')))];
  return block.evaluators.flatMap((evaluator) =>
    variants.flatMap((who) => {
      const own = all.filter((r) => r.evaluator === evaluator && (share(r) === 0 || String(r.others.noise_in ?? '') === who));
      const shares = (k: number): number => new Set(own.filter((r) => r.k === k).map(share)).size;
      const k = [...new Set(own.map((r) => r.k))].sort((a, b) => shares(b) - shares(a) || b - a)[0];
      if (k === undefined || shares(k) < 2) return [];
      const tried = new Set(own.filter((r) => r.k === k && share(r) > 0).map((r) => r.selector));
      return [{ evaluator, who, k, rows: own.filter((r) => r.k === k && tried.has(r.selector)) }];
    }),
  );
}

async function part(model: Model, block: Block, draw: Draw): Promise<Markup> {
  const found = noisyOf(model, block);
  if (found.length === 0) return html``;
  const label = metricLabel(block.metrics[0]);
  const selectors = block.selectors.filter((s) => found.some(({ rows }) => rows.some((r) => r.selector === s)));
  const domain = domainOf(found.flatMap(({ rows }) => rows));
  const along = { title: 'labels drawn anew', of: share, isShare: true };
  const figures: Markup[] = [];
  for (const { evaluator, who, k, rows } of found) {
    const title = `${evaluator}, k = ${k}${who === '' ? '' : `, wrong labels in ${who.replaceAll('-', ' ')}`}`;
    const svg = await draw(lineChart({ title, rows, selectors, style: model.style, label, domain, along }));
    const alt = `${label} of ${selectors.length} selectors against the share of labels drawn anew: ${title}. The table below has all values.`;
    const data = rows.map((r) => ({ selector: r.selector, k, label_noise: share(r), n: r.n, mean: r.mean, sd: r.std }));
    figures.push(figure({ svg, alt, file: `label-noise-${block.task}-${evaluator}-${who}`, data }));
  }
  const columns = found.map((noisy) => ({ noisy, shares: [...new Set(noisy.rows.map(share))].sort((a, b) => a - b) }));
  const table = sortableTable({
    label: `Table of ${label} under wrong labels for ${block.task}`,
    caption: `${label} by the share of the learning cells whose label was drawn anew from all classes; test cells keep theirs.`,
    corner: 'selector',
    groups: columns.map(({ noisy, shares }) => ({
      name: [noisy.evaluator, noisy.who.replaceAll('-', ' ')].filter(Boolean).join(', '),
      columns: shares.map(percent),
    })),
    rows: selectors.map((s) => ({
      name: named(s, model.style(s)),
      cells: columns.flatMap(({ noisy, shares }) =>
        shares.map((x) => {
          const row = noisy.rows.find((r) => r.selector === s && share(r) === x);
          return row ? html`<td title="${showSpread(row.mean, row.std)}">${show(row.mean)}</td>` : html`<td class="none">–</td>`;
        }),
      ),
    })),
  });
  return html`<div class="block">
    <h3>${block.task}</h3>
    ${legend(selectors, model.style, 'Selectors')}
    <div class="charts">${figures}</div>
    ${table}
  </div>`;
}

/** How much wrong labels hurt, where true ones were tried as well. */
export async function noise(model: Model, draw: Draw): Promise<Markup> {
  const parts: Markup[] = [];
  for (const block of model.blocks) parts.push(await part(model, block, draw));
  const shown = parts.filter((p) => p.text !== '');
  if (shown.length === 0) return html``;
  return html`<section id="noise">
    <h2>Wrong labels</h2>
    ${shown}
  </section>`;
}
