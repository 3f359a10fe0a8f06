import { describe, expect, it } from 'vitest';
import mean from '../../../plugins/predictors/mean.ts';
import { denseBlock } from '../../../plugins/contract.ts';
import { predict, tinySpots } from './_predictor.ts';

describe('predictor/mean', () => {
  it('says the mean of the train spots of every test spot, with correlation 0', async () => {
    const inputs = tinySpots();
    const { prediction, metrics } = await predict(mean, {});
    const train = denseBlock(inputs.data.X, inputs.split.train, Uint32Array.of(3)).data;
    const expected = train.reduce((a, b) => a + b, 0) / train.length;
    for (let i = 0; i < inputs.split.test.length; i++) expect(prediction.values[6 * i + 3]).toBeCloseTo(expected, 5);
    expect(metrics.pcc).toBe(0);
    expect(metrics.spearman).toBe(0);
  });

  it('refuses a fold of one train spot', async () => {
    const inputs = tinySpots();
    const split = { ...inputs.split, train: inputs.split.train.subarray(0, 1) };
    await expect(predict(mean, {}, { inputs: { ...inputs, split } })).rejects.toMatchObject({ code: 'DATA' });
  });
});
