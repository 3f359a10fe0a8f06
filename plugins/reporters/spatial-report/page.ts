import type { StepContext } from '../../../core/plugin.ts';
import type { SpatialReporterInputs } from '../../spatial-contract.ts';
import { createDraw, type Draw } from '../report/draw.ts';
import { html, Markup } from '../report/markup.ts';
import { counted, list, showSpread, spelled, whole } from '../report/numbers.ts';
import { bibtex } from '../report/references.ts';
import { factsTable, flat, gaps, methodList } from '../report/sections/about.ts';
import { published } from '../report/sections/published.ts';
import { wholePage } from '../report/whole-page.ts';
import { curves } from './curves.ts';
import type { SpatialModel, Summary } from './model.ts';
import { genes } from './genes.ts';
import { scores } from './scores.ts';
import { tissue } from './tissue.ts';

/** What the page is told besides the results. */
export interface SpatialPageParams {
  readonly name?: string | undefined;
  readonly title?: string | undefined;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly methods: readonly { readonly id: string; readonly summary: string; readonly cites: readonly string[] }[];
  readonly maps: number;
  readonly sections: number;
}

/** The largest page, in bytes. */
const MOST_BYTES = 4_800_000;

function lead(model: SpatialModel): Markup {
  const primary = model.primaries[0];
  const [best, ...rest] = model.ranking(primary, 'pcc');
  if (!best) return html`<p>No fold has a result yet.</p>`;
  const pairs = model.pairs(primary, 'pcc');
  const level = rest.filter(({ way }) => {
    const pair = pairs.find((p) => [p.a, p.b].includes(way) && [p.a, p.b].includes(best.way));
    return pair?.verdict !== 'better' && pair?.verdict !== 'worse';
  });
  return html`<p>
    By the mean Pearson correlation over ${primary} genes, <strong>${best.way}</strong> comes first
    (${showSpread(best.mean, best.sd)}).${rest.length > 0 ? howSure(best, level) : ''}
  </p>`;
}

function howSure({ n }: Summary, level: readonly Summary[]): Markup {
  if (n < 2) return html` One fold tells nothing of how sure that is.`;
  if (level.length === 0) return html` That is sure (corrected paired t test over the folds, Holm).`;
  return html` On ${spelled(n, 'fold')} it can't be told apart from ${list(level.map((s) => `${s.way} (${showSpread(s.mean, s.sd)})`))}.`;
}

function about(model: SpatialModel, { data }: SpatialReporterInputs, context: StepContext, params: SpatialPageParams): Markup {
  const own: [string, string][] = [
    ['spots', whole(data.obs.index.length)],
    ['genes', whole(data.var.index.length)],
    ['predictors', model.ways.join(', ')],
    ['primary genes', model.primaries.join(', ')],
    ['folds', model.folds.join(', ')],
  ];
  return html`<section id="about">
    <h2>About this run</h2>
    ${gaps(context.missing.metrics ?? [])}
    <div id="run-story"></div>
    ${factsTable([...own, ...flat(params.facts, '')])}
    <h3>Methods</h3>
    ${methodList(params.methods)}
    <p>
      In each fold a predictor learns on the train spots, stops by the validation spots, and is judged on the test spots: for each gene the
      correlation over these, then the mean over the genes. Spread is the standard deviation over folds (n − 1 below). Folds share spots of
      the same sections, or sections of the same tumour, so it speaks of the division and not of other patients.
    </p>
    <details>
      <summary>BibTeX to paste</summary>
      <p>
        <textarea class="bibtex" readonly aria-label="BibTeX">
${bibtex(['10.1023/A:1024068626366', ...params.methods.flatMap((m) => m.cites)])}</textarea>
      </p>
    </details>
  </section>`;
}

async function page(
  context: StepContext,
  model: SpatialModel,
  inputs: SpatialReporterInputs,
  { draw, params }: { draw: Draw; params: SpatialPageParams },
): Promise<string> {
  const title = params.title ?? params.name ?? 'Expression from histology';
  const { data } = inputs;
  const parts = [
    ['published', 'Published and ours', published(model.published, model.style)],
    ['scores', 'Scores', await scores(model, draw)],
    ['tissue', 'On the tissue', await tissue(model, inputs, params)],
    ['genes', 'Genes', await genes(model, data, draw)],
    ['training', 'Training', await curves(model, draw)],
  ] as const;
  await context.breathe();
  const shown = parts.filter(([, , content]) => content.text !== '');
  const links = [['summary', 'Summary'], ...shown.map(([id, name]) => [id, name]), ['about', 'About this run']];
  const what = [counted(model.ways.length, 'way').concat(' to predict expression'), counted(model.folds.length, 'fold')];
  const body = html`<header>
      <h1>${title}</h1>
      <p>${whole(data.obs.index.length)} spots × ${whole(data.var.index.length)} genes</p>
    </header>
    <nav aria-label="Sections">
      <ul>
        ${links.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`)}
      </ul>
    </nav>
    <main>
      <section id="summary" aria-label="Summary">
        <p class="what">${list(what)}.</p>
        ${lead(model)}
      </section>
      ${shown.map(
        ([id, name, content]) =>
          html`<section id="${id}">
            <h2>${name}</h2>
            ${content}
          </section>`,
      )}
      ${about(model, inputs, context, params)}
    </main>
    <footer>Made by panelflow. The same numbers: metrics.csv, genes.csv and summary.csv (and as Parquet).</footer>`;
  return wholePage(title, new Markup(body.text));
}

/** Writes the page; with fewer maps where it would grow too large. */
export async function writeSpatialPage(
  context: StepContext,
  model: SpatialModel,
  inputs: SpatialReporterInputs,
  params: SpatialPageParams,
): Promise<Uint8Array> {
  const draw = await createDraw();
  let bytes = new Uint8Array();
  for (const maps of [params.maps, Math.min(1, params.maps), 0]) {
    bytes = new TextEncoder().encode(await page(context, model, inputs, { draw, params: { ...params, maps } }));
    if (bytes.length <= MOST_BYTES) break;
    context.log('The report would be too large; it is made with fewer maps.');
  }
  return bytes;
}
