import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Dataset, takeCells, takeGenes } from '../../data/dataset.ts';
import { writeH5ad } from '../../data/h5ad-write.ts';
import type { Network, Panel } from '../../plugins/contract.ts';
import { predictCells, predictionColumns, reconstruction } from '../../plugins/predict.ts';
import yoto from '../../plugins/selectors/yoto.ts';
import normalize from '../../plugins/transforms/normalize.ts';
import { testContext, tinyAtlas, tinySplit } from '../kit/tiny-atlas.ts';

const quiet = (): void => {};

describe('a trained network on new cells', () => {
  const atlas = tinyAtlas();
  const counts: Dataset = { ...atlas, X: atlas.layers.counts, layers: {}, scale: 'counts' };
  const split = tinySplit(atlas);
  let folder = '';
  let log: Dataset;
  let model: Network;
  let panel: Panel;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'panelflow-predict-'));
    log = (await normalize.run(testContext(), { data: counts }, normalize.params.parse({}))).outputs.data as Dataset;
    const tasks = [{ column: 'type' }, { column: 'age', kind: 'regression' }];
    const params = yoto.params.parse({ k: 8, tasks, epochs: 120, hidden: [16], batch: 32, gene_dropout: 0 });
    const { outputs } = await yoto.run(testContext({ seed: 1 }), { data: log, split }, params);
    [model, panel] = [outputs.model as Network, outputs.panel as Panel];
  });
  afterAll(() => rm(folder, { recursive: true }));

  const write = async (name: string, data: Dataset): Promise<string> => {
    const path = join(folder, name);
    await writeH5ad(path, data);
    return path;
  };

  it('says what the selector said of its test cells, from counts and from log values', async () => {
    const [known] = panel.predictions!;
    for (const [name, data] of Object.entries({ counts, log: { ...log, layers: {} } })) {
      const said = await predictCells(model, await write(`${name}.h5ad`, takeCells(data, known.rows)), quiet);
      said.outputs[0].forEach((p, at) => expect(p).toBeCloseTo(known.probabilities[at], 4));
      expect(said.notes.length).toBe(name === 'counts' ? 1 : 0);
    }
  });

  it('makes columns of classes and numbers, and checks them against those of the file', async () => {
    const said = await predictCells(model, await write('all.h5ad', counts), quiet);
    const { columns, checks } = predictionColumns(model, said, true);
    expect(columns.map((c) => c.name)).toEqual(['type', 'type_probability', 'type=alpha', 'type=beta', 'type=gamma', 'age']);
    expect(checks['accuracy of type']).toBeGreaterThan(0.7);
    expect(checks['mean absolute error of age']).toBeGreaterThan(0);
    const { X, obs } = reconstruction(model, said, columns);
    expect([X.rows, X.cols]).toEqual([180, 8]);
    expect(obs.columns.predicted_type.kind).toBe('string');
  });

  it('names the genes that a file lacks, and values that it cannot use', async () => {
    const few = takeGenes(
      counts,
      Uint32Array.from({ length: 40 }, (_, j) => j).filter((j) => j !== panel.genes[0]),
    );
    const lacking = predictCells(model, await write('few.h5ad', few), quiet);
    await expect(lacking).rejects.toMatchObject({ code: 'DATA', context: { gene: panel.names[0] } });
    const shifted = { ...counts, X: { ...counts.X, data: counts.X.data.map((x) => x - 0.5) } };
    await expect(predictCells(model, await write('odd.h5ad', shifted), quiet)).rejects.toMatchObject({ code: 'DATA' });
  });
});
