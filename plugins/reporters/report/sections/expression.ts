import { forEachNonZero } from '../../../../data/matrix.ts';
import { labels } from '../../../../data/dataset.ts';
import type { Dataset } from '../../../contract.ts';
import { dotPlot, type ExpressionDot } from '../charts.ts';
import type { Draw } from '../draw.ts';
import { figure } from '../figure.ts';
import { html, type Markup } from '../markup.ts';
import type { Block, DataModel } from '../model.ts';
import { agreed, type AgreedGene } from './panels.ts';

const MOST_GENES = 40;
const MOST_CLASSES = 40;

interface Expression {
  readonly classes: readonly string[];
  /** genes x classes. */
  readonly mean: Float64Array;
  readonly share: Float64Array;
}

function expressionOf(data: Dataset, genes: readonly AgreedGene[], task: string): Expression {
  const { codes, classes } = labels(data.obs, task);
  const width = classes.length;
  const at = new Int32Array(data.X.cols).fill(-1);
  genes.forEach((g, i) => (at[g.column] = i));
  const sizes = new Float64Array(width);
  for (const code of codes) if (code >= 0) sizes[code]++;
  const mean = new Float64Array(genes.length * width);
  const share = new Float64Array(genes.length * width);
  forEachNonZero(data.X, (i, j, x) => {
    if (at[j] < 0 || codes[i] < 0) return;
    const place = at[j] * width + codes[i];
    mean[place] += x / sizes[codes[i]];
    if (x > 0) share[place] += 1 / sizes[codes[i]];
  });
  return { classes, mean, share };
}

// Genes stand in the order of the class where they are highest, so that a good panel shows as a staircase.
function dotsOf(genes: readonly AgreedGene[], { classes, mean, share }: Expression): (ExpressionDot & { mean: number })[] {
  const width = classes.length;
  const described = genes.map((gene, i) => {
    const own = mean.subarray(i * width, (i + 1) * width);
    const [low, high] = [Math.min(0, ...own), Math.max(...own)];
    return { gene, i, own, low, high, top: own.indexOf(high) };
  });
  return described
    .sort((a, b) => a.top - b.top || a.i - b.i)
    .flatMap(({ gene, i, own, low, high }) =>
      classes.map((name, c) => ({
        gene: gene.name,
        class: name,
        mean: own[c],
        level: high > low ? (own[c] - low) / (high - low) : 0,
        share: Math.min(1, share[i * width + c]),
      })),
    );
}

/** Where the chosen genes are expressed; nothing when the dataset lacks the task's classes or the panel's genes. */
export async function expression(model: DataModel, block: Block, draw: Draw): Promise<Markup> {
  const { data } = model;
  const { ranking, k } = model.headline(block);
  const obs = data.obs.columns[block.task];
  if (ranking.length === 0 || !obs || obs.kind === 'number') return html``;
  const { selector } = ranking[0];
  const genes = agreed(model, selector, { k, task: block.task }).slice(0, Math.min(k, MOST_GENES));
  if (genes.length === 0 || genes.some((g) => data.var.index[g.column] !== g.name)) return html``;
  const found = expressionOf(data, genes, block.task);
  if (found.classes.length < 2 || found.classes.length > MOST_CLASSES) return html``;
  const dots = dotsOf(genes, found);
  const scaled = data.scale === 'scaled' ? ' The values are z-scores, so size has little meaning.' : '';
  return html`<div class="block">
    <h3>The chosen genes in the cells <small>${selector}, k = ${k}</small></h3>
    ${figure({
      svg: await draw(dotPlot(dots)),
      alt: `Dot plot of ${genes.length} genes chosen by ${selector} in ${found.classes.length} classes of ${block.task}.`,
      caption: `The ${genes.length} genes chosen in most seeds. Size: share of the cells of a class that express the gene; darkness: mean expression, as a share of the gene's highest class.${scaled}`,
      file: `expression-${block.task}`,
      data: dots.map((d) => ({ gene: d.gene, class: d.class, mean: d.mean, share: d.share })),
      isWide: found.classes.length > 14,
    })}
  </div>`;
}
