import { type ClassTests, classSizes, classSums, type LabelledColumns } from './differential.ts';

/** Settings of COSG, with the names of its Python package. */
export interface CosgOptions {
  /** Weight of the other classes in the specificity. */
  readonly mu: number;
  /** Puts genes seen in fewer than `expressedPct` of a class (and fewer than 3 cells) at the end of that class. */
  readonly removeLowlyExpressed: boolean;
  readonly expressedPct: number;
}

/**
 * COSG (Dai et al. 2022, doi:10.1093/bib/bbab579): cosine of each gene with the indicator of each class, made specific:
 * cos * cos^2 / ((1-mu) cos^2 + mu * sum over classes of cos^2).
 */
export function cosg(input: LabelledColumns, { mu, removeLowlyExpressed, expressedPct }: CosgOptions): ClassTests {
  const { matrix, classCount } = input;
  const { cols } = matrix;
  const sizes = classSizes(input);
  const { sums, squares } = classSums(input);
  const scores = new Float64Array(classCount * cols);
  for (let j = 0; j < cols; j++) {
    let norm = 0;
    for (let c = 0; c < classCount; c++) norm += squares[c * cols + j];
    if (norm === 0) continue;
    let total = 0;
    for (let c = 0; c < classCount; c++) {
      const cosine = sums[c * cols + j] / (Math.sqrt(norm) * Math.sqrt(sizes[c]));
      scores[c * cols + j] = cosine;
      total += cosine * cosine;
    }
    for (let c = 0; c < classCount; c++) {
      const cosine = scores[c * cols + j];
      const square = cosine * cosine;
      scores[c * cols + j] = cosine === 0 ? 0 : (cosine * square) / ((1 - mu) * square + mu * total);
    }
  }
  if (removeLowlyExpressed) dropRare(input, scores, sizes, expressedPct);
  return { classCount, geneCount: cols, scores, logP: new Float64Array(classCount * cols) };
}

function dropRare({ matrix, codes, classCount }: LabelledColumns, scores: Float64Array, sizes: Float64Array, share: number): void {
  const { cols, indptr, indices, data } = matrix;
  const seen = new Uint32Array(classCount);
  for (let j = 0; j < cols; j++) {
    seen.fill(0);
    for (let p = indptr[j]; p < indptr[j + 1]; p++) if (data[p] > 0) seen[codes[indices[p]]]++;
    for (let c = 0; c < classCount; c++) if (seen[c] < Math.max(sizes[c] * share, 3)) scores[c * cols + j] = -1;
  }
}
