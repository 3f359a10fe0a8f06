import { type CscMatrix, toCsc } from '../../data/matrix.ts';
import { breather, classCells, learningCells, panelOf, requireFinite, valuedCells } from '../_cells.ts';
import { DataError, type Dataset, defineSelector, type Split, Task, z } from '../contract.ts';

/** A gain below this, of a whole of 1 a task, is rounding. */
const ROUNDING = 1e-12;

/** How much a class of n cells weighs: n to this power, over that of all cells. */
const POWERS = { equal: 1, root: 0.5, size: 0 } as const;

const params = z.strictObject({
  tasks: z.array(Task),
  limit: z
    .int()
    .positive()
    .default(256)
    .describe('how many genes are chosen one by one (at least the largest k); the others follow by what they would still add'),
  penalty: z
    .number()
    .positive()
    .default(1)
    .describe('of the ridge, in variances of a typical variable gene; more keeps to genes of strong signal, less minds redundancy more'),
  class_weight: z
    .enum(['equal', 'root', 'size'])
    .default('root')
    .describe('what classes weigh: all the same, by the root of their cells, or by their cells'),
});

/** Genes by forward selection in a ridge regression of all classes, or numbers, of all tasks. See docs/papers/own-selector.md. */
export default defineSelector({
  id: 'ridge-forward',
  version: 1,
  summary: 'Forward selection in a ridge regression on the classes of all tasks: each gene adds most to those chosen before',
  cites: ['10.1080/00207178908953472', '10.1214/aos/1176324456', '10.1080/01621459.1994.10476866'],
  traits: ['multi-task'],
  memory: {
    formula: '8 bytes x values of the learning cells + 8 bytes x genes x (limit + 3 + classes) for each task + 24 bytes x cells',
    bytes: ({ cells, genes, values, classes }, { limit, tasks }) =>
      8 * values + 8 * genes * (Math.min(limit, genes) + 3 + Math.max(1, classes) * tasks.length) + 24 * cells,
    mend: 'Use fewer genes (hvg.top), or a smaller limit.',
  },
  params,
  run: async (context, { data, split }, { tasks, limit, penalty, class_weight }) => {
    if (tasks.length === 0) throw new DataError('ridge-forward needs a task', { mend: 'Name a column to predict under `tasks`.' });
    requireFinite(data);
    const breathe = breather(context);
    await context.breathe();
    const rows = learningCells(split);
    const matrix = toCsc(data.X, rows);
    const targets = tasks.flatMap((task) => targetsOf(data, split, { task, rows, power: POWERS[class_weight] }));
    const forward = new Forward(matrix, targets, penalty);
    const steps = Math.min(limit, matrix.cols);
    const genes: number[] = [];
    const scores: number[] = [];
    while (genes.length < steps) {
      const gains = forward.gains();
      const best = gains.reduce((most, gain, j) => (gain > gains[most] ? j : most), 0);
      if (gains[best] === 0) break;
      forward.take(best);
      genes.push(best);
      scores.push(gains[best]);
      context.progress(genes.length / steps, `gene ${genes.length} of ${steps}`);
      await breathe();
    }
    const { orderDescending } = await import('../../stats/ranks.ts');
    const [gains, taken] = [forward.gains(), new Set(genes)];
    const rest = orderDescending(gains).filter((j) => !taken.has(j));
    return {
      panel: panelOf(
        data,
        Uint32Array.from([...genes, ...rest]),
        Float64Array.from([...scores, ...Array.from(rest, (j) => gains[j])]),
        tasks.length === 1 ? tasks[0].column : null,
      ),
      facts: { chosen_greedily: genes.length, explained: scores.reduce((sum, gain) => sum + gain, 0) },
    };
  },
});

/** A column to regress on: one value for each learning cell, which sum to zero; zero where a cell has none. */
type Target = Float64Array;

/** The columns of one task: a weighted indicator for each class, or the standardised number. Their squares sum to 1 over the task. */
function targetsOf(data: Dataset, split: Split, { task, rows, power }: { task: Task; rows: Uint32Array; power: number }): Target[] {
  const place = new Map(Array.from(rows, (row, at) => [row, at]));
  const columns: Target[] = [];
  const add = (known: Uint32Array, value: (i: number) => number): void => {
    const column = new Float64Array(rows.length);
    known.forEach((row, i) => (column[place.get(row)!] = value(i)));
    columns.push(column);
  };
  if (task.kind === 'regression') {
    const { rows: known, values } = valuedCells(data, rows, task);
    const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
    add(known, (i) => values[i] - mean);
  } else {
    const { rows: known, codes, classCount } = classCells(data, split, task);
    for (let c = 0; c < classCount; c++) {
      const share = codes.reduce((count, code) => count + Number(code === c), 0) / codes.length;
      add(known, (i) => share ** (-power / 2) * (Number(codes[i] === c) - share));
    }
  }
  const whole = columns.reduce((sum, column) => sum + column.reduce((s, y) => s + y * y, 0), 0) || 1;
  return columns.map((column) => column.map((y) => y / Math.sqrt(whole)));
}

