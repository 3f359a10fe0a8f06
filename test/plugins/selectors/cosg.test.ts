import { describe, expect, it } from 'vitest';
import type { Panel } from '../../../plugins/contract.ts';
import cosg from '../../../plugins/selectors/cosg.ts';
import { goldenSet } from '../../kit/golden-set.ts';
import { testGoldenAccuracy } from '../../kit/golden-tests.ts';
import { testSelector } from '../../kit/selector.ts';
import { golden, hasShared } from '../../kit/shared-data.ts';
import { testContext, tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

testSelector(cosg);

const SETS = [
  ['zeisel', 'cell_class', 50],
  ['kang', 'cluster_id', 50],
] as const;

describe('selector/cosg', () => {
  it('refuses a regression', async () => {
    const data = tinyAtlas();
    const params = cosg.params.parse({ tasks: [{ column: 'age', kind: 'regression' }] });
    await expect(cosg.run(testContext(), { data, split: tinySplit(data) }, params)).rejects.toMatchObject({ code: 'DATA' });
  });

  it.skipIf(!hasShared).each(SETS)('gives the panels of the reference on %s', async (name, column, k) => {
    const { data, split } = await goldenSet(name);
    const reference = golden(`${name}/cosg.json`);
    for (const [key, given] of [['log', {}]] as const) {
      for (const seed of [0, 1, 2]) {
        const params = cosg.params.parse({ tasks: [{ column }], ...given });
        const { outputs } = await cosg.run(testContext(), { data, split: split(seed) }, params);
        const own = new Set((outputs.panel as Panel).genes.subarray(0, k));
        const panel: number[] = reference.panels[seed][key].panel;
        expect(
          panel.filter((j) => !own.has(j)),
          `${key}, seed ${seed}`,
        ).toEqual([]);
      }
    }
  });

  testGoldenAccuracy(cosg, { method: 'cosg|log', params: { remove_lowly_expressed: false } });
});
