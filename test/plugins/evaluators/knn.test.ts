import { describe, expect, it } from 'vitest';
import type { Metrics } from '../../../plugins/contract.ts';
import knn from '../../../plugins/evaluators/knn.ts';
import { testEvaluator } from '../../kit/evaluator.ts';
import { goldenSet, scaled } from '../../kit/golden-set.ts';
import { golden, hasShared } from '../../kit/shared-data.ts';
import { testContext, tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

testEvaluator(knn, { metric: 'accuracy', isOrderFree: true });

describe('evaluator/knn', () => {
  it('predicts a number by the mean of the neighbours', async () => {
    const data = tinyAtlas();
    const panel = { genes: Uint32Array.from({ length: 16 }, (_, j) => j), names: [], scores: new Float64Array(16), task: null };
    const params = knn.params.parse({ k: 16, tasks: [{ column: 'age', kind: 'regression' }], scale: true });
    const { outputs } = await knn.run(testContext(), { data, split: tinySplit(data), panel }, params);
    expect((outputs.metrics as Metrics).values.pcc).toBeGreaterThan(0.6);
  });

  it.skipIf(!hasShared)('gives what scikit-learn gives on Zeisel', async () => {
    const { data, split } = await goldenSet('zeisel');
    const forms = { scaled: scaled(data), log: data };
    for (const result of golden('zeisel/eval.json').results) {
      const panel = { genes: Uint32Array.from(result.panel), names: [], scores: new Float64Array(50), task: null };
      for (const form of ['scaled', 'log'] as const) {
        const reference = result[`knn|${form}`];
        if (!reference) continue;
        const params = knn.params.parse({ k: 50, tasks: [{ column: 'cell_class' }] });
        const { outputs } = await knn.run(testContext(), { data: forms[form], split: split(result.seed), panel }, params);
        const { values } = outputs.metrics as Metrics;
        // One cell of 602 may sit at equal distances.
        expect(Math.abs(values.accuracy - reference.accuracy), `${result.method} ${form}`).toBeLessThanOrEqual(1.01 / 602);
        expect(Math.abs(values.auroc_macro - reference.auroc_ovr_macro)).toBeLessThan(2e-3);
        expect(Math.abs(values.f1_macro - reference.f1_macro)).toBeLessThan(5e-3);
      }
    }
  });
});
