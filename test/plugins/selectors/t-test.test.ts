import { describe, expect, it } from 'vitest';
import type { Panel } from '../../../plugins/contract.ts';
import tTest from '../../../plugins/selectors/t-test.ts';
import { goldenSet } from '../../kit/golden-set.ts';
import { testSelector } from '../../kit/selector.ts';
import { golden, hasShared } from '../../kit/shared-data.ts';
import { testContext, tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

testSelector(tTest);

const SETS = [
  ['zeisel', 'cell_class', 50],
  ['kang', 'cluster_id', 50],
] as const;

describe('selector/t-test', () => {
  it('refuses a regression', async () => {
    const data = tinyAtlas();
    const params = tTest.params.parse({ tasks: [{ column: 'age', kind: 'regression' }] });
    await expect(tTest.run(testContext(), { data, split: tinySplit(data) }, params)).rejects.toMatchObject({ code: 'DATA' });
  });

  it.skipIf(!hasShared).each(SETS)('gives the panels of the reference on %s', async (name, column, k) => {
    const { data, split } = await goldenSet(name);
    const reference = golden(`${name}/panels.json`);
    for (const [key, given] of [
      ['t-test|log', {}],
      ['t-test_overestim_var|log', { overestimate_variance: true }],
    ] as const) {
      for (const seed of [0, 1, 2]) {
        const params = tTest.params.parse({ tasks: [{ column }], ...given });
        const { outputs } = await tTest.run(testContext(), { data, split: split(seed) }, params);
        const own = new Set((outputs.panel as Panel).genes.subarray(0, k));
        const panel: number[] = reference[seed][key].panel;
        expect(
          panel.filter((j) => !own.has(j)),
          `${key}, seed ${seed}`,
        ).toEqual([]);
      }
    }
  });
});
