import { expect, it } from 'vitest';
import type { Metrics } from '../../../plugins/contract.ts';
import markerRecovery from '../../../plugins/evaluators/marker-recovery.ts';
import { testEvaluator } from '../../kit/evaluator.ts';
import { testContext, tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

testEvaluator(markerRecovery, { metric: 'recall_at_k' });

const data = tinyAtlas();
const split = tinySplit(data);
const panel = { genes: Uint32Array.of(0, 30, 1, 31), names: [], scores: new Float64Array(4), task: null };

it('counts true markers among the first k genes', async () => {
  const { outputs } = await markerRecovery.run(
    testContext(),
    { data, split, panel },
    { k: 4, tasks: [{ column: 'type', kind: 'classification' }] },
  );
  expect((outputs.metrics as Metrics).values).toEqual({ precision_at_k: 0.5, recall_at_k: 2 / 12 });
});

it('says so when the truth is not known', async () => {
  const params = { k: 4, tasks: [{ column: 'state', kind: 'classification' as const }] };
  await expect(markerRecovery.run(testContext(), { data, split, panel }, params)).rejects.toMatchObject({ code: 'DATA' });
});
