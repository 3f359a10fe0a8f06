import { describe, expect, it } from 'vitest';
import type { Panel } from '../../../plugins/contract.ts';
import mrmrF from '../../../plugins/selectors/mrmr-f.ts';
import { goldenSet } from '../../kit/golden-set.ts';
import { testGoldenAccuracy } from '../../kit/golden-tests.ts';
import { testSelector } from '../../kit/selector.ts';
import { golden, hasShared } from '../../kit/shared-data.ts';
import { testContext, tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

testSelector(mrmrF);

describe('selector/mrmr-f', () => {
  it('ranks genes for a number', async () => {
    const data = tinyAtlas();
    const params = mrmrF.params.parse({ tasks: [{ column: 'age', kind: 'regression' }] });
    const { outputs } = await mrmrF.run(testContext(), { data, split: tinySplit(data) }, params);
    expect((outputs.panel as Panel).genes[0]).toBeLessThan(16);
  });

  it('starts every longer panel with the shorter one', async () => {
    const data = tinyAtlas();
    const genes = async (limit: number): Promise<Uint32Array> => {
      const params = mrmrF.params.parse({ tasks: [{ column: 'type' }], limit });
      return ((await mrmrF.run(testContext(), { data, split: tinySplit(data) }, params)).outputs.panel as Panel).genes;
    };
    expect((await genes(20)).subarray(0, 6)).toEqual((await genes(6)).subarray(0, 6));
  });

  it.skipIf(!hasShared).each([
    ['zeisel', 'cell_class'],
    ['kang', 'cluster_id'],
    ['pbmc68k_reduced', 'bulk_labels'],
  ] as const)('gives the order of the reference on %s', async (name, column) => {
    const { data, split } = await goldenSet(name);
    const { panel } = golden(`${name}/mrmr.json`)[0].f as { panel: number[] };
    const params = mrmrF.params.parse({ tasks: [{ column }], limit: panel.length });
    const { outputs } = await mrmrF.run(testContext(), { data, split: split(0) }, params);
    expect([...(outputs.panel as Panel).genes.subarray(0, panel.length)]).toEqual(panel);
  });

  testGoldenAccuracy(mrmrF, { method: 'mrmr-f', params: { limit: 50 } });
});
