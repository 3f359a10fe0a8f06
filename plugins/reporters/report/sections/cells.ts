import { labels } from '../../../../data/dataset.ts';
import { denseBlock } from '../../../../data/matrix.ts';
import { Random } from '../../../../stats/random.ts';
import { callsOf } from '../calls.ts';
import { barChart } from '../charts.ts';
import type { Draw } from '../draw.ts';
import { figure } from '../figure.ts';
import { html, Markup } from '../markup.ts';
import type { Block, DataModel } from '../model.ts';
import { percent, whole } from '../numbers.ts';
import { COLOURS, swatch } from '../palette.ts';
import { scatter } from '../scatter.ts';
import { agreed } from './panels.ts';

/** Cells on a map, at most; drawn at random from all. */
const MOST_CELLS = 4_000;
/** Cells on the map of one gene. */
const MOST_GENE_CELLS = 1_500;
const MOST_GENES = 8;
/** More classes than this are no help to the eye. */
const MOST_CLASSES = 60;
/** Classes whose names are written on the map. */
const MOST_WORDS = 16;
/** Steps of darkness on the map of one gene. */
const LEVELS = 4;

const colourOf = (code: number): string => `var(--s${code % COLOURS})`;

interface Task {
  readonly name: string;
  readonly codes: Int32Array;
  readonly classes: readonly string[];
  readonly sizes: readonly number[];
}

function taskOf({ data }: DataModel, name: string): Task | undefined {
  const obs = data.obs.columns[name];
  if (!obs || obs.kind === 'number') return undefined;
  const { codes, classes } = labels(data.obs, name);
  const sizes = classes.map(() => 0);
  for (const code of codes) if (code >= 0) sizes[code]++;
  return { name, codes, classes, sizes };
}

async function distribution({ name, codes, classes, sizes }: Task, draw: Draw): Promise<Markup> {
  const unknown = codes.length - sizes.reduce((a, b) => a + b, 0);
  const bars = classes.map((label, code) => ({ label, value: sizes[code] })).sort((a, b) => b.value - a.value);
  const rare = bars.at(-1)!;
  const shown = bars.slice(0, MOST_CLASSES);
  const missing = unknown > 0 ? ` ${whole(unknown)} cells have no label.` : '';
  return figure({
    svg: await draw(barChart(shown, 'cells')),
    alt: `Cells of each of the ${classes.length} classes of ${name}.`,
    caption: `Cells of each class of ${name}; the rarest, ${rare.label}, has ${whole(rare.value)} of ${whole(codes.length)}.${missing}`,
    file: `classes-${name}`,
    data: bars.map((bar) => ({ class: bar.label, cells: bar.value })),
  });
}

/** The classes of some cells as groups of dots, and the names of the larger ones at their middle. */
function byClass(cells: Uint32Array, codes: Int32Array, classes: readonly string[], xy: Float32Array): Parameters<typeof scatter> {
  const groups = classes.map((_, code): number[] => Array.from(cells.keys()).filter((at) => codes[at] === code));
  const unknown = Array.from(cells.keys()).filter((at) => codes[at] < 0);
  const middle = (own: readonly number[], axis: 0 | 1): number => {
    const values = own.map((at) => xy[2 * at + axis]).sort((a, b) => a - b);
    return values[Math.floor(values.length / 2)];
  };
  const texts = groups.flatMap((own, code) =>
    own.length > 0 ? [{ at: [middle(own, 0), middle(own, 1)], text: classes[code], size: own.length }] : [],
  );
  texts.sort((a, b) => b.size - a.size);
  const dots = groups.map((points, code) => ({ colour: colourOf(code), points }));
  return [xy, [{ colour: 'var(--edge)', points: unknown }, ...dots], classes.length > MOST_WORDS ? [] : texts];
}

function legend({ classes }: Task): Markup {
  const mark = (code: number): Markup => new Markup(swatch({ colour: colourOf(code), dash: [0, 0], shape: 'circle' }, true));
  return html`<ul class="legend" aria-label="Classes">
    ${classes.map((name, code) => html`<li data-c="${colourOf(code)}">${mark(code)}${name}</li>`)}
  </ul>`;
}

