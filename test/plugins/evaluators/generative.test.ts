import { describe, expect, it } from 'vitest';
import type { Metrics } from '../../../plugins/contract.ts';
import generative from '../../../plugins/evaluators/generative.ts';
import unsupervised from '../../../plugins/selectors/markermap-unsupervised.ts';
import { testContext, tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

describe('evaluator/generative', () => {
  const data = tinyAtlas();
  const split = tinySplit(data);
  const selected = async (params: object): Promise<Record<string, any>> =>
    (await unsupervised.run(testContext({ seed: 1 }), { data, split }, unsupervised.params.parse({ k: 8, hidden: 16, ...params }))).outputs;
  const judge = async (inputs: object, params: object = {}): Promise<Record<string, number>> =>
    (
      (await generative.run(testContext(), { data, split, ...inputs }, generative.params.parse({ k: 8, ...params }))).outputs
        .metrics as Metrics
    ).values;

  it('values a trained network above an untrained one, and repeats itself', async () => {
    const [poor, good] = [await judge(await selected({ epochs: 1 })), await judge(await selected({ epochs: 60, learning_rate: 3e-3 }))];
    expect(good.l2).toBeLessThan(poor.l2);
    expect(good.l2_norm).toBeLessThan(poor.l2_norm);
    expect(Object.values(good).every(Number.isFinite)).toBe(true);
    expect(await judge(await selected({ epochs: 1 }))).toEqual(poor);
  });

  it('takes the means over classes when a column is named', async () => {
    const found = await judge(await selected({ epochs: 5 }), { by: 'type' });
    expect(Object.keys(found)).toEqual([
      'l2',
      'l1',
      'l2_norm',
      'jaccard_top20_variance',
      'spearman_variance',
      'jaccard_top20_variance_class_mean',
      'spearman_variance_class_mean',
    ]);
    expect(Object.values(found).every(Number.isFinite)).toBe(true);
  });

  it('finds no error in a network that says the truth', async () => {
    const genes = Uint32Array.from({ length: 40 }, (_, j) => j);
    const eye = Float32Array.from({ length: 1600 }, (_, at) => Number(at % 41 === 0));
    const layer = { inputs: 40, outputs: 40, weights: eye, bias: new Float32Array(40), slope: null };
    const head = { kind: 'genes', genes: data.var.index, mean: new Float32Array(40), sd: new Float32Array(40).fill(1), layers: [layer] };
    const model = { method: 'identity', genes: data.var.index, input: { kind: 'plain' }, layers: [], heads: [head] };
    const panel = { genes, names: data.var.index, scores: new Float64Array(40), task: null };
    const found = await judge({ panel, model }, { k: 40, by: 'type' });
    expect(found.l2).toBeLessThan(1e-9);
    expect(found.l2_norm).toBeLessThan(1e-3);
    expect(found.jaccard_top20_variance).toBe(1);
    expect(found.spearman_variance_class_mean).toBeCloseTo(1, 9);
  });

  it('names selectors that have such a network, and the k it was trained for', async () => {
    const { panel, model } = await selected({ epochs: 1 });
    await expect(judge({ panel })).rejects.toMatchObject({ code: 'DATA', mend: expect.stringContaining('markermap-unsupervised') });
    await expect(judge({ panel, model }, { k: 4 })).rejects.toMatchObject({ code: 'DATA', context: { trained: 8, k: 4 } });
  });
});
