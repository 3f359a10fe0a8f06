import type { Random } from './random.ts';

/** Shares of the cells; what is left of 1 belongs to no part. */
export interface Shares {
  readonly train: number;
  readonly validation: number;
  readonly test: number;
}

/** Row numbers of each part, rising. */
export interface Parts {
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
  readonly test: Uint32Array;
}

type Name = keyof Parts;

/** Divides cells at random by shares, within each stratum when strata are given (-1 is a stratum too); a stratum of at least 2 keeps a cell in train and in test, one of at least 3 also in validation. */
export function splitByShares(n: number, shares: Shares, random: Random, strata?: Int32Array): Parts {
  const whole = shares.train + shares.validation + shares.test > 1 - 1e-9;
  const out: Record<Name, number[]> = { train: [], validation: [], test: [] };
  const carry = { train: 0, validation: 0, test: 0 };
  for (const members of groups(n, strata)) {
    const order = random.permutation(members.length);
    const m = members.length;
    const wanted = (name: Name): number => {
      const exact = shares[name] * m + carry[name];
      const take = Math.max(0, Math.round(exact));
      carry[name] = exact - take;
      return take;
    };
    const sizes = { test: wanted('test'), validation: wanted('validation'), train: wanted('train') };
    if (strata) keepEachPart(sizes, m, shares);
    if (whole) sizes.train = m - sizes.test - sizes.validation;
    let at = 0;
    for (const name of ['train', 'validation', 'test'] as const) {
      for (let i = 0; i < sizes[name] && at < m; i++) out[name].push(members[order[at++]]);
    }
  }
  return sorted(out);
}

/** At least one cell of a class in train and test, and two in train and one in validation where there are enough (MarkerMap's 2/1/1). */
function keepEachPart(sizes: Record<Name, number>, m: number, shares: Shares): void {
  const needs = { test: m >= 2 && shares.test > 0 ? 1 : 0, validation: m >= 3 && shares.validation > 0 ? 1 : 0, train: m >= 4 ? 2 : 1 };
  for (const name of ['test', 'validation', 'train'] as const) sizes[name] = Math.max(sizes[name], shares[name] > 0 ? needs[name] : 0);
  for (let over = sizes.train + sizes.validation + sizes.test - m; over > 0; over--) {
    const names = (['train', 'test', 'validation'] as const).filter((name) => sizes[name] > needs[name]);
    const largest = names.reduce((best, name) => (sizes[name] > sizes[best] ? name : best), names[0] ?? 'train');
    sizes[largest]--;
  }
}

/** Numbers of the members of each stratum, strata in rising order. */
function groups(n: number, strata: Int32Array | undefined): number[][] {
  if (!strata) return [Array.from({ length: n }, (_, i) => i)];
  const byCode = new Map<number, number[]>();
  for (let i = 0; i < n; i++) {
    const members = byCode.get(strata[i]);
    if (members) members.push(i);
    else byCode.set(strata[i], [i]);
  }
  return [...byCode.keys()].sort((a, b) => a - b).map((code) => byCode.get(code) ?? []);
}

function sorted(parts: Record<Name, number[]>): Parts {
  const rising = (list: number[]): Uint32Array => Uint32Array.from(list).sort();
  return { train: rising(parts.train), validation: rising(parts.validation), test: rising(parts.test) };
}

/** The fold of each cell, 0 .. folds-1, as even as can be in total and within each stratum. */
export function assignFolds(n: number, folds: number, random: Random, strata?: Int32Array): Int32Array {
  const fold = new Int32Array(n);
  let next = 0;
  for (const members of groups(n, strata)) {
    for (const i of random.permutation(members.length)) {
      fold[members[i]] = next;
      next = (next + 1) % folds;
    }
  }
  return fold;
}