/** The cells on the map, as they are labelled and as the best panel has them. */
async function sideBySide(model: DataModel, block: Block, task: Task, { cells, xy }: Shown): Promise<Markup[]> {
  const { name, codes, classes } = task;
  const method = model.embedding!.method;
  const truth = Int32Array.from(cells, (i) => codes[i]);
  const record = (at: number): Record<string, number | string> => ({
    cell: model.data.obs.index[cells[at]],
    x: Number(xy[2 * at].toFixed(2)),
    y: Number(xy[2 * at + 1].toFixed(2)),
    label: truth[at] < 0 ? '' : classes[truth[at]],
  });
  const all = Array.from(cells.keys());
  const sample = cells.length < codes.length ? ` ${whole(cells.length)} of ${whole(codes.length)} cells, drawn at random.` : '';
  const figures = [
    figure({
      svg: scatter(...byClass(cells, truth, classes, xy)),
      alt: `${method} of the cells, coloured by ${name}.`,
      caption: `${method} of the cells by their ${name}.${sample}`,
      file: `map-${name}`,
      data: all.map(record),
    }),
  ];
  const { ranking, k } = model.headline(block);
  if (ranking.length === 0) return figures;
  const { selector } = ranking[0];
  const chosen = model.panels(selector, k, name)[0];
  if (!chosen) return figures;
  const called = await callsOf(model.data, codes, {
    genes: chosen.panel.genes.subarray(0, chosen.size),
    cells,
    classCount: classes.length,
  });
  const judged = all.filter((at) => truth[at] >= 0);
  const wrong = judged.filter((at) => called[at] !== truth[at]);
  const [points, groups, texts] = byClass(cells, called, classes, xy);
  const right = percent(1 - wrong.length / Math.max(1, judged.length));
  figures.push(
    figure({
      svg: scatter(points, [{ colour: 'var(--ink)', size: 4.4, points: wrong }, ...groups], texts),
      alt: `${method} of the cells, coloured by the ${name} that the panel of ${selector} gives them.`,
      caption: `The same cells by the ${name} that the panel of ${selector} gives them (k = ${k}, one seed): the vote of their five nearest neighbours among cells of other fifths. ${right} are right; wrong ones are ringed.`,
      file: `map-${name}-called`,
      data: all.map((at) => ({ ...record(at), called: classes[called[at]] ?? '' })),
    }),
  );
  return figures;
}

/** Cells that are shown, and where: cells x 2. */
interface Shown {
  readonly cells: Uint32Array;
  readonly xy: Float32Array;
}

function shownCells({ data, embedding }: DataModel, most: number): Shown {
  const total = data.obs.index.length;
  const drawn = Random.of(0, 'report', 'map').permutation(total).slice(0, most).sort();
  const xy = new Float32Array(2 * drawn.length);
  drawn.forEach((i, at) => xy.set(embedding!.coordinates.subarray(2 * i, 2 * i + 2), 2 * at));
  return { cells: Uint32Array.from(drawn), xy };
}

function geneMaps(model: DataModel, block: Block): Markup {
  const { ranking, k } = model.headline(block);
  if (ranking.length === 0) return html``;
  const { selector } = ranking[0];
  const genes = agreed(model, selector, { k, task: block.task }).slice(0, Math.min(k, MOST_GENES));
  const { cells, xy } = shownCells(model, MOST_GENE_CELLS);
  const figures = genes.map(({ name, column }) => {
    const { data } = denseBlock(model.data.X, cells, [column]);
    const low = Math.min(0, ...data);
    const high = Array.from(data).sort((a, b) => a - b)[Math.floor(0.99 * (data.length - 1))] - low || Math.max(...data) - low || 1;
    const levelOf = (x: number): number => (x - low <= 0 ? 0 : Math.min(LEVELS, Math.ceil((LEVELS * (x - low)) / high)));
    const groups = Array.from({ length: LEVELS + 1 }, (_, level) => ({
      colour: level === 0 ? 'var(--rule)' : 'var(--heat)',
      opacity: level === 0 ? 1 : Number((level / LEVELS).toFixed(2)),
      points: Array.from(data.keys()).filter((at) => levelOf(data[at]) === level),
    }));
    return figure({
      svg: scatter(xy, groups),
      alt: `Expression of ${name} on the ${model.embedding!.method} of the cells.`,
      caption: name,
      file: `map-${name}`,
      data: Array.from(data, (x, at) => ({ cell: model.data.obs.index[cells[at]], expression: Number(x.toPrecision(4)) })),
    });
  });
  return html`<div class="block">
    <h3>The panel's genes on the cells <small>${selector}, k = ${k}</small></h3>
    <p class="note">
      The genes chosen in most seeds, on ${whole(cells.length)} cells: grey where a gene is not seen, darker where it is higher.
    </p>
    <div class="charts small">${figures}</div>
  </div>`;
}

/** What the cells are, where they lie, and what the best panel takes them for; `tasks` limits how many tasks are drawn. */
export async function cells(model: DataModel, draw: Draw, options: { tasks: number; genes: boolean }): Promise<Markup> {
  const { rows, embedding, data } = model;
  const hasMap = embedding !== undefined && embedding.coordinates.length === 2 * data.obs.index.length;
  const tasks = rows.axes.tasks.slice(0, options.tasks).flatMap((name) => taskOf(model, name) ?? []);
  if (tasks.length === 0) return html``;
  const shown = hasMap ? shownCells(model, MOST_CELLS) : undefined;
  const parts: Markup[] = [];
  for (const task of tasks) {
    const block = model.blocks.find((b) => b.task === task.name);
    const maps = shown && block && task.classes.length <= MOST_CLASSES ? await sideBySide(model, block, task, shown) : [];
    parts.push(
      html`<div class="block">
        <h3>${task.name}</h3>
        ${maps.length > 0 ? legend(task) : ''}
        <div class="charts">${maps}${await distribution(task, draw)}</div>
      </div>`,
    );
  }
  const first = model.blocks.find((b) => b.task === tasks[0].name);
  return html`<section id="cells">
    <h2>The cells</h2>
    ${parts}${hasMap && options.genes && first ? geneMaps(model, first) : ''}
  </section>`;
}
