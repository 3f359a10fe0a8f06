import { describe, expect, it } from 'vitest';
import type { Panel } from '../../../plugins/contract.ts';
import markermap from '../../../plugins/selectors/markermap.ts';
import { testGoldenAccuracy } from '../../kit/golden-tests.ts';
import { testSelector } from '../../kit/selector.ts';
import { testTraining } from '../../kit/training.ts';
import { MARKERS, testContext, tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

const small = { epochs: 10, hidden: 16, batch: 32 };

testSelector(markermap, { params: small });

describe('selector/markermap', () => {
  const data = tinyAtlas();
  const split = tinySplit(data);

  describe('with two tasks, one after the other', () => {
    testTraining(
      markermap,
      { data, split },
      markermap.params.parse({ k: 8, tasks: [{ column: 'type' }, { column: 'state' }], ...small, epochs: 8 }),
    );
  });

  const train = async (params: object, on = { data, split }): Promise<Record<string, any>> =>
    (await markermap.run(testContext({ seed: 2 }), on, markermap.params.parse({ k: 8, tasks: [{ column: 'type' }], ...small, ...params })))
      .outputs;

  it('finds markers, best first', async () => {
    const { genes, scores } = (await train({ epochs: 60 })).panel as Panel;
    expect([...genes].filter((j) => MARKERS.includes(j)).length).toBeGreaterThanOrEqual(6);
    expect([...scores]).toEqual([...scores].sort((a, b) => b - a));
  });

  it('searches for its learning rate, stops early and keeps published settings under the paper protocol', async () => {
    const on = { data, split };
    const params = markermap.params.parse({ k: 8, tasks: [{ column: 'type' }], protocol: 'paper', hidden: 16, epochs: 40, patience: 1 });
    const { outputs, facts } = await markermap.run(testContext({ seed: 1 }), on, params);
    const { curves } = outputs.panel as Panel;
    expect(facts!.learning_rate).toBeGreaterThan(0);
    expect(facts!.learning_rate).toBeLessThanOrEqual(1e-3);
    expect(facts!.epochs).toBeGreaterThanOrEqual(25);
    expect(curves!.temperature[24]).toBeCloseTo(3 * 0.95 ** 25, 9);
  });

  it('gives a network that reads the panel and says what the panel predicts', async () => {
    const { panel, model } = await train({});
    expect(model.genes).toEqual(panel.names);
    expect(model.heads.map((head: { kind: string }) => head.kind)).toEqual(['classes']);
    expect(panel.predictions[0].classes).toEqual(['alpha', 'beta', 'gamma']);
  });

  it('takes a train part that leaves one cell over, no validation cells, a class with one cell, and scaled values', async () => {
    const odd = { ...split, train: split.train.subarray(0, 65), validation: new Uint32Array(0) };
    const { panel } = await train({}, { data: { ...data, scale: 'scaled' }, split: odd });
    expect(panel.genes.length).toBe(8);
    const few = { ...split, train: split.train.filter((i) => i % 3 !== 2 || i === 2) };
    expect((await train({}, { data, split: few })).panel.genes.length).toBe(8);
  });

  it('names k and the genes when k is too large', async () => {
    await expect(train({ k: 41 })).rejects.toMatchObject({ code: 'DATA', context: { k: 41, genes: 40 } });
  });

  it('says when the loss is lost', async () => {
    await expect(train({ learning_rate: 1e30, epochs: 20 })).rejects.toMatchObject({ code: 'TRAINING' });
  });

  testGoldenAccuracy(markermap, { method: 'markermap:sup', splits: 1 });
});
