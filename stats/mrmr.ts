import type { CscMatrix } from '../data/matrix.ts';
import { classSums, type LabelledRows } from './class-cells.ts';
import { orderDescending } from './ranks.ts';

/** One-way ANOVA F of each gene over the classes, in float64 from sums; NaN (a constant gene) becomes 0. */
export function anovaF(input: LabelledRows): Float64Array {
  const { matrix, rows, classCount } = input;
  const n = rows.length;
  const { cols } = matrix;
  const { sizes, sums, squares } = classSums(input);
  const f = new Float64Array(cols);
  for (let j = 0; j < cols; j++) {
    let [sum, square, between] = [0, 0, 0];
    for (let c = 0; c < classCount; c++) {
      const s = sums[c * cols + j];
      sum += s;
      square += squares[c * cols + j];
      between += (s * s) / sizes[c];
    }
    between -= (sum * sum) / n;
    const within = square - (sum * sum) / n - between;
    const value = between / (classCount - 1) / (within / (n - classCount));
    f[j] = Number.isNaN(value) ? 0 : value;
  }
  return f;
}

/** F of the correlation of each gene with a value: r^2 / (1 - r^2) * (n - 2); 0 for a constant gene. */
export function correlationF(matrix: CscMatrix, values: Float64Array): Float64Array {
  const n = matrix.rows;
  const mean = values.reduce((a, b) => a + b, 0) / n;
  const centred = values.map((v) => v - mean);
  const norm = Math.sqrt(centred.reduce((a, b) => a + b * b, 0));
  return correlations(matrix, columnNorms(matrix), centred, norm).map((r) => (Number.isNaN(r) ? 0 : ((r * r) / (1 - r * r)) * (n - 2)));
}

/** Per gene: the length of its centred column. */
function columnNorms({ rows: n, cols, indptr, data }: CscMatrix): Float64Array {
  const norms = new Float64Array(cols);
  for (let j = 0; j < cols; j++) {
    let mean = 0;
    for (let p = indptr[j]; p < indptr[j + 1]; p++) mean += data[p] / n;
    let square = (n - (indptr[j + 1] - indptr[j])) * mean * mean;
    for (let p = indptr[j]; p < indptr[j + 1]; p++) square += (data[p] - mean) ** 2;
    norms[j] = Math.sqrt(square);
  }
  return norms;
}

/** Pearson's correlation of each gene with one centred vector: O(non-zeros), as the centred vector sums to zero. */
function correlations({ cols, indptr, indices, data }: CscMatrix, norms: Float64Array, centred: Float64Array, norm: number): Float64Array {
  const r = new Float64Array(cols);
  for (let j = 0; j < cols; j++) {
    let dot = 0;
    for (let p = indptr[j]; p < indptr[j + 1]; p++) dot += data[p] * centred[indices[p]];
    r[j] = dot / (norms[j] * norm);
  }
  return r;
}

/** How mRMR goes on. */
export interface MrmrOptions {
  /** How many genes are chosen greedily. */
  readonly limit: number;
  /** Awaited after each gene. */
  readonly onGene?: (done: number) => void | Promise<void>;
}

/**
 * mRMR by quotient (Ding and Peng 2005, doi:10.1142/S0219720005001004; Zhao et al. 2019, arXiv:1908.05376, FCQ): each step takes the gene
 * with the highest relevance / mean |correlation with those chosen| (each at least 0.001), lower index on ties. After `limit` genes
 * the others follow by relevance. Only genes of positive relevance are chosen greedily. Scores: the quotient, then the relevance.
 */
export async function mrmr(
  matrix: CscMatrix,
  relevance: Float64Array,
  { limit, onGene = () => {} }: MrmrOptions,
): Promise<{ genes: Uint32Array; scores: Float64Array; chosen: number }> {
  const { rows, cols } = matrix;
  const norms = columnNorms(matrix);
  const redundancy = new Float64Array(cols);
  const isTaken = new Uint8Array(cols);
  const order: number[] = [];
  const scores: number[] = [];
  const steps = Math.min(
    limit,
    relevance.reduce((count, f) => count + (f > 0 ? 1 : 0), 0),
  );
  while (order.length < steps) {
    let [best, bestScore] = [-1, Number.NEGATIVE_INFINITY];
    for (let j = 0; j < cols; j++) {
      if (isTaken[j] || !(relevance[j] > 0)) continue;
      const score = order.length === 0 ? relevance[j] : quotient(relevance[j], redundancy[j] / order.length);
      if (score > bestScore) [best, bestScore] = [j, score];
    }
    isTaken[best] = 1;
    order.push(best);
    scores.push(bestScore);
    const centred = centredColumn(matrix, best, rows);
    correlations(matrix, norms, centred, norms[best]).forEach(
      (r, j) => (redundancy[j] += Number.isNaN(r) ? 0.001 : Math.max(Math.abs(r), 0.001)),
    );
    await onGene(order.length);
  }
  const rest = orderDescending(relevance).filter((j) => !isTaken[j]);
  return {
    genes: Uint32Array.from([...order, ...rest]),
    scores: Float64Array.from([...scores, ...Array.from(rest, (j) => relevance[j])]),
    chosen: order.length,
  };
}

/** A gene that merely repeats all chosen ones gets 0, as in the reference implementation. */
const quotient = (relevance: number, redundancy: number): number => (redundancy === 1 ? 0 : relevance / redundancy);

function centredColumn({ indptr, indices, data }: CscMatrix, j: number, rows: number): Float64Array {
  let mean = 0;
  for (let p = indptr[j]; p < indptr[j + 1]; p++) mean += data[p] / rows;
  const centred = new Float64Array(rows).fill(-mean);
  for (let p = indptr[j]; p < indptr[j + 1]; p++) centred[indices[p]] += data[p];
  return centred;
}
