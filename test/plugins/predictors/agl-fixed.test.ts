import { describe, expect, it } from 'vitest';
import all from '../../../plugins/predictors/agl-all.ts';
import fixed from '../../../plugins/predictors/agl-fixed.ts';
import { predict, QUICK, testPredictor } from './_predictor.ts';

testPredictor(fixed, { cutoff: 10 });

describe('predictor/agl-fixed', () => {
  it('takes so many auxiliary genes, and is agl-all when there are no more', async () => {
    expect((await predict(fixed, { ...QUICK, cutoff: 10 })).facts.auxiliary).toBe(10);
    const [a, b] = [await predict(fixed, { ...QUICK, cutoff: 34 }), await predict(all, QUICK)];
    expect(a.prediction.values).toEqual(b.prediction.values);
  });
});
