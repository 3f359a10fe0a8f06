import { describe, expect, it } from 'vitest';
import dkgsb from '../../../plugins/predictors/dkgsb.ts';
import { predict, QUICK, testPredictor, tinySpots } from './_predictor.ts';

testPredictor(dkgsb);

describe('predictor/dkgsb', () => {
  it('tells theta and k of each epoch, from the cut that it starts with, and k of the best one', async () => {
    const { prediction, facts } = await predict(dkgsb, { ...QUICK, cutoff: 1, weight_rate: 0.05 });
    const { theta, k } = prediction.curves!;
    expect([theta[0], k[0]]).toEqual([1, 34]);
    expect(new Set(theta).size).toBeGreaterThan(5);
    expect(Math.min(...theta)).toBeGreaterThanOrEqual(0);
    expect(facts.k).toBe(k[Number(facts.best_epoch) - 1]);
  });

  it('cannot move theta with a linear head, where no gene helps another, and says so', async () => {
    const log: string[] = [];
    const { prediction } = await predict(dkgsb, { ...QUICK, hidden: [] }, { log: (line) => void log.push(line) });
    expect(new Set(prediction.curves!.theta)).toEqual(new Set([0.5]));
    expect(log.join()).toContain('linear head');
  });

  it.each([
    [{ protocol: 'paper', hidden: [8], epochs: 3 }],
    [{ inner_rule: 'adam', inner_rate: 1e-3, inner_steps: 3 }],
    [{ ranks: 'raw', tau: 2 }],
  ])('learns with %j', async (params) => {
    const { theta } = (await predict(dkgsb, { ...QUICK, ...params })).prediction.curves!;
    expect(new Set(theta).size).toBeGreaterThan(1);
  });

  it('needs auxiliary genes', async () => {
    const inputs = tinySpots();
    const targets = { ...inputs.targets, auxiliary: new Uint32Array(0) };
    await expect(predict(dkgsb, QUICK, { inputs: { ...inputs, targets } })).rejects.toMatchObject({ code: 'DATA' });
  });
});
