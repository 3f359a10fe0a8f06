import { describe, expect, it } from 'vitest';
import tieCorrected from '../../../plugins/selectors/wilcoxon-tie-correct.ts';
import { testGoldenAccuracy, testGoldenPanels } from '../../kit/golden-tests.ts';
import { testSelector } from '../../kit/selector.ts';
import { testContext, tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

testSelector(tieCorrected);

describe('selector/wilcoxon-tie-correct', () => {
  it('refuses a regression', async () => {
    const data = tinyAtlas();
    const params = tieCorrected.params.parse({ tasks: [{ column: 'age', kind: 'regression' }] });
    await expect(tieCorrected.run(testContext(), { data, split: tinySplit(data) }, params)).rejects.toMatchObject({ code: 'DATA' });
  });

  testGoldenPanels(tieCorrected, 'wilcoxon_tie|log');
  testGoldenAccuracy(tieCorrected, { method: 'wilcoxon_tie|log' });
});
