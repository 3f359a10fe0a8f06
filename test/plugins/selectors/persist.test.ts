import { describe, expect, it } from 'vitest';
import type { Panel } from '../../../plugins/contract.ts';
import persist from '../../../plugins/selectors/persist.ts';
import { loadBackend } from '../../../tensor/backend.ts';
import { comparedAccuracy } from '../../kit/golden-panels.ts';
import { testSelector } from '../../kit/selector.ts';
import { hasShared } from '../../kit/shared-data.ts';
import { MARKERS, testContext, tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

const small = { epochs: 10, hidden: 16, batch: 32, candidates: 20, trials: 3 };

testSelector(persist, { params: small });

const isNative = (await loadBackend()).name === 'tensorflow';

describe('selector/persist', () => {
  const data = tinyAtlas();
  const split = tinySplit(data);
  const log: string[] = [];
  const train = async (params: object, on = { data, split }): Promise<Record<string, any>> => {
    const context = testContext({ seed: 2, log: (line) => void log.push(line) });
    const { outputs, facts } = await persist.run(context, on, persist.params.parse({ k: 8, tasks: [{ column: 'type' }], ...params }));
    return { ...outputs, facts };
  };

  it('finds markers, best first, and settings for a small dataset by itself', async () => {
    const { panel, facts } = await train({});
    const { genes, scores } = panel as Panel;
    expect([...genes].filter((j) => MARKERS.includes(j)).length).toBeGreaterThanOrEqual(5);
    expect([...scores]).toEqual([...scores].sort((a, b) => b - a));
    expect(facts.epochs).toBeGreaterThan(100);
  });

  it('eliminates down to the candidates asked for', async () => {
    const { panel, facts } = await train({ ...small, epochs: 300, penalty: 0.02 });
    expect(facts.candidates).toBe(20);
    expect(facts.trials).toBeGreaterThan(0);
    expect(panel.curves['eliminate genes'].length).toBeGreaterThan(0);
    expect(panel.predictions[0].classes).toEqual(['alpha', 'beta', 'gamma']);
  });

  it('keeps published settings under the paper protocol, and says when no trial came near the candidates', async () => {
    const { panel, facts, model } = await train({ ...small, protocol: 'paper', epochs: 5, eliminate_epochs: 3, trials: 3 });
    expect(facts.trials).toBe(3);
    expect(facts.candidates).toBe(40);
    expect(log.join()).toContain('did not come to 20 candidates');
    expect(new Set(panel.genes).size).toBe(8);
    expect(panel.curves['select temperature'][4]).toBeCloseTo(0.01, 9);
    expect(panel.curves['refit loss']).toBeUndefined();
    expect(model.layers[0].inputs).toBe(8);
  });

  it('takes scaled values, a class with one cell, and fewer cells than a batch', async () => {
    const few = { ...split, train: split.train.filter((i) => i % 3 !== 2 || i === 2).subarray(0, 20), validation: new Uint32Array(0) };
    const { panel } = await train({ epochs: 5 }, { data: { ...data, scale: 'scaled', layers: {} }, split: few });
    expect(panel.genes.length).toBe(8);
  });

  it('names k and the genes when k is too large', async () => {
    await expect(train({ k: 41 })).rejects.toMatchObject({ code: 'DATA', context: { k: 41, genes: 40 } });
  });

  it.skipIf(!hasShared || !isNative)('reaches the reference with 50 genes on Zeisel', async () => {
    const { knn, forest } = await comparedAccuracy(persist, 'zeisel', { method: 'persist:sup', splits: 1 });
    expect(forest.ours).toBeGreaterThanOrEqual(forest.reference - 0.005);
    expect(knn.ours).toBeGreaterThanOrEqual(knn.reference - 0.005);
  });
});
