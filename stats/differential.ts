import { classSizes, classSums, type LabelledColumns, type LabelledRows } from './class-cells.ts';
import { logNormalP, logStudentP } from './distributions.ts';
import { rankSums } from './rank-sums.ts';

/** A test of every gene in each class against the rest: class-major tables, classes x genes. */
export interface ClassTests {
  readonly classCount: number;
  readonly geneCount: number;
  /** The statistic: t, z or a cosine score. */
  readonly scores: Float64Array;
  /** Natural log of the two-sided p-value at a place of that table, computed when asked for. */
  readonly logP: (at: number) => number;
}

/**
 * Welch's t-test of each class against the rest, as scanpy's `t-test`; with `overestimate`, the rest counts as no larger than the class
 * (`t-test_overestim_var`). Needs at least 2 cells in each class and in its rest.
 */
export function welch(input: LabelledRows, { overestimate = false } = {}): ClassTests {
  const { matrix, rows, classCount } = input;
  const n = rows.length;
  const { cols } = matrix;
  const { sizes, sums, squares } = classSums(input);
  const scores = new Float64Array(classCount * cols);
  const freedom = new Float64Array(classCount * cols);
  for (let j = 0; j < cols; j++) {
    let sum = 0;
    let square = 0;
    for (let c = 0; c < classCount; c++) {
      sum += sums[c * cols + j];
      square += squares[c * cols + j];
    }
    for (let c = 0; c < classCount; c++) {
      const at = c * cols + j;
      const n1 = sizes[c];
      const n2 = overestimate ? n1 : n - n1;
      const m1 = sums[at] / n1;
      const m2 = (sum - sums[at]) / (n - n1);
      const a = variance(n1, m1, squares[at]) / n1;
      const b = variance(n - n1, m2, square - squares[at]) / n2;
      const t = (m1 - m2) / Math.sqrt(a + b);
      if (Number.isNaN(t)) continue;
      scores[at] = t;
      freedom[at] = (a + b) ** 2 / ((a * a) / (n1 - 1) + (b * b) / (n2 - 1));
    }
  }
  const logP = (at: number): number => (scores[at] === 0 ? 0 : logStudentP(scores[at], freedom[at]));
  return { classCount, geneCount: cols, scores, logP };
}

const variance = (n: number, mean: number, square: number): number => Math.max(0, (square - n * mean * mean) / (n - 1));

/**
 * Wilcoxon's rank-sum test of each class against the rest, as scanpy's `wilcoxon`: average ranks over all cells, normal approximation
 * without continuity correction.
 */
export async function wilcoxon(
  input: LabelledColumns,
  { tieCorrect = false, onGene }: { tieCorrect?: boolean; onGene?: (done: number) => void | Promise<void> } = {},
): Promise<ClassTests> {
  const { matrix, classCount } = input;
  const { rows: n, cols } = matrix;
  const sizes = classSizes(input);
  const { sums: scores, ties } = await rankSums(matrix, input, onGene);
  for (let j = 0; j < cols; j++) {
    const correction = tieCorrect ? 1 - ties[j] / (n * n * n - n) : 1;
    for (let c = 0; c < classCount; c++) {
      const n1 = sizes[c];
      const at = c * cols + j;
      const z = (scores[at] - (n1 * (n + 1)) / 2) / Math.sqrt((correction * n1 * (n - n1) * (n + 1)) / 12);
      scores[at] = Number.isFinite(z) ? z : 0;
    }
  }
  return { classCount, geneCount: cols, scores, logP: (at) => logNormalP(scores[at]) };
}

/**
 * Turns one-vs-rest tests into one ranking of all genes whose first k are, for every k, the panel of MarkerMap's one-vs-all rule:
 * row r holds each class's r-th gene (score descending, ties by lower gene index); rows are taken in order, and inside a row genes go by
 * ascending p (`by: 'p'`) or descending score (`by: 'score'`), ties by score, then by gene index; genes already taken are skipped.
 */
export function oneVsRestRanking(tests: ClassTests, by: 'p' | 'score'): { genes: Uint32Array; scores: Float64Array } {
  const { classCount, geneCount, scores, logP } = tests;
  const orders = Array.from({ length: classCount }, (_, c) => {
    const own = scores.subarray(c * geneCount, (c + 1) * geneCount);
    return Uint32Array.from({ length: geneCount }, (_unused, i) => i).sort((a, b) => own[b] - own[a] || a - b);
  });
  const genes = new Uint32Array(geneCount);
  const picked = new Float64Array(geneCount);
  const taken = new Uint8Array(geneCount);
  let count = 0;
  for (let r = 0; r < geneCount && count < geneCount; r++) {
    const row = orders.flatMap((order, c) => (taken[order[r]] ? [] : [c * geneCount + order[r]]));
    const key = new Map(row.map((at) => [at, by === 'p' ? logP(at) : 0]));
    row.sort((a, b) => key.get(a)! - key.get(b)! || scores[b] - scores[a] || (a % geneCount) - (b % geneCount));
    for (const at of row) {
      const gene = at % geneCount;
      if (taken[gene]) continue;
      taken[gene] = 1;
      picked[count] = scores[at];
      genes[count++] = gene;
    }
  }
  return { genes, scores: picked };
}
