import { html, Markup } from '../markup.ts';
import type { Model } from '../model.ts';
import { counted, show } from '../numbers.ts';

/** A gene as the seeds together rank it. */
export interface AgreedGene {
  readonly name: string;
  /** Its column in the dataset. */
  readonly column: number;
  /** How many seeds chose it. */
  readonly seeds: number;
  readonly rank: number;
  readonly score: number;
}

/** All genes that any seed chose, those chosen most often first, then by mean rank. */
export function agreed(model: Model, selector: string, at: { k: number; task: string }): AgreedGene[] {
  const genes = new Map<string, { column: number; ranks: number[]; scores: number[] }>();
  for (const { panel, size } of model.panels(selector, at.k, at.task))
    for (let i = 0; i < size; i++) {
      const gene = genes.get(panel.names[i]) ?? { column: panel.genes[i], ranks: [], scores: [] };
      gene.ranks.push(i + 1);
      gene.scores.push(panel.scores[i]);
      genes.set(panel.names[i], gene);
    }
  const mean = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0) / x.length;
  return [...genes]
    .map(([name, g]) => ({ name, column: g.column, seeds: g.ranks.length, rank: mean(g.ranks), score: mean(g.scores) }))
    .sort((a, b) => b.seeds - a.seeds || a.rank - b.rank || (a.name < b.name ? -1 : 1));
}

const short = (x: number): string => (Number.isInteger(x) ? String(x) : x.toFixed(1));

function geneList(genes: readonly AgreedGene[], seeds: number, most: number): Markup {
  const items = genes.slice(0, most).map((g) => {
    const score = Number.isNaN(g.score) ? '' : html` · ${show(g.score)}`;
    const often = seeds > 1 ? html` <em>${g.seeds}/${seeds}</em>` : '';
    return html`<li><b>${g.name}</b>${often} <i>#${short(g.rank)}${score}</i></li>`;
  });
  const more = genes.length > most ? html`<p class="note">${counted(genes.length - most, 'more gene')} in panels.csv.</p>` : '';
  return html`<ol class="genes">
      ${items}
    </ol>
    ${more}`;
}

/** The genes of each selector and k, folded; `most` limits the genes of one list. */
export function panels(model: Model, task: string, options: { most: number; onlyLargest: boolean }): Markup {
  const { axes } = model.rows;
  const block = model.blocks.find((b) => task === '' || b.task === task);
  const headline = block && model.headline(block);
  const blocks = axes.selectors.map((selector) => {
    const ks = axes.ks.filter((k) => model.panels(selector, k, task).length > 0);
    const lists = (options.onlyLargest ? ks.slice(-1) : ks).map((k) => {
      const seeds = model.panels(selector, k, task).length;
      const genes = agreed(model, selector, { k, task });
      const always = genes.filter((g) => g.seeds === seeds).length;
      const note = seeds > 1 ? html` <small>${always} in all ${seeds} seeds, ${genes.length} in any</small>` : '';
      const isBest = headline?.k === k && headline.ranking[0]?.selector === selector;
      return html`<details${isBest ? new Markup(' open') : ''}>
        <summary>k = ${k}${note}</summary>
        ${geneList(genes, seeds, options.most)}
      </details>`;
    });
    return lists.length === 0
      ? html``
      : html`<div class="panel">
          <h4>${selector}</h4>
          <div>${lists}</div>
        </div>`;
  });
  const heading = task === '' ? html`<h3>Panels for all tasks</h3>` : html`<h3>Panels for ${task}</h3>`;
  const left = options.onlyLargest && axes.ks.length > 1 ? html` Smaller k are in panels.csv.` : '';
  return html`<div class="block">
    ${heading}
    <p class="note">Each gene with the seeds that chose it, its mean rank (#) and mean score.${left}</p>
    ${blocks}
  </div>`;
}
