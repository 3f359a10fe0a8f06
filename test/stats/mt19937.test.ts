import { describe, expect, it } from 'vitest';
import { Mt19937 } from '../../stats/mt19937.ts';
import { golden, hasShared } from '../kit/shared-data.ts';

describe('Mt19937', () => {
  it('gives the published stream of seed 5489', () => {
    const random = new Mt19937(5489);
    const first = random.uint32();
    for (let i = 1; i < 9999; i++) random.uint32();
    expect([first, random.uint32()]).toEqual([3499211612, 4123659995]);
  });

  it('draws every number of its range, and no other', () => {
    const random = new Mt19937(1);
    const drawn = new Set(Array.from({ length: 500 }, () => random.upTo(10)));
    expect([...drawn].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(random.upTo(0)).toBe(0);
  });

  it.skipIf(!hasShared)("gives numpy's permutations", () => {
    const [first, second] = golden('unit/hsic_units.json').perm_seed0_then_seed1 as number[][];
    const order = new Mt19937(0).permutation(Uint32Array.from({ length: 20 }, (_, i) => i));
    expect([...order]).toEqual(first);
    expect([...new Mt19937(1).permutation(order)]).toEqual(second);
  });
});
