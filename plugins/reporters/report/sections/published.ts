import { html, type Markup } from '../markup.ts';
import { metricLabel } from '../metric-facts.ts';
import { counted, show, showDifference, showSd, showSpread } from '../numbers.ts';
import type { Beside } from '../published.ts';
import { named } from '../legend.ts';
import type { SeriesStyle } from '../palette.ts';
import { sortableTable } from '../sortable-table.ts';

const verdict = ({ isWithin }: Beside): string => (isWithin === undefined ? 'one run' : isWithin ? 'yes' : 'no');

/** Published numbers beside ours, a table for each table of the paper. */
export function published(found: readonly Beside[], style: (name: string) => SeriesStyle): Markup {
  if (found.length === 0) return html``;
  const tables = [...new Set(found.map(({ published: { table } }) => table))];
  const within = found.filter((b) => b.isWithin).length;
  const parts = tables.map((table) => {
    const rows = found.filter((b) => b.published.table === table);
    return html`<div class="block">
      <h3>${/^\d/.test(table) ? `Table ${table}` : table}</h3>
      ${sortableTable({
        label: `Published and our numbers of table ${table}`,
        caption: 'Difference: ours less published. Within the spread: not further apart than two standard deviations of both together.',
        corner: 'selector',
        groups: [
          { name: 'where', columns: ['dataset', 'judged by', 'k'] },
          { name: 'what', columns: ['published', 'ours', 'difference', 'within the spread'] },
        ],
        rows: rows.map((b) => ({
          name: named(b.published.selector, style(b.published.selector)),
          cells: [
            html`<td>${[b.published.dataset, b.published.task].filter(Boolean).join(': ')}</td>`,
            html`<td>${b.published.evaluator}, ${metricLabel(b.published.metric)}</td>`,
            html`<td>${b.ours.k}</td>`,
            html`<td>
              ${show(b.published.value)}${Number.isNaN(b.published.spread) ? '' : html`<i>± ${showSd(b.published.value, b.published.spread)}</i>`}
            </td>`,
            html`<td>${showSpread(b.ours.mean, b.ours.std)}</td>`,
            html`<td>${showDifference(b.difference, b.published.value)}</td>`,
            html`<td>${verdict(b)}</td>`,
          ],
        })),
      })}
    </div>`;
  });
  return html`<p>
      Of ${counted(found.length, 'published number')} that this run has a result for, ${within} ${within === 1 ? 'is' : 'are'} within the
      spread.
    </p>
    ${parts}`;
}
