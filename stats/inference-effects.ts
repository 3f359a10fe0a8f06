import { mean, type Interval, type IntervalOptions, quantile, standardDeviation, studentQuantile } from './bootstrap.ts';
import { logGamma } from './distributions.ts';
import { bisect, normalBelow, normalQuantile, shiftedStudentTail } from './inference-distributions.ts';
import { Random } from './random.ts';

/** Cohen's d_z (1988, section 2.3.5): mean difference in standard deviations of the differences. */
export function cohenDz(differences: ArrayLike<number>): number {
  return mean(differences) / standardDeviation(differences);
}

/**
 * Hedges' factor (1981, equation 6e), which takes the bias of few pairs out of a standardised difference:
 * gamma(df/2) / (sqrt(df/2) gamma((df - 1)/2)). NaN below df = 2, where no unbiased estimate exists.
 */
export function hedgesFactor(df: number): number {
  if (df < 2) return Number.NaN;
  return Math.exp(logGamma(df / 2) - logGamma((df - 1) / 2)) / Math.sqrt(df / 2);
}

/** Cohen's d_z times Hedges' factor. */
export function hedgesGz(differences: ArrayLike<number>): number {
  return cohenDz(differences) * hedgesFactor(differences.length - 1);
}

/** Cliff's delta (1993): how much more often a value of `a` is above one of `b` than below it, over all pairs of one and the other; -1 to 1. */
export function cliffsDelta(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) for (let j = 0; j < b.length; j++) sum += Math.sign(a[i] - b[j]);
  return sum / (a.length * b.length);
}

/** Common-language effect size of pairs (McGraw and Wong 1992): the chance that a new difference is above 0, were they normal. */
export function commonLanguage(differences: ArrayLike<number>): number {
  return normalBelow(cohenDz(differences));
}

/**
 * Interval of the mean by the bias-corrected and accelerated bootstrap (Efron 1987), the same for the same seed. Of paired differences,
 * whole pairs are drawn. `bootstrapInterval` is the plain percentile one. NaN below two values.
 */
export function bcaInterval(values: ArrayLike<number>, options: IntervalOptions = {}): Interval {
  const { level = 0.95, resamples = 2000, seed = 0 } = options;
  const random = Random.of(seed, 'bootstrap');
  const n = values.length;
  const means = Float64Array.from({ length: resamples }, () => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += values[random.below(n)];
    return sum / n;
  });
  return bcaOf(values, means, level);
}

/**
 * The BCa interval of a mean from its resampled means: quantiles at Phi(z0 + (z0 + z) / (1 - a (z0 + z))), where z0 is the normal
 * quantile of the share of resampled means below the mean (half of the equal ones), and a the skewness of the jackknife over 6
 * (Efron and Tibshirani 1993, equations 14.10 to 14.15).
 */
export function bcaOf(values: ArrayLike<number>, resampled: ArrayLike<number>, level: number): Interval {
  const n = values.length;
  const centre = mean(values);
  const sorted = Float64Array.from(resampled).sort();
  if (n < 2) return { low: Number.NaN, high: Number.NaN };
  // The jackknife's deviations of a mean are those of its values, over n - 1.
  let [cubes, squares] = [0, 0];
  for (let i = 0; i < n; i++) {
    cubes += (values[i] - centre) ** 3;
    squares += (values[i] - centre) ** 2;
  }
  if (squares === 0) return { low: centre, high: centre };
  const acceleration = cubes / (6 * squares ** 1.5);
  const share = sorted.reduce((sum, x) => sum + (x < centre ? 1 : x === centre ? 0.5 : 0), 0) / sorted.length;
  const bias = normalQuantile(share);
  const at = (z: number): number => quantile(sorted, normalBelow(bias + (bias + z) / (1 - acceleration * (bias + z))));
  const reach = normalQuantile((1 + level) / 2);
  return { low: at(-reach), high: at(reach) };
}

/** What `pairsNeeded` may be told. */
export interface PowerOptions {
  /** Two-sided. */
  readonly alpha?: number;
  readonly power?: number;
  /** As in `pairedTest`. */
  readonly testToLearning?: number;
}

/** Chance that `pairedTest` finds a difference of `effect` standard deviations with n pairs; n need not be whole. */
export function pairedPower(effect: number, n: number, { alpha = 0.05, testToLearning = 0 }: PowerOptions = {}): number {
  return shiftedStudentTail(studentQuantile(1 - alpha, n - 1), n - 1, Math.abs(effect) / Math.sqrt(1 / n + testToLearning));
}

/** More pairs than this are not looked for. */
const MOST_PAIRS = 1e6;

/**
 * How many pairs `pairedTest` needs to find a difference of `effect` standard deviations with that power: where the non-central t says
 * so (Cohen 1988, chapter 2), not rounded, at least 2. Infinity where no number does: with q = test / learning cells the error of the
 * mean never falls below sd sqrt(q), however often the same cells are divided.
 */
export function pairsNeeded(effect: number, options: PowerOptions = {}): number {
  const { alpha = 0.05, power = 0.8, testToLearning = 0 } = options;
  const best = Math.abs(effect) / Math.sqrt(1 / MOST_PAIRS + testToLearning);
  const needed = normalQuantile(1 - alpha / 2) + normalQuantile(power);
  if (!(best > needed)) return Number.POSITIVE_INFINITY;
  let high = 4;
  while (pairedPower(effect, high, options) < power) {
    high *= 2;
    if (high > MOST_PAIRS) return Number.POSITIVE_INFINITY;
  }
  return bisect((n) => pairedPower(effect, n, options) >= power, high === 4 ? 2 : high / 2, high, 1e-7);
}
