import type { CscMatrix } from '../data/matrix.ts';
import { type LeastSquares, leastSquares, solve } from './linear.ts';
import { orderDescending, pearson, spearman } from './ranks.ts';

/** All genes by columns, apart for learning and test cells, with the shift and scale that make each gene a z-score. */
export interface ReconstructionInput {
  readonly learn: CscMatrix;
  readonly test: CscMatrix;
  /** Panel genes, as column numbers. */
  readonly panel: Uint32Array;
  readonly mean: Float64Array;
  readonly sd: Float64Array;
  /** z-scores are clipped to [-clip, clip]. */
  readonly clip: number;
}

/** Gene j as z-scores, dense; the value of a cell that stores nothing is returned. */
function scores(matrix: CscMatrix, j: number, { mean, sd, clip }: ReconstructionInput, out: Float64Array): number {
  const bound = (x: number): number => Math.max(-clip, Math.min(clip, x));
  const zero = bound(-mean[j] / sd[j]);
  out.fill(zero);
  for (let p = matrix.indptr[j]; p < matrix.indptr[j + 1]; p++) out[matrix.indices[p]] = bound((matrix.data[p] - mean[j]) / sd[j]);
  return zero;
}

function design(matrix: CscMatrix, input: ReconstructionInput): Float64Array {
  const k = input.panel.length;
  const out = new Float64Array(matrix.rows * k);
  const gene = new Float64Array(matrix.rows);
  input.panel.forEach((j, at) => {
    scores(matrix, j, input, gene);
    for (let i = 0; i < matrix.rows; i++) out[i * k + at] = gene[i];
  });
  return out;
}

const variance = (x: Float64Array): number => {
  const mean = x.reduce((a, b) => a + b, 0) / x.length;
  return x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length;
};

/** Share of genes common to the two top fifths by variance: |A and B| / |A or B|. */
function jaccardTop(a: Float64Array, b: Float64Array, share: number): number {
  const count = Math.max(1, Math.floor(share * a.length));
  const top = new Set(orderDescending(a).subarray(0, count));
  const common = orderDescending(b)
    .subarray(0, count)
    .filter((j) => top.has(j)).length;
  return common / (2 * count - common);
}

/** How well the genes were predicted: over all of them, and Pearson's correlation of each (NaN where a side is constant). */
export interface Rebuilt {
  readonly values: Readonly<Record<string, number>>;
  readonly pcc: Float32Array;
}

/** Predicts one gene after the other from the panel and keeps account of the errors. */
class Reconstruction {
  readonly #input: ReconstructionInput;
  readonly #model: LeastSquares;
  readonly #probe: Float64Array;
  readonly #own: Float64Array;
  readonly #truth: Float64Array;
  readonly #predicted: Float64Array;
  readonly #trueVariance: Float64Array;
  readonly #predictedVariance: Float64Array;
  #l1 = 0;
  #l2 = 0;
  #sum = 0;
  #correlated = 0;
  /** Of each gene; NaN where either side is constant. */
  readonly #correlation: Float32Array;

  constructor(input: ReconstructionInput) {
    const { learn, test, panel } = input;
    this.#input = input;
    this.#model = leastSquares(design(learn, input), panel.length);
    this.#probe = design(test, input);
    this.#own = new Float64Array(learn.rows);
    this.#truth = new Float64Array(test.rows);
    this.#predicted = new Float64Array(test.rows);
    this.#trueVariance = new Float64Array(learn.cols);
    this.#predictedVariance = new Float64Array(learn.cols);
    this.#correlation = new Float32Array(learn.cols).fill(Number.NaN);
  }

  add(j: number): void {
    const truth = this.#truth;
    const predicted = this.#predicted;
    this.#predict(j);
    scores(this.#input.test, j, this.#input, truth);
    for (let i = 0; i < truth.length; i++) {
      this.#l2 += (predicted[i] - truth[i]) ** 2;
      this.#l1 += Math.abs(predicted[i] - truth[i]);
    }
    this.#trueVariance[j] = variance(truth);
    this.#predictedVariance[j] = variance(predicted);
    if (this.#trueVariance[j] <= 0 || this.#predictedVariance[j] <= 1e-20) return;
    const found = pearson(truth, predicted);
    this.#correlation[j] = found;
    this.#sum += found;
    this.#correlated++;
  }

  #predict(j: number): void {
    const { learn } = this.#input;
    const { features: k, centred, mean: shift } = this.#model;
    const own = this.#own;
    const zero = scores(learn, j, this.#input, own);
    const product = new Float64Array(k);
    // Columns of the centred design sum to zero, so cells at the value of an unstored entry add nothing when it is subtracted.
    for (let p = learn.indptr[j]; p < learn.indptr[j + 1]; p++) {
      const i = learn.indices[p];
      for (let a = 0; a < k; a++) product[a] += centred[i * k + a] * (own[i] - zero);
    }
    const weights = solve(this.#model, product);
    let base = own.reduce((sum, y) => sum + y, 0) / own.length;
    for (let a = 0; a < k; a++) base -= weights[a] * shift[a];
    for (let i = 0; i < this.#predicted.length; i++) {
      let y = base;
      for (let a = 0; a < k; a++) y += weights[a] * this.#probe[i * k + a];
      this.#predicted[i] = y;
    }
  }

  get rebuilt(): Rebuilt {
    const entries = this.#trueVariance.length * this.#truth.length;
    const values = {
      l2: this.#l2 / entries,
      l1: this.#l1 / entries,
      jaccard_top20_variance: jaccardTop(this.#trueVariance, this.#predictedVariance, 0.2),
      spearman_variance: spearman(this.#trueVariance, this.#predictedVariance),
      pcc: this.#sum / this.#correlated,
    };
    return { values, pcc: this.#correlation };
  }
}

/**
 * Predicts every gene from the panel by least squares with intercept (MarkerMap, arXiv:2207.14106 eq. 10-11, as its code computes them):
 * l2 = mean squared and l1 = mean absolute error over all entries of the test cells, agreement of the genes' variances, and the mean
 * over genes of Pearson's correlation (genes constant on either side left out).
 */
export async function reconstruct(input: ReconstructionInput, onGene: (done: number) => void | Promise<void> = () => {}): Promise<Rebuilt> {
  const work = new Reconstruction(input);
  for (let j = 0; j < input.learn.cols; j++) {
    work.add(j);
    await onGene(j + 1);
  }
  return work.rebuilt;
}

/** Mean and standard deviation (ddof 1, 0 becomes 1) of each gene over all rows, in float64. */
export function geneScaling({ rows, cols, indptr, data }: CscMatrix): { mean: Float64Array; sd: Float64Array } {
  const mean = new Float64Array(cols);
  const sd = new Float64Array(cols);
  for (let j = 0; j < cols; j++) {
    let sum = 0;
    for (let p = indptr[j]; p < indptr[j + 1]; p++) sum += data[p];
    mean[j] = sum / rows;
    let square = (rows - (indptr[j + 1] - indptr[j])) * mean[j] ** 2;
    for (let p = indptr[j]; p < indptr[j + 1]; p++) square += (data[p] - mean[j]) ** 2;
    sd[j] = Math.sqrt(square / (rows - 1)) || 1;
  }
  return { mean, sd };
}
