import type { StepContext } from '../../../core/plugin.ts';
import type { ReporterInputs } from '../../contract.ts';
import type { Draw } from './draw.ts';
import { html, Markup } from './markup.ts';
import { hasData, type Model, modelOf, type PageParams } from './model.ts';
import { counted, whole } from './numbers.ts';
import type { Published } from './published.ts';
import { about } from './sections/about.ts';
import { cells } from './sections/cells.ts';
import { comparisons } from './sections/comparisons.ts';
import { confusion } from './sections/confusion.ts';
import { curves } from './sections/curves.ts';
import { expression } from './sections/expression.ts';
import { lead } from './sections/lead.ts';
import { noise } from './sections/noise.ts';
import { overlap } from './sections/overlap.ts';
import { panels } from './sections/panels.ts';
import { published } from './sections/published.ts';
import { recovery } from './sections/recovery.ts';
import { scores } from './sections/scores.ts';
import { wholePage } from './whole-page.ts';

/** How much of a large run the page shows; the tables beside it always hold all. */
interface Detail {
  readonly onlyFirstMetric: boolean;
  readonly onlyLargestPanel: boolean;
  readonly genes: number;
  readonly tasks: number;
  /** Tasks with a map of the cells, and whether genes have one. */
  readonly maps: number;
  readonly geneMaps: boolean;
}

/** The page is made leaner, in these steps, until it fits. */
const DETAILS: readonly Detail[] = [
  { onlyFirstMetric: false, onlyLargestPanel: false, genes: 300, tasks: 40, maps: 4, geneMaps: true },
  { onlyFirstMetric: true, onlyLargestPanel: true, genes: 200, tasks: 40, maps: 1, geneMaps: true },
  { onlyFirstMetric: true, onlyLargestPanel: true, genes: 50, tasks: 8, maps: 1, geneMaps: false },
];

/** The largest page, in bytes. */
export const MOST_BYTES = 4_800_000;

interface Making {
  readonly context: StepContext;
  readonly model: Model;
  readonly draw: Draw;
  readonly detail: Detail;
}

async function results({ context, model, draw, detail }: Making): Promise<Markup[]> {
  const tasks = model.rows.axes.tasks.slice(0, detail.tasks);
  const out: Markup[] = [];
  for (const [at, task] of tasks.entries()) {
    const blocks = model.blocks.filter((b) => b.task === task);
    const parts: Markup[] = [];
    for (const [i, block] of blocks.entries()) {
      await context.breathe();
      parts.push(await scores(model, block, { id: `m${at}-${i}`, draw, onlyFirst: detail.onlyFirstMetric }));
    }
    if (blocks.length > 0) {
      const shown = [
        await confusion(model, blocks[0], draw),
        at === 0 && hasData(model) ? await expression(model, blocks[0], draw) : html``,
      ];
      parts.push(html`<div class="charts">${shown}</div>`);
    }
    out.push(
      html`<section id="task-${at}">
        <h2>${task || 'Results'}</h2>
        ${parts}
      </section>`,
    );
    context.progress((0.8 * (at + 1)) / tasks.length, `task ${at + 1} of ${tasks.length}`);
  }
  const left = model.rows.axes.tasks.length - tasks.length;
  if (left > 0) out.push(html`<p class="warn">${counted(left, 'more task')} in summary.csv; this page would grow too large.</p>`);
  return out;
}

async function genes({ context, model, draw, detail }: Making): Promise<Markup> {
  if (model.rows.panels.length === 0) return html``;
  const parts: Markup[] = [];
  for (const task of model.panelTasks.slice(0, detail.tasks)) {
    await context.breathe();
    parts.push(await overlap(model, task, draw), panels(model, task, { most: detail.genes, onlyLargest: detail.onlyLargestPanel }));
  }
  return html`<section id="panels">
    <h2>Panels</h2>
    ${parts}
  </section>`;
}

function nav(
  { rows: { axes, panels: chosen } }: Model,
  {
    tasks,
    ...has
  }: {
    isPublished: boolean;
    hasPairs: boolean;
    hasNoise: boolean;
    hasCells: boolean;
    hasGenes: boolean;
    hasCurves: boolean;
    tasks: number;
  },
): Markup {
  const links = [
    ['summary', 'Summary'],
    ...(has.isPublished ? [['published', 'Published and ours']] : []),
    ...(has.hasPairs ? [['sure', 'Is it sure?']] : []),
    ...axes.tasks.slice(0, tasks).map((task, at) => [`task-${at}`, task || 'Results']),
    ...(has.hasNoise ? [['noise', 'Wrong labels']] : []),
    ...(chosen.length > 0 ? [['panels', 'Panels']] : []),
    ...(has.hasCells ? [['cells', 'The cells']] : []),
    ...(has.hasGenes ? [['recovery', 'Genes rebuilt']] : []),
    ...(has.hasCurves ? [['training', 'Training']] : []),
    ['about', 'About this run'],
  ];
  return html`<nav aria-label="Sections">
    <ul>
      ${links.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`)}
    </ul>
  </nav>`;
}

async function page(making: Making): Promise<string> {
  const { model, draw, detail } = making;
  const { params, data } = model;
  const title = params.title ?? params.name ?? 'Gene panels compared';
  const training = await curves(model, draw);
  const where = hasData(model) ? await cells(model, draw, { tasks: detail.maps, genes: detail.geneMaps }) : html``;
  const rebuilt = hasData(model) ? await recovery(model, draw) : html``;
  const wrong = await noise(model, draw);
  const papers = published(model.published, model.style);
  const besidePapers =
    papers.text === ''
      ? ''
      : html`<section id="published">
          <h2>Published and ours</h2>
          ${papers}
        </section>`;
  const sure = comparisons(model, { tasks: detail.tasks, onlyFirst: detail.onlyFirstMetric });
  const body = html`<header>
      <h1>${title}</h1>
      ${params.description ? html`<p>${params.description}</p>` : ''}
      ${data ? html`<p>${whole(data.obs.index.length)} cells × ${whole(data.var.index.length)} genes</p>` : ''}
    </header>
    ${nav(model, {
      isPublished: papers.text !== '',
      hasPairs: sure.text !== '',
      hasNoise: wrong.text !== '',
      hasCells: where.text !== '',
      hasGenes: rebuilt.text !== '',
      hasCurves: training.text !== '',
      tasks: detail.tasks,
    })}
    <main>
      ${lead(model)}${besidePapers}${sure}${await results(making)}${wrong}${await genes(making)}${where}${rebuilt}${training}
      ${about(model)}
    </main>
    <footer>Made by panelflow. The same numbers: metrics.csv, panels.csv, summary.csv and comparisons.csv (and as Parquet).</footer>`;
  return wholePage(title, body);
}

/** Writes the page, as large as it may be. */
export async function writePage(
  context: StepContext,
  inputs: ReporterInputs,
  params: PageParams,
  known: readonly Published[],
): Promise<Uint8Array> {
  const { createDraw } = await import('./draw.ts');
  const draw = await createDraw();
  const model = modelOf(inputs, params, { missing: context.missing.metrics, published: known });
  let bytes = new Uint8Array();
  for (const detail of DETAILS) {
    bytes = new TextEncoder().encode(await page({ context, model, draw, detail }));
    if (bytes.length <= MOST_BYTES) break;
    context.log('The report would be too large; it is made with fewer metrics and genes, which the tables still hold.');
  }
  return bytes;
}
