import { chiSquareTail, fisherTail, rangeQuantile } from './inference-distributions.ts';
import { tieSum } from './inference.ts';
import { averageRanks } from './ranks.ts';

/** What Friedman's test says of treatments that were all tried in each of some blocks. */
export interface RankTest {
  readonly blocks: number;
  /** Mean rank of each treatment, 1 = highest value; ties share their average rank. */
  readonly ranks: Float64Array;
  /** Friedman's chi-square, corrected for ties. */
  readonly chiSquare: number;
  readonly p: number;
  /** Iman and Davenport's F and its p, which are less timid. */
  readonly f: number;
  readonly pF: number;
}

/**
 * Friedman's test (1937), corrected for ties, with Iman and Davenport's (1980) F = (N - 1) chi2 / (N (k - 1) - chi2) of k - 1 and
 * (k - 1)(N - 1) degrees of freedom, as Demsar (2006, JMLR 7:1, section 3.2.2) advises. `scores` are blocks x treatments, row-major,
 * higher is better. NaN where all values of each block are equal; needs two blocks and two treatments.
 */
export function rankTest(scores: Float64Array, treatments: number): RankTest {
  const blocks = scores.length / treatments;
  const ranks = new Float64Array(treatments);
  let ties = 0;
  for (let b = 0; b < blocks; b++) {
    const row = scores.subarray(b * treatments, (b + 1) * treatments).map((x) => -x);
    averageRanks(row).forEach((rank, j) => (ranks[j] += rank / blocks));
    ties += tieSum(row);
  }
  const [n, k] = [blocks, treatments];
  const squares = ranks.reduce((sum, r) => sum + (r - (k + 1) / 2) ** 2, 0);
  const chiSquare = ((12 * n) / (k * (k + 1))) * (squares / (1 - ties / (n * k * (k * k - 1))));
  const rest = n * (k - 1) - chiSquare;
  const f = ((n - 1) * chiSquare) / Math.max(0, rest);
  // All blocks agree: one order in k! in each block after the first.
  const pF = rest <= 1e-9 * n ? factorial(k) ** (1 - n) : fisherTail(f, k - 1, (k - 1) * (n - 1));
  return { blocks, ranks, chiSquare, p: chiSquareTail(chiSquare, k - 1), f, pF };
}

const factorial = (k: number): number => (k < 2 ? 1 : k * factorial(k - 1));

/**
 * Nemenyi's critical difference (1963) of mean ranks, as Demsar (2006, section 3.2.2): q sqrt(k (k + 1) / (6 N)), q the quantile of
 * the studentised range at infinite degrees of freedom over sqrt(2).
 */
export function criticalDifference(treatments: number, blocks: number, level = 0.95): number {
  return (rangeQuantile(level, treatments) / Math.SQRT2) * Math.sqrt((treatments * (treatments + 1)) / (6 * blocks));
}

/**
 * Groups of treatments whose mean ranks lie within the critical difference, as places in `ranks` (rising rank); a group within another
 * is left out, and so are groups of one.
 */
export function rankGroups(ranks: ArrayLike<number>, critical: number): number[][] {
  const order = Array.from({ length: ranks.length }, (_, i) => i).sort((a, b) => ranks[a] - ranks[b]);
  const groups: number[][] = [];
  let reached = 0;
  order.forEach((first, i) => {
    let end = i;
    while (end + 1 < order.length && ranks[order[end + 1]] - ranks[first] < critical) end++;
    if (end > i && end > reached) {
      groups.push(order.slice(i, end + 1));
      reached = end;
    }
  });
  return groups;
}
