import { expect, it } from 'vitest';
import mlRandomForest from '../../../plugins/evaluators/ml-random-forest.ts';
import { testEvaluator } from '../../kit/evaluator.ts';
import { testContext, tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

testEvaluator(mlRandomForest, { metric: 'accuracy', params: { trees: 10 }, isOrderFree: false });

it('refuses a fit that would take too long, and says how long', async () => {
  const data = tinyAtlas();
  const panel = { genes: Uint32Array.of(0, 1), names: [], scores: new Float64Array(2), task: null };
  const params = mlRandomForest.params.parse({ k: 2, tasks: [{ column: 'type' }], trees: 100_000, max_minutes: 0.5 });
  await expect(mlRandomForest.run(testContext(), { data, split: tinySplit(data), panel }, params)).rejects.toMatchObject({
    code: 'DATA',
    context: { trees: 100_000 },
  });
});
