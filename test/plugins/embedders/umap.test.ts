import { describe, expect, it } from 'vitest';
import { labels } from '../../../data/dataset.ts';
import type { Dataset, Embedding } from '../../../plugins/contract.ts';
import umap from '../../../plugins/embedders/umap.ts';
import { nearestNeighbours } from '../../../stats/knn.ts';
import { curve } from '../../../stats/umap.ts';
import { goldenSet } from '../../kit/golden-set.ts';
import { hasShared } from '../../kit/shared-data.ts';
import { testContext, tinyAtlas } from '../../kit/tiny-atlas.ts';

const mapOf = async (data: Dataset, seed = 0): Promise<Float32Array> =>
  ((await umap.run(testContext({ seed }), { data }, umap.params.parse({}))).outputs.embedding as Embedding).coordinates;

/** Share of cells whose nearest other cell on the map is of their class. */
async function purity(map: Float32Array, codes: Int32Array): Promise<number> {
  const samples = { block: map, rows: codes.length, features: 2 };
  const near = await nearestNeighbours(samples, samples, { k: 2 });
  let same = 0;
  for (let i = 0; i < codes.length; i++) {
    const other = near[2 * i] === i ? near[2 * i + 1] : near[2 * i];
    if (codes[other] === codes[i]) same++;
  }
  return same / codes.length;
}

describe('embedder/umap', () => {
  it('has the curve of umap-learn (find_ab_params)', () => {
    expect(curve(0.1).a).toBeCloseTo(1.57694, 4);
    expect(curve(0.1).b).toBeCloseTo(0.89506, 4);
    expect(curve(0.5).a).toBeCloseTo(0.58303, 4);
    expect(curve(0.5).b).toBeCloseTo(1.33417, 4);
  });

  it('gives the same map for the same seed, another one for another, and only finite numbers', async () => {
    const data = tinyAtlas();
    const map = await mapOf(data);
    expect(map).toHaveLength(2 * data.X.rows);
    expect(map.every(Number.isFinite)).toBe(true);
    expect(await mapOf(data)).toEqual(map);
    expect(await mapOf(data, 1)).not.toEqual(map);
  });

  it.skipIf(!hasShared)('keeps the classes of Zeisel apart', async () => {
    const { data } = await goldenSet('zeisel');
    expect(await purity(await mapOf(data), labels(data.obs, 'cell_class').codes)).toBeGreaterThan(0.93);
  });
});
