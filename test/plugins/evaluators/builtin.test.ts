import { describe, expect, it } from 'vitest';
import { labels } from '../../../data/dataset.ts';
import type { Dataset, Panel, Split } from '../../../plugins/contract.ts';
import builtin from '../../../plugins/evaluators/builtin.ts';
import { testEvaluator } from '../../kit/evaluator.ts';
import { testContext, tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

/** Predictions that are right for nine cells in ten when the panel starts with a marker, and one class for all otherwise. */
function withPredictions(panel: Panel, data: Dataset, split: Split): Panel {
  const { codes, classes } = labels(data.obs, 'type');
  const rows = split.test.filter((row) => codes[row] >= 0);
  const probabilities = new Float32Array(rows.length * classes.length).fill(0.1);
  rows.forEach((row, i) => {
    const wrong = Number(data.obs.index[row].slice(4)) % 10 === 0;
    probabilities[i * classes.length + (panel.genes[0] >= 12 || wrong ? 0 : codes[row])] = 0.8;
  });
  return { ...panel, predictions: [{ task: 'type', classes, rows, probabilities }] };
}

testEvaluator(builtin, { metric: 'accuracy', complete: withPredictions });

describe('evaluator/builtin', () => {
  const data = tinyAtlas();
  const split = tinySplit(data);
  const panel: Panel = { genes: Uint32Array.of(0, 1), names: ['gene0', 'gene1'], scores: new Float64Array(2), task: null };
  const tasks = [{ column: 'type', kind: 'classification' as const }];

  it('says so when the selector has no classifier', async () => {
    await expect(builtin.run(testContext(), { data, split, panel }, { tasks, k: 2 })).rejects.toMatchObject({ code: 'DATA' });
  });

  it('refuses to judge a classifier that was trained for another k', async () => {
    const inputs = { data, split, panel: withPredictions(panel, data, split) };
    await expect(builtin.run(testContext(), inputs, { tasks, k: 1 })).rejects.toMatchObject({
      code: 'DATA',
      context: { trained: 2, k: 1 },
    });
  });
});
