import { describe, expect, test } from 'vitest';
import {
  BOOTSTRAP_FROM,
  bootstrapInterval,
  interval,
  jaccard,
  kuncheva,
  mean,
  standardDeviation,
  studentInterval,
  studentQuantile,
} from '../../stats/bootstrap.ts';

const values = [0.91, 0.93, 0.94, 0.9, 0.95, 0.92, 0.96, 0.93, 0.91, 0.94, 0.92, 0.93];

describe('mean and spread', () => {
  test('divides by n - 1', () => {
    expect(mean([1, 2, 3, 4])).toBe(2.5);
    expect(standardDeviation([1, 2, 3, 4])).toBeCloseTo(1.2909944487358056, 14);
  });

  test('says NaN where there is nothing to say', () => {
    expect(mean([])).toBeNaN();
    expect(standardDeviation([1])).toBeNaN();
    expect(studentInterval([1]).low).toBeNaN();
    expect(bootstrapInterval([1]).high).toBeNaN();
  });
});

describe('intervals', () => {
  test('knows the quantiles of Student t as tables print them', () => {
    expect(studentQuantile(0.95, 1)).toBeCloseTo(12.706204736432095, 9);
    expect(studentQuantile(0.95, 2)).toBeCloseTo(4.302652729749463, 10);
    expect(studentQuantile(0.95, 9)).toBeCloseTo(2.262157162798205, 10);
    expect(studentQuantile(0.99, 30)).toBeCloseTo(2.7499956535672, 10);
  });

  test('takes Student t for few values and resamples for many', () => {
    const few = values.slice(0, 3);
    expect(interval(few)).toEqual(studentInterval(few));
    expect(values.length).toBeGreaterThanOrEqual(BOOTSTRAP_FROM);
    expect(interval(values)).toEqual(bootstrapInterval(values));
  });

  test('gives the same bootstrap interval for the same seed, and another for another', () => {
    expect(bootstrapInterval(values, { seed: 4 })).toEqual(bootstrapInterval(values, { seed: 4 }));
    expect(bootstrapInterval(values, { seed: 4 })).not.toEqual(bootstrapInterval(values, { seed: 5 }));
  });

  test('bootstraps near the normal interval of the mean, and holds the mean', () => {
    const { low, high } = bootstrapInterval(values, { resamples: 20_000 });
    const reach = (1.96 * standardDeviation(values) * Math.sqrt(11 / 12)) / Math.sqrt(12);
    expect(low).toBeCloseTo(mean(values) - reach, 2);
    expect(high).toBeCloseTo(mean(values) + reach, 2);
  });

  test('has no width when all values are equal', () => {
    expect(interval([0.5, 0.5, 0.5])).toEqual({ low: 0.5, high: 0.5 });
  });
});

describe('overlap of sets', () => {
  test('counts shared over all', () => {
    expect(jaccard('abcd', 'cdef')).toBeCloseTo(2 / 6, 15);
    expect(jaccard([], [])).toBe(1);
  });

  test('corrects for chance: 1 for equal sets, 0 for the overlap that chance gives', () => {
    expect(kuncheva([1, 2, 3], [3, 2, 1], 30)).toBe(1);
    expect(kuncheva([1, 2, 3, 4, 5], [5, 6, 7, 8, 9], 25)).toBe(0);
    expect(kuncheva([1, 2], [3, 4], 8)).toBeCloseTo(-1 / 3, 15);
    expect(kuncheva([1, 2], [1, 2], 2)).toBeNaN();
  });
});
