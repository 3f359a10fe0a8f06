import { logStudentP } from './distributions.ts';
import { Random } from './random.ts';

/** From how many values on `interval` resamples; below it, resampled intervals are far too narrow. */
export const BOOTSTRAP_FROM = 10;

/** A confidence interval; NaN on both sides when there are fewer than two values. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** What `interval` and its kin may be told. */
export interface IntervalOptions {
  /** Share of intervals that should hold the true mean. */
  readonly level?: number;
  readonly resamples?: number;
  readonly seed?: number;
}

const NONE: Interval = { low: Number.NaN, high: Number.NaN };

/** Arithmetic mean; NaN of nothing. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}

/** Standard deviation with n - 1 below (ddof 1); NaN of fewer than two values. */
export function standardDeviation(values: ArrayLike<number>): number {
  const n = values.length;
  if (n < 2) return Number.NaN;
  const centre = mean(values);
  let square = 0;
  for (let i = 0; i < n; i++) square += (values[i] - centre) ** 2;
  return Math.sqrt(square / (n - 1));
}

/** The t that a share `level` of Student's t stays within, on both sides together. */
export function studentQuantile(level: number, df: number): number {
  const target = Math.log(1 - level);
  let high = 1;
  while (logStudentP(high, df) > target) high *= 2;
  let low = 0;
  for (let step = 0; step < 100; step++) {
    const middle = (low + high) / 2;
    if (logStudentP(middle, df) > target) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Interval of the mean by Student's t. */
export function studentInterval(values: ArrayLike<number>, { level = 0.95 }: IntervalOptions = {}): Interval {
  const n = values.length;
  if (n < 2) return NONE;
  const centre = mean(values);
  const reach = (studentQuantile(level, n - 1) * standardDeviation(values)) / Math.sqrt(n);
  return { low: centre - reach, high: centre + reach };
}

/** Interval of the mean by the percentile bootstrap (Efron 1979), the same for the same seed. */
export function bootstrapInterval(values: ArrayLike<number>, options: IntervalOptions = {}): Interval {
  const { level = 0.95, resamples = 2000, seed = 0 } = options;
  const n = values.length;
  if (n < 2) return NONE;
  const random = Random.of(seed, 'bootstrap');
  const means = new Float64Array(resamples);
  for (let r = 0; r < resamples; r++) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += values[random.below(n)];
    means[r] = sum / n;
  }
  means.sort();
  return { low: quantile(means, (1 - level) / 2), high: quantile(means, (1 + level) / 2) };
}

/** The value below which a share q of sorted values lies, between two of them by how near each is. */
export function quantile(sorted: Float64Array, q: number): number {
  const at = q * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

/** Interval of the mean: Student's t for fewer than `BOOTSTRAP_FROM` values, the percentile bootstrap from there on. */
export function interval(values: ArrayLike<number>, options: IntervalOptions = {}): Interval {
  return values.length < BOOTSTRAP_FROM ? studentInterval(values, options) : bootstrapInterval(values, options);
}

function shared<T>(a: Iterable<T>, b: Iterable<T>): { common: number; sizes: [number, number] } {
  const left = new Set(a);
  const right = new Set(b);
  let common = 0;
  for (const item of left) if (right.has(item)) common++;
  return { common, sizes: [left.size, right.size] };
}

/** |A and B| / |A or B|; 1 of two empty sets. */
export function jaccard<T>(a: Iterable<T>, b: Iterable<T>): number {
  const { common, sizes } = shared(a, b);
  const union = sizes[0] + sizes[1] - common;
  return union === 0 ? 1 : common / union;
}

/**
 * Kuncheva's index (2007): overlap of two sets of one size drawn from `total` things, 1 = equal, 0 = as by chance. For sets of two
 * sizes, chance is their product over `total`, and 1 is full overlap of the smaller one. NaN where chance leaves nothing to choose.
 */
export function kuncheva<T>(a: Iterable<T>, b: Iterable<T>, total: number): number {
  const { common, sizes } = shared(a, b);
  const chance = (sizes[0] * sizes[1]) / total;
  const most = Math.min(...sizes);
  return most - chance === 0 ? Number.NaN : (common - chance) / (most - chance);
}
