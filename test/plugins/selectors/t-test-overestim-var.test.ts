import { describe, expect, it } from 'vitest';
import overestimated from '../../../plugins/selectors/t-test-overestim-var.ts';
import { testGoldenAccuracy, testGoldenPanels } from '../../kit/golden-tests.ts';
import { testSelector } from '../../kit/selector.ts';
import { testContext, tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

testSelector(overestimated);

describe('selector/t-test-overestim-var', () => {
  it('refuses a regression', async () => {
    const data = tinyAtlas();
    const params = overestimated.params.parse({ tasks: [{ column: 'age', kind: 'regression' }] });
    await expect(overestimated.run(testContext(), { data, split: tinySplit(data) }, params)).rejects.toMatchObject({ code: 'DATA' });
  });

  testGoldenPanels(overestimated, 't-test_overestim_var|log');
  testGoldenAccuracy(overestimated, { method: 't-test_overestim_var|log' });
});
