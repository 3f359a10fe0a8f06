import { describe, expect, it } from 'vitest';
import pgl from '../../../plugins/predictors/pgl.ts';
import { predict, QUICK, testPredictor, tinySpots } from './_predictor.ts';

testPredictor(pgl);

describe('predictor/pgl', () => {
  it('learns without a hidden layer, and with two', async () => {
    for (const hidden of [[], [8, 8]]) expect((await predict(pgl, { ...QUICK, hidden, epochs: 60 })).metrics.pcc).toBeGreaterThan(0.4);
  });

  it('holds out a tenth of the train spots where the split has none for validation', async () => {
    const inputs = tinySpots();
    const split = { ...inputs.split, validation: new Uint32Array(0) };
    const { facts } = await predict(pgl, QUICK, { inputs: { ...inputs, split } });
    expect(facts.held_out_spots).toBe(11);
  });

  it('refuses a fold of one train spot, and one too small to hold anything out', async () => {
    const inputs = tinySpots();
    const withTrain = (spots: number) => ({
      inputs: { ...inputs, split: { ...inputs.split, train: inputs.split.train.subarray(0, spots), validation: new Uint32Array(0) } },
    });
    await expect(predict(pgl, QUICK, withTrain(1))).rejects.toMatchObject({ code: 'DATA', context: { train_spots: 1 } });
    await expect(predict(pgl, QUICK, withTrain(3))).rejects.toMatchObject({ code: 'DATA', context: { validation_spots: 0 } });
  });

  it('stops when the validation pcc does not rise for a while', async () => {
    const { prediction, facts } = await predict(pgl, { ...QUICK, epochs: 400, patience: 5 });
    expect(prediction.curves!.loss.length).toBe(Number(facts.best_epoch) + 5);
  });

  it('sees other views of the spots than the first when told to', async () => {
    const [a, b] = [await predict(pgl, QUICK), await predict(pgl, { ...QUICK, augment: false })];
    expect(a.prediction.values).not.toEqual(b.prediction.values);
  });

  it('says when the loss is no longer a number', async () => {
    await expect(predict(pgl, { ...QUICK, learning_rate: 1e30 })).rejects.toMatchObject({ code: 'TRAINING' });
  });

  it('refuses when it may take less memory than it needs', async () => {
    await expect(predict(pgl, QUICK, { memoryBytes: 1000 })).rejects.toMatchObject({ code: 'RESOURCE', retryable: false });
  });
});
