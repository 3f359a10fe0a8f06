import type { CscMatrix } from '../data/matrix.ts';
import { logNormalP, logStudentP } from './distributions.ts';

/** A test of every gene in each class against the rest: class-major tables, classes x genes. */
export interface ClassTests {
  readonly classCount: number;
  readonly geneCount: number;
  /** The statistic: t, z or a cosine score. */
  readonly scores: Float64Array;
  /** Natural log of the two-sided p-value. */
  readonly logP: Float64Array;
}

/** Genes x cells by columns, with the class code of each cell (0 .. classCount-1). */
export interface LabelledColumns {
  readonly matrix: CscMatrix;
  readonly codes: Int32Array;
  readonly classCount: number;
}

/** Cells in each class. */
export function classSizes({ codes, classCount }: Pick<LabelledColumns, 'codes' | 'classCount'>): Float64Array {
  const sizes = new Float64Array(classCount);
  for (const c of codes) sizes[c]++;
  return sizes;
}

/** Per class and gene, in float64: sums and sums of squares (class-major). */
export function classSums({ matrix, codes, classCount }: LabelledColumns): { sums: Float64Array; squares: Float64Array } {
  const { cols, indptr, indices, data } = matrix;
  const sums = new Float64Array(classCount * cols);
  const squares = new Float64Array(classCount * cols);
  for (let j = 0; j < cols; j++) {
    for (let p = indptr[j]; p < indptr[j + 1]; p++) {
      const at = codes[indices[p]] * cols + j;
      sums[at] += data[p];
      squares[at] += data[p] * data[p];
    }
  }
  return { sums, squares };
}

/**
 * Welch's t-test of each class against the rest, as scanpy's `t-test`; with `overestimate`, the rest counts as no larger than the class
 * (`t-test_overestim_var`). Needs at least 2 cells in each class and in its rest.
 */
export function welch(input: LabelledColumns, { overestimate = false } = {}): ClassTests {
  const { matrix, classCount } = input;
  const { rows: n, cols } = matrix;
  const sizes = classSizes(input);
  const { sums, squares } = classSums(input);
  const scores = new Float64Array(classCount * cols);
  const logP = new Float64Array(classCount * cols);
  for (let j = 0; j < cols; j++) {
    let sum = 0;
    let square = 0;
    for (let c = 0; c < classCount; c++) {
      sum += sums[c * cols + j];
      square += squares[c * cols + j];
    }
    for (let c = 0; c < classCount; c++) {
      const at = c * cols + j;
      const [m1, v1] = moments(sizes[c], sums[at], squares[at]);
      const [m2, v2] = moments(n - sizes[c], sum - sums[at], square - squares[at]);
      const a = v1 / sizes[c];
      const n2 = overestimate ? sizes[c] : n - sizes[c];
      const b = v2 / n2;
      const t = (m1 - m2) / Math.sqrt(a + b);
      if (Number.isNaN(t)) continue;
      scores[at] = t;
      logP[at] = logStudentP(t, (a + b) ** 2 / ((a * a) / (sizes[c] - 1) + (b * b) / (n2 - 1)));
    }
  }
  return { classCount, geneCount: cols, scores, logP };
}

function moments(n: number, sum: number, square: number): [mean: number, variance: number] {
  const mean = sum / n;
  return [mean, Math.max(0, (square - n * mean * mean) / (n - 1))];
}

/** Order-preserving integer key of a float32. */
const floats = new Float32Array(1);
const bits = new Uint32Array(floats.buffer);
function keyOf(value: number): number {
  floats[0] = value;
  return bits[0] & 0x80000000 ? ~bits[0] >>> 0 : bits[0] + 0x80000000;
}

/**
 * Wilcoxon's rank-sum test of each class against the rest, as scanpy's `wilcoxon`: average ranks over all cells, normal approximation
 * without continuity correction; the zeros of a sparse column are one block of ties.
 */
export function wilcoxon(input: LabelledColumns, { tieCorrect = false } = {}): ClassTests {
  const { matrix, classCount } = input;
  const { rows: n, cols } = matrix;
  const sizes = classSizes(input);
  const scores = new Float64Array(classCount * cols);
  const logP = new Float64Array(classCount * cols);
  const rankSums = new Float64Array(classCount);
  const work = new Float64Array(n);
  for (let j = 0; j < cols; j++) {
    const ties = sumRanks(input, j, { rankSums, work, sizes });
    const correction = tieCorrect ? 1 - ties / (n * n * n - n) : 1;
    for (let c = 0; c < classCount; c++) {
      const n1 = sizes[c];
      const z = (rankSums[c] - (n1 * (n + 1)) / 2) / Math.sqrt((correction * n1 * (n - n1) * (n + 1)) / 12);
      if (!Number.isFinite(z)) continue;
      scores[c * cols + j] = z;
      logP[c * cols + j] = logNormalP(z);
    }
  }
  return { classCount, geneCount: cols, scores, logP };
}

interface RankWork {
  readonly rankSums: Float64Array;
  readonly work: Float64Array;
  readonly sizes: Float64Array;
}

/** Fills `rankSums` with the rank sum of each class in one gene; returns the sum of t^3 - t over groups of ties. */
function sumRanks({ matrix, codes, classCount }: LabelledColumns, gene: number, { rankSums, work, sizes }: RankWork): number {
  const { rows: n, indptr, indices, data } = matrix;
  const zeroKey = keyOf(0) * classCount;
  const zeros = Float64Array.from(sizes);
  let m = 0;
  let below = 0;
  for (let p = indptr[gene]; p < indptr[gene + 1]; p++) {
    if (data[p] === 0) continue;
    const c = codes[indices[p]];
    zeros[c]--;
    if (data[p] < 0) below++;
    work[m++] = keyOf(data[p]) * classCount + c;
  }
  const sorted = work.subarray(0, m).sort();
  const zeroCount = n - m;
  let ties = zeroCount ** 3 - zeroCount;
  for (let c = 0; c < classCount; c++) rankSums[c] = zeros[c] * (below + (zeroCount + 1) / 2);
  for (let i = 0; i < m;) {
    const key = Math.floor(sorted[i] / classCount);
    let e = i + 1;
    while (e < m && Math.floor(sorted[e] / classCount) === key) e++;
    const rank = (sorted[i] > zeroKey ? zeroCount : 0) + (i + e + 1) / 2;
    for (let x = i; x < e; x++) rankSums[sorted[x] - key * classCount] += rank;
    ties += (e - i) ** 3 - (e - i);
    i = e;
  }
  return ties;
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
    const row = orders.map((order, c) => c * geneCount + order[r]);
    row.sort((a, b) => (by === 'p' ? logP[a] - logP[b] : 0) || scores[b] - scores[a] || (a % geneCount) - (b % geneCount));
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
