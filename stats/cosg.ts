import { classSums, type LabelledRows } from './class-cells.ts';
import type { ClassTests } from './differential.ts';

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
export function cosg(input: LabelledRows, { mu, removeLowlyExpressed, expressedPct }: CosgOptions): ClassTests {
  const { matrix, classCount } = input;
  const { cols } = matrix;
  const { sizes, sums, squares, above } = classSums(input);
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
  if (removeLowlyExpressed) {
    for (let at = 0; at < scores.length; at++) {
      if (above[at] < Math.max(sizes[Math.floor(at / cols)] * expressedPct, 3)) scores[at] = -1;
    }
  }
  return { classCount, geneCount: cols, scores, logP: () => 0 };
}
