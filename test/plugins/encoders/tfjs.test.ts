import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import tfjs from '../../../plugins/encoders/tfjs.ts';
import { loadBackend } from '../../../tensor/backend.ts';
import { farthest } from '../../kit/near.ts';
import { runEncoder, testEncoder, tinyTissue } from './_tiny-tissue.ts';

const folder = mkdtempSync(join(tmpdir(), 'panelflow-tfjs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Saves a small network: convolution, average, and a classifier that nobody wants. */
const { tf } = await loadBackend();
const layers = tf.layers;
const network = tf.sequential({
  layers: [
    layers.conv2d({ inputShape: [32, 32, 3], filters: 6, kernelSize: 5, strides: 3, activation: 'relu', name: 'maps' }),
    layers.globalAveragePooling2d({ name: 'average' }),
    layers.dense({ units: 2, activation: 'softmax', name: 'classes' }),
  ],
});
const model = join(folder, 'model');
mkdirSync(model);
await network.save({
  save: async ({ modelTopology, weightSpecs, weightData }) => {
    const manifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
    writeFileSync(join(model, 'model.json'), JSON.stringify({ format: 'layers-model', modelTopology, weightsManifest: manifest }));
    writeFileSync(join(model, 'weights.bin'), Buffer.from(weightData as ArrayBuffer));
    return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
  },
});

testEncoder(tfjs, { model, layer: 'average' }, 6);

test('features are the output of the network, or of a named layer; maps are averaged', async () => {
  const inputs = await tinyTissue();
  expect((await runEncoder(tfjs, inputs, { model })).features.width).toBe(2);
  const average = await runEncoder(tfjs, inputs, { model, layer: 'average' });
  const maps = await runEncoder(tfjs, inputs, { model, layer: 'maps' });
  expect(farthest(maps.features.values, average.features.values)).toBeLessThan(1e-4);
});

test('leaves no tensors behind', async () => {
  const inputs = await tinyTissue();
  const before = tf.memory().numTensors;
  await runEncoder(tfjs, inputs, { model, layer: 'average' });
  expect(tf.memory().numTensors).toBe(before);
});

describe('refuses', () => {
  const refuses = async (params: object, message: RegExp, rest: object = {}): Promise<void> => {
    const run = async (): Promise<unknown> => runEncoder(tfjs, await tinyTissue(), params);
    await expect(run()).rejects.toMatchObject({ code: 'DATA', message: expect.stringMatching(message), mend: expect.any(String), ...rest });
  };

  test('a layer that is not there, with the nearest name', async () => {
    await refuses({ model, layer: 'avrage' }, /no layer/, { mend: expect.stringContaining('"average"') });
  });

  test('a folder without model.json or without its weights, and another size', async () => {
    await refuses({ model: folder }, /no model.json/, { context: { folder } });
    const lone = join(folder, 'lone');
    mkdirSync(lone);
    writeFileSync(join(lone, 'model.json'), JSON.stringify({ modelTopology: {}, weightsManifest: [{ paths: ['gone.bin'], weights: [] }] }));
    await refuses({ model: lone }, /weights is missing/, { context: { folder: lone, file: 'gone.bin' } });
    await refuses({ model, size: 64 }, /that size/, { context: { file: model, input: '32 x 32 x 3', size: 64 } });
  });
});
