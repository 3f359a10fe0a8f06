import type { CscMatrix } from '../data/matrix.ts';
import { leastSquares, solve } from './linear.ts';
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

/**
 * Predicts every gene from the panel by least squares with intercept (MarkerMap, doi:10.1038/s41540-022-00249-1 eq. 10-11, as its code computes
 * them): l2 = mean squared and l1 = mean absolute error over all entries of the test cells, agreement of the genes' variances, and the
 * mean over genes of Pearson's correlation (genes constant on either side left out).
 */
export async function reconstruct(
  input: ReconstructionInput,
  onGene: (done: number) => void | Promise<void> = () => {},
): Promise<Record<string, number>> {
  const { learn, test } = input;
  const genes = learn.cols;
  const k = input.panel.length;
  const model = leastSquares(design(learn, input), k);
  const probe = design(test, input);
  const own = new Float64Array(learn.rows);
  const truth = new Float64Array(test.rows);
  const predicted = new Float64Array(test.rows);
  const [trueVariance, predictedVariance] = [new Float64Array(genes), new Float64Array(genes)];
  let [l1, l2, correlation, correlated] = [0, 0, 0, 0];
  for (let j = 0; j < genes; j++) {
    const product = new Float64Array(k);
    const zero = scores(learn, j, input, own);
    let mean = 0;
    for (let i = 0; i < learn.rows; i++) mean += own[i] / learn.rows;
    // Columns of the centred design sum to zero, so cells at the value of an unstored entry add nothing when it is subtracted.
    for (let p = learn.indptr[j]; p < learn.indptr[j + 1]; p++) {
      const i = learn.indices[p];
      const y = own[i] - zero;
      for (let a = 0; a < k; a++) product[a] += model.centred[i * k + a] * y;
    }
    const weights = solve(model, product);
    let base = mean;
    for (let a = 0; a < k; a++) base -= weights[a] * model.mean[a];
    scores(test, j, input, truth);
    for (let i = 0; i < test.rows; i++) {
      let y = base;
      for (let a = 0; a < k; a++) y += weights[a] * probe[i * k + a];
      predicted[i] = y;
      l2 += (y - truth[i]) ** 2;
      l1 += Math.abs(y - truth[i]);
    }
    trueVariance[j] = variance(truth);
    predictedVariance[j] = variance(predicted);
    const r = trueVariance[j] > 0 && predictedVariance[j] > 1e-20 ? pearson(truth, predicted) : Number.NaN;
    if (!Number.isNaN(r)) {
      correlation += r;
      correlated++;
    }
    await onGene(j + 1);
  }
  const entries = genes * test.rows;
  return {
    l2: l2 / entries,
    l1: l1 / entries,
    jaccard_top20_variance: jaccardTop(trueVariance, predictedVariance, 0.2),
    spearman_variance: spearman(trueVariance, predictedVariance),
    pcc: correlation / correlated,
  };
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
