import { mean, standardDeviation, studentQuantile } from './bootstrap.ts';
import { logNormalP, logStudentP } from './distributions.ts';
import { averageRanks } from './ranks.ts';

/** What a paired t test says of the mean difference; t, p and interval are NaN below two pairs. */
export interface PairedTest {
  readonly n: number;
  readonly mean: number;
  /** Standard deviation of the differences (n - 1 below). */
  readonly sd: number;
  readonly t: number;
  readonly df: number;
  /** Two-sided. */
  readonly p: number;
  readonly low: number;
  readonly high: number;
}

/** What `pairedTest` may be told. */
export interface PairedTestOptions {
  /** Test cells over learning cells, where every pair is one more random division of the same cells; 0: the pairs are independent. */
  readonly testToLearning?: number;
  readonly level?: number;
}

/**
 * Paired t test: t = mean / (sd sqrt(1/n + q)), n - 1 degrees of freedom. With q = 0 it is Student's. With q = test / learning cells it
 * is the corrected resampled t test of Nadeau and Bengio (2003, Machine Learning 52:239, section 4): random divisions of the same
 * cells share most of what they learn from, so that their results are alike and Student's test finds differences that are none.
 */
export function pairedTest(differences: ArrayLike<number>, { testToLearning = 0, level = 0.95 }: PairedTestOptions = {}): PairedTest {
  const n = differences.length;
  const centre = mean(differences);
  const sd = standardDeviation(differences);
  const df = n - 1;
  const error = sd * Math.sqrt(1 / n + testToLearning);
  const t = centre / error;
  const reach = n < 2 ? Number.NaN : quantileOf(level, df) * error;
  return { n, mean: centre, sd, t, df, p: studentP(t, df), low: centre - reach, high: centre + reach };
}

const QUANTILES = new Map<string, number>();

// A report asks for the same few over and over.
function quantileOf(level: number, df: number): number {
  const key = `${level} ${df}`;
  const found = QUANTILES.get(key) ?? studentQuantile(level, df);
  QUANTILES.set(key, found);
  return found;
}

function studentP(t: number, df: number): number {
  if (Number.isNaN(t)) return Number.NaN;
  return Number.isFinite(t) ? Math.exp(logStudentP(t, df)) : 0;
}

/** What Wilcoxon's signed-rank test says. */
export interface SignedRankTest {
  /** Pairs whose difference is not 0. */
  readonly n: number;
  /** The smaller sum of ranks. */
  readonly statistic: number;
  /** Two-sided; NaN where no difference is left. */
  readonly p: number;
  readonly isExact: boolean;
}

/** Up to here all 2^n signs are counted. */
const MOST_EXACT = 25;

/**
 * Wilcoxon's signed-rank test (1945): differences of 0 are dropped; exact up to 25 pairs without ties or zeros, else by the normal
 * law with corrections for ties and continuity, as scipy's `wilcoxon(zero_method='wilcox', correction=True)`.
 */
export function signedRankTest(differences: ArrayLike<number>): SignedRankTest {
  const kept = Float64Array.from(differences).filter((d) => d !== 0);
  const n = kept.length;
  const sizes = kept.map(Math.abs);
  const ranks = averageRanks(sizes);
  let positive = 0;
  for (let i = 0; i < n; i++) if (kept[i] > 0) positive += ranks[i];
  const statistic = Math.min(positive, (n * (n + 1)) / 2 - positive);
  const ties = tieSum(sizes);
  const isExact = n <= MOST_EXACT && n === differences.length && ties === 0;
  if (n === 0) return { n, statistic, p: Number.NaN, isExact };
  if (isExact) return { n, statistic, p: Math.min(1, 2 * signedRankBelow(statistic, n)), isExact };
  const sd = Math.sqrt((n * (n + 1) * (2 * n + 1) - ties / 2) / 24);
  const away = Math.max(0, (n * (n + 1)) / 4 - statistic - 0.5);
  return { n, statistic, p: Math.exp(logNormalP(away / sd)), isExact };
}

/** Sum of t^3 - t over groups of t equal values: what corrections for ties take off. */
export function tieSum(values: ArrayLike<number>): number {
  const counts = new Map<number, number>();
  for (let i = 0; i < values.length; i++) counts.set(values[i], (counts.get(values[i]) ?? 0) + 1);
  let sum = 0;
  for (const t of counts.values()) sum += t ** 3 - t;
  return sum;
}

/** Share of all 2^n signs whose sum of positive ranks is at most w. */
function signedRankBelow(w: number, n: number): number {
  const most = (n * (n + 1)) / 2;
  const ways = new Float64Array(most + 1);
  ways[0] = 1;
  for (let rank = 1; rank <= n; rank++) for (let s = most; s >= rank; s--) ways[s] += ways[s - rank];
  let below = 0;
  for (let s = 0; s <= w; s++) below += ways[s];
  return below / 2 ** n;
}

/**
 * p-values after Holm (1979): the smallest times m, the next times m - 1, ..., never falling, at most 1. It bounds the chance of even
 * one false find, whatever the tests have to do with each other. NaN stays NaN and does not count.
 */
export function holm(p: ArrayLike<number>): Float64Array {
  const { order, out } = adjusting(p);
  let highest = 0;
  order.forEach((at, i) => {
    highest = Math.max(highest, Math.min(1, (order.length - i) * p[at]));
    out[at] = highest;
  });
  return out;
}

/**
 * p-values after Benjamini and Hochberg (1995): the i-th smallest times m / i, never rising towards smaller ones. It bounds the share
 * of finds that are false. NaN stays NaN and does not count.
 */
export function benjaminiHochberg(p: ArrayLike<number>): Float64Array {
  const { order, out } = adjusting(p);
  let lowest = 1;
  for (let i = order.length - 1; i >= 0; i--) {
    lowest = Math.min(lowest, (order.length / (i + 1)) * p[order[i]]);
    out[order[i]] = lowest;
  }
  return out;
}

/** Places of the p-values that are there, smallest first, and room for the adjusted ones. */
function adjusting(p: ArrayLike<number>): { order: number[]; out: Float64Array } {
  const order = Array.from({ length: p.length }, (_, i) => i)
    .filter((i) => !Number.isNaN(p[i]))
    .sort((a, b) => p[a] - p[b]);
  return { order, out: new Float64Array(p.length).fill(Number.NaN) };
}
