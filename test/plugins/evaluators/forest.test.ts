import { describe, expect, it } from 'vitest';
import type { Metrics } from '../../../plugins/contract.ts';
import forest from '../../../plugins/evaluators/forest.ts';
import { testEvaluator } from '../../kit/evaluator.ts';
import { goldenSet, scaled } from '../../kit/golden-set.ts';
import { golden, hasShared } from '../../kit/shared-data.ts';
import { testContext, tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

testEvaluator(forest, { metric: 'accuracy', isOrderFree: false });

interface Spread {
  readonly mean: number;
  readonly sd: number;
}

describe('evaluator/forest', () => {
  it('predicts a number', async () => {
    const data = tinyAtlas();
    const panel = { genes: Uint32Array.from({ length: 16 }, (_, j) => j), names: [], scores: new Float64Array(16), task: null };
    const params = forest.params.parse({ k: 16, tasks: [{ column: 'age', kind: 'regression' }] });
    const { outputs } = await forest.run(testContext(), { data, split: tinySplit(data), panel }, params);
    const { r2, pcc } = (outputs.metrics as Metrics).values;
    expect(r2).toBeGreaterThan(0.5);
    expect(pcc).toBeGreaterThan(0.7);
  });

  it.skipIf(!hasShared)('agrees with scikit-learn on Zeisel, within three deviations of its seeds', async () => {
    const { data, split } = await goldenSet('zeisel');
    const all = scaled(data);
    const results = golden('zeisel/eval.json').results.filter((r: any) =>
      /^(cosg\|log|random|mrmr-f|hvg-seurat|t-test\|log)$/.test(r.method),
    );
    let bias = 0;
    for (const { method, seed, panel: genes, 'rf|scaled': reference } of results) {
      const panel = { genes: Uint32Array.from(genes), names: [], scores: new Float64Array(50), task: null };
      const params = forest.params.parse({ k: 50, tasks: [{ column: 'cell_class' }] });
      const { outputs } = await forest.run(testContext({ seed: 1 }), { data: all, split: split(seed), panel }, params);
      const { values } = outputs.metrics as Metrics;
      const near = (own: number, { mean, sd }: Spread, band: number): void => {
        expect(Math.abs(own - mean), `${method}, seed ${seed}`).toBeLessThanOrEqual(3 * sd + band);
      };
      near(values.accuracy, reference.accuracy, 0.008);
      near(values.f1_weighted, reference.f1_weighted, 0.008);
      near(values.auroc_macro, reference.auroc_ovr_macro, 0.003);
      near(values.auprc_macro, reference.auprc_macro, 0.008);
      bias += (values.accuracy - reference.accuracy.mean) / results.length;
    }
    expect(Math.abs(bias)).toBeLessThan(0.003);
  });
});
