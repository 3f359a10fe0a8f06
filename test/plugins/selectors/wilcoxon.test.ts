import { describe, expect, it } from 'vitest';
import wilcoxon from '../../../plugins/selectors/wilcoxon.ts';
import { testGoldenAccuracy, testGoldenPanels } from '../../kit/golden-tests.ts';
import { testSelector } from '../../kit/selector.ts';
import { testContext, tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

testSelector(wilcoxon);

describe('selector/wilcoxon', () => {
  it('refuses a regression', async () => {
    const data = tinyAtlas();
    const params = wilcoxon.params.parse({ tasks: [{ column: 'age', kind: 'regression' }] });
    await expect(wilcoxon.run(testContext(), { data, split: tinySplit(data) }, params)).rejects.toMatchObject({ code: 'DATA' });
  });

  testGoldenPanels(wilcoxon, 'wilcoxon|log');
  testGoldenAccuracy(wilcoxon, { method: 'wilcoxon|log' });
});
