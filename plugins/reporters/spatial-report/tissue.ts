import { denseBlock } from '../../contract.ts';
import type { SpatialReporterInputs } from '../../spatial-contract.ts';
import { figure } from '../report/figure.ts';
import { html, type Markup } from '../report/markup.ts';
import { show } from '../report/numbers.ts';
import { perGene } from './genes.ts';
import { type Ground, grounds, tissueMap, tissuePicture } from './maps.ts';
import type { Predicted, SpatialModel } from './model.ts';

/** What every spot was predicted to express of one gene, by the fold that tested it (the mean where several did); NaN where none did. */
function predictedOf(own: readonly Predicted[], gene: number, spots: number): Float64Array {
  const sum = new Float64Array(spots);
  const count = new Float64Array(spots);
  for (const { prediction } of own) {
    const at = prediction.genes.indexOf(gene);
    if (at < 0) continue;
    prediction.rows.forEach((row, i) => {
      sum[row] += prediction.values[i * prediction.genes.length + at];
      count[row]++;
    });
  }
  return sum.map((x, i) => x / count[i]);
}

/** Measured and predicted expression side by side on each section, for the best predicted genes. */
export async function tissue(
  model: SpatialModel,
  { data, tissue: pictures }: SpatialReporterInputs,
  { maps, sections }: { readonly maps: number; readonly sections: number },
): Promise<Markup> {
  const primary = model.primaries[0];
  const ranked = model.ranking(primary, 'pcc');
  if (maps === 0 || sections === 0 || ranked.length === 0 || data.obsm.spatial === undefined) return html``;
  // The best, and the one that learns nothing beside the primary genes.
  const ways = [...new Set([ranked[0].way, ...ranked.map((s) => s.way).filter((way) => way === 'pgl')])];
  const scores = perGene(model, ways[0], primary);
  const found = await grounds(data, pictures, sections);
  const parts: Markup[] = [];
  for (const gene of [...scores.keys()].slice(0, maps)) {
    const name = data.var.index[gene];
    const measured = denseBlock(data.X, Array.from(data.obs.index.keys()), [gene]).data;
    const sets = [
      { label: 'measured', values: measured },
      ...ways.map((way) => ({
        label: `predicted by ${way}`,
        values: predictedOf(
          model.predicted.filter((p) => p.way === way && p.primary === primary),
          gene,
          data.obs.index.length,
        ),
      })),
    ];
    const figures = found.flatMap((ground) => sets.map((set) => drawn(ground, { gene: name, ...set })));
    parts.push(
      html`<div class="block">
        <h3>${name} <small>correlation ${show(scores.get(gene)!)} by ${ways[0]}</small></h3>
        <div class="charts small">${figures}</div>
      </div>`,
    );
  }
  const bare = found
    .filter((g) => g.picture !== undefined)
    .map((g) =>
      figure({
        svg: tissuePicture(g),
        alt: `Section ${g.name}.`,
        caption: g.name,
        file: `tissue-${g.name}`,
        data: [{ section: g.name, spots: g.rows.length }],
      }),
    );
  return html`<p class="note">
      Every spot as it was measured, and as it was predicted by the fold that tested it, so never by a network that has seen it. Each map
      has colours of its own, from dark (low) to yellow (high), as a correlation does not see shift and scale.
    </p>
    ${bare.length > 0 ? html`<div class="charts small">${bare}</div>` : ''}${parts}`;
}

function drawn(ground: Ground, { gene, label, values }: { gene: string; label: string; values: ArrayLike<number> }): Markup {
  const own = Float64Array.from(ground.rows, (row) => values[row]);
  return figure({
    svg: tissueMap(ground, own),
    alt: `${gene} on section ${ground.name}, ${label}.`,
    caption: `${ground.name}, ${label}`,
    file: `map-${gene}-${ground.name}-${label}`,
    data: Array.from(own, (value, i) => ({
      x: Number(ground.places[2 * i].toFixed(1)),
      y: Number(ground.places[2 * i + 1].toFixed(1)),
      value: Number(value.toPrecision(4)),
    })),
  });
}
