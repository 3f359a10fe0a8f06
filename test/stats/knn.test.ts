import { describe, expect, it } from 'vitest';
import { nearestNeighbours, vote } from '../../stats/knn.ts';
import { Random } from '../../stats/random.ts';

const samples = (rows: number, features: number, seed: number): { block: Float32Array; rows: number; features: number } => {
  const random = new Random(seed);
  return { block: Float32Array.from({ length: rows * features }, () => random.normal()), rows, features };
};

describe('nearestNeighbours', () => {
  it.each([
    [50, 3, 7, 1],
    [301, 13, 5, 5],
    [40, 1, 9, 40],
    [1000, 64, 18, 15],
  ])('finds what a full sort finds (%d references, %d features, %d queries, k = %d)', async (rows, features, queries, k) => {
    const [a, b] = [samples(rows, features, 1), samples(queries, features, 2)];
    const found = await nearestNeighbours(a, b, { k });
    for (let q = 0; q < queries; q++) {
      const distance = (r: number): number => {
        let sum = 0;
        for (let f = 0; f < features; f++) sum += (a.block[r * features + f] - b.block[q * features + f]) ** 2;
        return sum;
      };
      const expected = Array.from({ length: rows }, (_, r) => r).sort((x, y) => distance(x) - distance(y) || x - y);
      expect([...found.subarray(q * k, (q + 1) * k)]).toEqual(expected.slice(0, k));
    }
  });

  it('gives equal distances to the lower row', async () => {
    const a = { block: Float32Array.of(1, 1, 1, 0), rows: 4, features: 1 };
    expect([...(await nearestNeighbours(a, { block: Float32Array.of(1), rows: 1, features: 1 }, { k: 2 }))]).toEqual([0, 1]);
  });
});

describe('vote', () => {
  it('gives the share of each class', () => {
    expect([...vote(Uint32Array.of(0, 1, 2, 3), [1, 0, 1, 1], { k: 2, classCount: 2 })]).toEqual([0.5, 0.5, 0, 1]);
  });
});
