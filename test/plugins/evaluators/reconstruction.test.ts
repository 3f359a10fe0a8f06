import { describe, expect, it } from 'vitest';
import type { Metrics } from '../../../plugins/contract.ts';
import reconstruction from '../../../plugins/evaluators/reconstruction.ts';
import { testEvaluator } from '../../kit/evaluator.ts';
import { goldenSet, scaled } from '../../kit/golden-set.ts';
import { golden, hasShared } from '../../kit/shared-data.ts';
import { testContext, tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

testEvaluator(reconstruction, { metric: 'l2', lowerIsBetter: true });

describe('evaluator/reconstruction', () => {
  it('predicts the panel itself without error', async () => {
    const data = tinyAtlas();
    const genes = Uint32Array.from({ length: data.X.cols }, (_, j) => j);
    const panel = { genes, names: [], scores: new Float64Array(genes.length), task: null };
    const { outputs } = await reconstruction.run(testContext(), { data, split: tinySplit(data), panel }, { k: genes.length });
    const { l2, pcc } = (outputs.metrics as Metrics).values;
    expect(l2).toBeLessThan(1e-12);
    expect(pcc).toBeCloseTo(1, 9);
  });

  it('takes a panel with a gene that never varies', async () => {
    const data = tinyAtlas();
    const values = data.X.data.slice();
    if (data.X.kind === 'csr') data.X.indices.forEach((j, p) => (values[p] = j === 3 ? 0 : values[p]));
    const flat = { ...data, X: { ...data.X, data: values } };
    const panel = { genes: Uint32Array.of(0, 3, 1), names: [], scores: new Float64Array(3), task: null };
    const { outputs } = await reconstruction.run(testContext(), { data: flat, split: tinySplit(data), panel }, { k: 3 });
    expect(Number.isFinite((outputs.metrics as Metrics).values.l2)).toBe(true);
  });

  it.skipIf(!hasShared)('gives what scikit-learn gives on scaled Zeisel', async () => {
    const { data, split } = await goldenSet('zeisel');
    const all = scaled(data);
    const panels = golden('zeisel/eval.json').results;
    const near = (own: number, reference: number, tolerance: number): void =>
      expect(Math.abs(own - reference)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(reference)));
    for (const { method, seed, scaled: reference } of golden('zeisel/recon.json').results.slice(0, 6)) {
      const genes = Uint32Array.from(panels.find((p: any) => p.method === method && p.seed === seed).panel);
      const panel = { genes, names: [], scores: new Float64Array(50), task: null };
      const { outputs } = await reconstruction.run(testContext(), { data: all, split: split(seed), panel }, { k: 50 });
      const { values } = outputs.metrics as Metrics;
      near(values.l2, reference.l2_mse, 1e-6);
      near(values.l1, reference.l1_mae, 1e-6);
      near(values.jaccard_top20_variance, reference.jaccard_top20pct_var, 5e-3);
      near(values.spearman_variance, reference.spearman_var, 1e-4);
    }
  });
});