/**
 * Forward selection in ridge regression of several targets on centred genes. With the genes chosen so far projected out, gene j has
 * norm v and products p with the targets; taking it lowers the penalised sum of squares by |p|^2 / (v + penalty), exactly. Taking
 * a gene is a step of Cholesky's factorisation of genes' covariances plus the penalty, pivoted by that gain: O(values + genes x chosen).
 */
class Forward {
  readonly #matrix: CscMatrix;
  readonly #penalty: number;
  readonly #means: Float64Array;
  /** What is left of each gene's sum of squares. */
  readonly #norms: Float64Array;
  /** What is left of its products with the targets; genes x targets. */
  readonly #products: Float64Array;
  readonly #targets: number;
  readonly #taken: number[] = [];
  /** A row of the factor for each gene chosen. */
  readonly #factor: Float64Array[] = [];

  constructor(matrix: CscMatrix, targets: readonly Target[], penalty: number) {
    const { rows, cols, indptr, indices, data } = matrix;
    this.#matrix = matrix;
    this.#targets = targets.length;
    this.#means = new Float64Array(cols);
    this.#norms = new Float64Array(cols);
    this.#products = new Float64Array(cols * targets.length);
    for (let j = 0; j < cols; j++) {
      let [sum, square] = [0, 0];
      for (let p = indptr[j]; p < indptr[j + 1]; p++) {
        sum += data[p];
        square += data[p] ** 2;
      }
      this.#means[j] = sum / rows;
      this.#norms[j] = Math.max(0, square - (sum * sum) / rows);
      targets.forEach((target, t) => {
        let product = 0;
        for (let p = indptr[j]; p < indptr[j + 1]; p++) product += data[p] * target[indices[p]];
        this.#products[j * targets.length + t] = product;
      });
    }
    // The mean of variances weighed by themselves: silent genes, however many, leave it as it is.
    const [sum, squares] = this.#norms.reduce(([s, q], v) => [s + v, q + v * v], [0, 0]);
    this.#penalty = sum > 0 ? (penalty * squares) / sum : 1;
  }

  /** What each gene would take off the penalised sum of squares; 0 for those taken. */
  gains(): Float64Array {
    const gains = new Float64Array(this.#matrix.cols);
    for (let j = 0; j < gains.length; j++) {
      let square = 0;
      for (let at = j * this.#targets; at < (j + 1) * this.#targets; at++) square += this.#products[at] ** 2;
      const gain = square / (this.#norms[j] + this.#penalty);
      gains[j] = gain > ROUNDING ? gain : 0;
    }
    for (const j of this.#taken) gains[j] = 0;
    return gains;
  }

  /** Projects a gene out of all others. */
  take(gene: number): void {
    const q = this.#targets;
    const length = Math.sqrt(this.#norms[gene] + this.#penalty);
    const row = this.#covariances(gene);
    for (const before of this.#factor) {
      const weight = before[gene];
      if (weight !== 0) for (let j = 0; j < row.length; j++) row[j] -= weight * before[j];
    }
    const explained = this.#products.slice(gene * q, (gene + 1) * q).map((product) => product / length);
    for (let j = 0; j < row.length; j++) {
      row[j] /= length;
      this.#norms[j] = Math.max(0, this.#norms[j] - row[j] ** 2);
      for (let t = 0; t < q; t++) this.#products[j * q + t] -= row[j] * explained[t];
    }
    this.#factor.push(row);
    this.#taken.push(gene);
  }

  /** Inner products of one centred gene with all. */
  #covariances(gene: number): Float64Array {
    const { rows, cols, indptr, indices, data } = this.#matrix;
    const values = new Float64Array(rows);
    for (let p = indptr[gene]; p < indptr[gene + 1]; p++) values[indices[p]] = data[p];
    const out = new Float64Array(cols);
    for (let j = 0; j < cols; j++) {
      let product = -rows * this.#means[j] * this.#means[gene];
      for (let p = indptr[j]; p < indptr[j + 1]; p++) product += data[p] * values[indices[p]];
      out[j] = product;
    }
    return out;
  }
}
