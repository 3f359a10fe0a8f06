import { labels as classesOf } from '../../data/dataset.ts';
import { Random } from '../../stats/random.ts';
import { learningCells, valuedCells } from '../_cells.ts';
import { type Dataset, defineLabeler, type Labels, Task, z } from '../contract.ts';

/** Wrong labels for a share of the cells that are learned from; test cells keep theirs. */
export default defineLabeler({
  id: 'noise',
  version: 1,
  summary: 'Give a share of the train and validation cells a label drawn at random; test cells keep theirs',
  cites: ['arXiv:2207.14106'],
  params: z.strictObject({
    tasks: z.array(Task),
    fraction: z.number().min(0).max(1).describe('of the train and validation cells with a label; rounded down to whole cells'),
    always_wrong: z
      .boolean()
      .default(false)
      .describe('draw among the other classes only; by default the true label may be drawn too, as in the MarkerMap paper'),
  }),
  run: async ({ seed }, { data, split }, { tasks, fraction, always_wrong }) => {
    const changed: Labels[] = [];
    let cells = 0;
    for (const task of tasks) {
      const random = Random.of(seed, 'label-noise', task.column, fraction);
      const made = task.kind === 'classification' ? noisyClasses : noisyValues;
      const { labels, count } = made(data, learningCells(split), { task, fraction, random, isOther: always_wrong });
      changed.push(labels);
      cells += count;
    }
    return { labels: Object.assign({}, ...changed) as Labels, facts: { fraction, relabelled_cells: cells } };
  },
});

interface Noise {
  readonly task: Task;
  readonly fraction: number;
  readonly random: Random;
  /** Never the label that the cell has. */
  readonly isOther: boolean;
}

/** int(fraction x n) of the labelled cells, drawn without replacement. */
function drawn(cells: Uint32Array, { fraction, random }: Noise): number[] {
  const order = random.permutation(cells.length);
  return Array.from(order.subarray(0, Math.floor(fraction * cells.length)), (at) => cells[at]);
}

/** Labels drawn uniformly from all classes of the column (Gregory et al. 2022, MarkerMap, label noise). */
function noisyClasses(data: Dataset, learning: Uint32Array, noise: Noise): { labels: Labels; count: number } {
  const { codes, classes } = classesOf(data.obs, noise.task.column);
  const cells = drawn(
    learning.filter((i) => codes[i] >= 0),
    noise,
  );
  const own = codes.slice();
  for (const i of cells) {
    const draw = noise.random.below(classes.length - (noise.isOther ? 1 : 0));
    own[i] = noise.isOther && draw >= codes[i] ? draw + 1 : draw;
  }
  return { labels: { [noise.task.column]: { kind: 'category', codes: own, categories: classes } }, count: cells.length };
}

/** Values of other cells, drawn with replacement. */
function noisyValues(data: Dataset, learning: Uint32Array, noise: Noise): { labels: Labels; count: number } {
  const known = valuedCells(data, learning, noise.task);
  const found = data.obs.columns[noise.task.column];
  const own = found?.kind === 'number' ? found.values.slice() : new Float64Array(data.X.rows);
  const cells = drawn(known.rows, noise);
  for (const i of cells) own[i] = known.values[noise.random.below(known.values.length)];
  return { labels: { [noise.task.column]: { kind: 'number', values: own } }, count: cells.length };
}
