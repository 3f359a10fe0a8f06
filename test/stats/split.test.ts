import { expect, test } from 'vitest';
import { Random } from '../../stats/random.ts';
import { assignFolds, splitByShares } from '../../stats/split.ts';

const strata = Int32Array.from({ length: 203 }, (_, i) => (i < 100 ? 0 : i < 197 ? 1 : i < 200 ? 2 : -1));

test('parts are disjoint, together whole, and as large as asked', () => {
  const { train, validation, test: held } = splitByShares(203, { train: 0.7, validation: 0.1, test: 0.2 }, new Random(1), strata);
  expect(new Set([...train, ...validation, ...held]).size).toBe(203);
  expect(Math.abs(train.length - 142)).toBeLessThan(4);
  expect(Math.abs(held.length - 41)).toBeLessThan(4);
});

test('a rare class keeps a cell in every part', () => {
  const split = splitByShares(203, { train: 0.7, validation: 0.1, test: 0.2 }, new Random(2), strata);
  for (const part of [split.train, split.validation, split.test]) expect(Array.from(part, (i) => strata[i])).toContain(2);
});

test('shares below 1 leave cells out', () => {
  const { train, validation, test: held } = splitByShares(1000, { train: 0.5, validation: 0, test: 0.25 }, new Random(3));
  expect([train.length, validation.length, held.length]).toEqual([500, 0, 250]);
});

test('the same seed gives the same parts, another seed others', () => {
  const shares = { train: 0.5, validation: 0.2, test: 0.3 };
  expect(splitByShares(99, shares, new Random(5))).toEqual(splitByShares(99, shares, new Random(5)));
  expect(splitByShares(99, shares, new Random(5))).not.toEqual(splitByShares(99, shares, new Random(6)));
});

test('folds are even in total and within each class', () => {
  const fold = assignFolds(203, 5, new Random(4), strata);
  const size = (f: number, c?: number): number =>
    fold.reduce((n, g, i) => n + (g === f && (c === undefined || strata[i] === c) ? 1 : 0), 0);
  for (let f = 0; f < 5; f++) {
    expect(Math.abs(size(f) - 40.6)).toBeLessThan(1);
    expect(Math.abs(size(f, 0) - 20)).toBeLessThan(1.1);
  }
});
