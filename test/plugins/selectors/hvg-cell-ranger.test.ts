import { describe, expect, it } from 'vitest';
import hvgCellRanger from '../../../plugins/selectors/hvg-cell-ranger.ts';
import { goldenSet } from '../../kit/golden-set.ts';
import { testGoldenAccuracy } from '../../kit/golden-tests.ts';
import { testSelector } from '../../kit/selector.ts';
import { golden, hasShared } from '../../kit/shared-data.ts';
import { testContext, tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

testSelector(hvgCellRanger);

describe('selector/hvg-cell-ranger', () => {
  it('ranks within batches when asked to', async () => {
    const data = tinyAtlas();
    const { outputs } = await hvgCellRanger.run(testContext(), { data, split: tinySplit(data) }, { batch: 'state', top: 10 });
    expect((outputs.panel as { genes: Uint32Array }).genes.length).toBe(data.X.cols);
  });

  it.skipIf(!hasShared)('gives the sets that scanpy gives on Zeisel', async () => {
    const { data } = await goldenSet('zeisel');
    const all = Uint32Array.from({ length: data.X.rows }, (_, i) => i);
    const none = new Uint32Array(0);
    const { outputs } = await hvgCellRanger.run(
      testContext(),
      { data, split: { train: all, validation: none, test: none } },
      { top: 2000 },
    );
    const { genes } = outputs.panel as { genes: Uint32Array };
    const { top } = golden('zeisel/hvg.json').cell_ranger;
    for (const [k, reference] of Object.entries<number[]>(top)) {
      const own = new Set(genes.subarray(0, Number(k)));
      const common = reference.filter((j) => own.has(j)).length;
      expect(common / reference.length).toBeGreaterThanOrEqual(0.99);
    }
  });

  testGoldenAccuracy(hvgCellRanger, { method: 'hvg-cell_ranger', onAllCells: true });
});
