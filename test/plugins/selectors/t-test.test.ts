import { describe, expect, it } from 'vitest';
import tTest from '../../../plugins/selectors/t-test.ts';
import { testGoldenAccuracy, testGoldenPanels } from '../../kit/golden-tests.ts';
import { testSelector } from '../../kit/selector.ts';
import { testContext, tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

testSelector(tTest);

describe('selector/t-test', () => {
  it('refuses a regression', async () => {
    const data = tinyAtlas();
    const params = tTest.params.parse({ tasks: [{ column: 'age', kind: 'regression' }] });
    await expect(tTest.run(testContext(), { data, split: tinySplit(data) }, params)).rejects.toMatchObject({ code: 'DATA' });
  });

  testGoldenPanels(tTest, 't-test|log');
  testGoldenAccuracy(tTest, { method: 't-test|log' });
});
