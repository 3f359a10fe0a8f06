import { describe, expect, it } from 'vitest';
import hvgSeuratV3 from '../../../plugins/selectors/hvg-seurat-v3.ts';
import { goldenSet } from '../../kit/golden-set.ts';
import { testGoldenAccuracy } from '../../kit/golden-tests.ts';
import { testSelector } from '../../kit/selector.ts';
import { golden, hasShared } from '../../kit/shared-data.ts';
import { testContext, tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

testSelector(hvgSeuratV3);

describe('selector/hvg-seurat-v3', () => {
  it('ranks within batches when asked to', async () => {
    const data = tinyAtlas();
    const { outputs } = await hvgSeuratV3.run(testContext(), { data, split: tinySplit(data) }, { batch: 'state', top: 10 });
    expect((outputs.panel as { genes: Uint32Array }).genes.length).toBe(data.X.cols);
  });

  it.skipIf(!hasShared)('gives the sets that scanpy gives on Zeisel', async () => {
    const { data } = await goldenSet('zeisel');
    const all = Uint32Array.from({ length: data.X.rows }, (_, i) => i);
    const none = new Uint32Array(0);
    const { outputs } = await hvgSeuratV3.run(testContext(), { data, split: { train: all, validation: none, test: none } }, { top: 2000 });
    const { genes } = outputs.panel as { genes: Uint32Array };
    const { top } = golden('zeisel/hvg.json').seurat_v3;
    for (const [k, reference] of Object.entries<number[]>(top)) {
      const own = new Set(genes.subarray(0, Number(k)));
      const common = reference.filter((j) => own.has(j)).length;
      expect(common / reference.length).toBeGreaterThanOrEqual(0.99);
    }
  });

  testGoldenAccuracy(hvgSeuratV3, { method: 'hvg-seurat_v3', onAllCells: true });
});
