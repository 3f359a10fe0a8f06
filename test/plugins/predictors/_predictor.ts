import { describe, expect, it } from 'vitest';
import expression from '../../../plugins/assessors/expression.ts';
import { type Dataset, labels, type Metrics, Random, type StepDefinition } from '../../../plugins/contract.ts';
import type { Features, Prediction, PredictorInputs } from '../../../plugins/spatial-contract.ts';
import { testContext, tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';
import { testTraining } from '../../kit/training.ts';

const WIDTH = 12;

/** Features that know the type and the state of each spot, through noise, in two views. */
export function tinyFeatures({ obs, X }: Dataset): Features {
  const random = Random.of(3, 'tiny features');
  const [type, state] = [labels(obs, 'type').codes, labels(obs, 'state').codes];
  const mix = Float32Array.from({ length: WIDTH * 5 }, () => random.normal());
  const values = Float32Array.from({ length: 2 * X.rows * WIDTH }, (_, at) => {
    const [spot, f] = [Math.floor(at / WIDTH) % X.rows, at % WIDTH];
    const known = type[spot] < 0 ? 0 : mix[5 * f + type[spot]];
    return 100 + 10 * (known + mix[5 * f + 3 + state[spot]] + 0.5 * random.normal());
  });
  return { encoder: 'tiny', width: WIDTH, views: 2, values };
}

/** The tiny atlas as spots: six markers to predict, all other genes may help, the other markers first. */
export function tinySpots(): PredictorInputs {
  const data = tinyAtlas();
  const targets = {
    primary: Uint32Array.of(0, 1, 2, 3, 4, 5),
    auxiliary: Uint32Array.from({ length: 34 }, (_, j) => 6 + j),
    order: 'given',
  };
  return { data, split: tinySplit(data), features: tinyFeatures(data), targets };
}

export async function predict(
  step: StepDefinition,
  params: object,
  { inputs = tinySpots(), ...options }: { inputs?: PredictorInputs } & Parameters<typeof testContext>[0] = {},
): Promise<{ readonly prediction: Prediction; readonly facts: Readonly<Record<string, unknown>>; readonly metrics: Metrics['values'] }> {
  const { outputs, facts = {} } = await step.run(testContext({ seed: 1, ...options }), { ...inputs }, step.params.parse(params));
  const prediction = outputs.prediction as Prediction;
  const judged = await expression.run(testContext(), { data: inputs.data, prediction }, {});
  return { prediction, facts, metrics: (judged.outputs.metrics as Metrics).values };
}

/** Params with which a predictor takes a second. */
export const QUICK = { epochs: 12, hidden: [8], learning_rate: 0.01, batch: 32, dropout: 0.1 };

/** The promises of the predictors that train a network; `params` beside the quick ones. */
export function testPredictor(step: StepDefinition, params: object = {}): void {
  const given = { ...QUICK, ...params };

  describe(`predictor/${step.id} keeps the promises of a predictor`, () => {
    it('predicts the primary genes of the test spots, in units of X, better than their mean', async () => {
      const { prediction, metrics } = await predict(step, { ...given, epochs: 60 });
      const { split, targets } = tinySpots();
      expect(prediction.genes).toEqual(targets.primary);
      expect(prediction.rows).toEqual(split.test);
      expect(prediction.values.every(Number.isFinite)).toBe(true);
      expect(metrics.pcc).toBeGreaterThan(0.4);
      const { default: mean } = await import('../../../plugins/predictors/mean.ts');
      expect(metrics.mse).toBeLessThan((await predict(mean, {})).metrics.mse);
    });

    it('tells loss and validation pcc of each epoch, and keeps the best', async () => {
      const { prediction, facts } = await predict(step, given);
      const pcc = prediction.curves!['validation pcc'];
      expect(prediction.curves!.loss.length).toBe(pcc.length);
      expect(facts.validation_pcc).toBe(Math.max(...pcc));
      expect(pcc[Number(facts.best_epoch) - 1]).toBe(facts.validation_pcc);
    });

    it('gives other predictions for another seed', async () => {
      const [a, b] = [await predict(step, given), await predict(step, given, { seed: 2 })];
      expect(a.prediction.values).not.toEqual(b.prediction.values);
    });

    it('refuses params that it does not know', () => {
      expect(() => step.params.parse({ no_such_param: 1 })).toThrow();
    });

    testTraining(step, { ...tinySpots() }, step.params.parse(given));
  });
}
