import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import resnet18 from '../../../plugins/encoders/resnet18.ts';
import { randomResnet } from '../../../tensor/resnet.ts';
import { farthest } from '../../kit/near.ts';
import { runEncoder, testEncoder, tinyTissue } from './_tiny-tissue.ts';

const folder = mkdtempSync(join(tmpdir(), 'panelflow-resnet-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The random weights of seed 0, as a file. */
const weights = join(folder, 'weights.safetensors');
const header: Record<string, object> = {};
const parts: Buffer[] = [];
let at = 0;
for (const [name, { shape, data }] of randomResnet(0)) {
  header[name] = { dtype: 'F32', shape, data_offsets: [at, at + data.byteLength] };
  parts.push(Buffer.from(data.buffer));
  at += data.byteLength;
}
const text = Buffer.from(JSON.stringify(header));
const length = Buffer.alloc(8);
length.writeBigUInt64LE(BigInt(text.length));
writeFileSync(weights, Buffer.concat([length, text, ...parts]));

testEncoder(resnet18, { weights }, 512);

test('without weights it is random, by its own seed, and says so once, loudly', async () => {
  const inputs = await tinyTissue();
  const lines: string[] = [];
  const random = await runEncoder(resnet18, inputs, {}, { log: (line) => void lines.push(line) });
  expect(random.facts.pretrained).toBe(false);
  expect(lines.filter((l) => l.includes('random weights'))).toHaveLength(1);
  const loaded = await runEncoder(resnet18, inputs, { weights });
  expect(loaded.facts.pretrained).toBe(true);
  expect(random.features.values).toEqual(loaded.features.values);
});

test('the first view is the patch as it is; a mirrored patch looks otherwise', async () => {
  const inputs = await tinyTissue();
  const plain = (await runEncoder(resnet18, inputs, { weights })).features;
  const both = (await runEncoder(resnet18, inputs, { weights, views: 2 })).features;
  expect([both.views, both.values.length]).toEqual([2, 2 * plain.values.length]);
  expect(farthest(both.values.subarray(0, plain.values.length), plain.values, 0.1)).toBeLessThan(1e-4);
  expect(farthest(both.values.subarray(plain.values.length), plain.values, 0.1)).toBeGreaterThan(0.01);
});

describe('weights', () => {
  test('decide the result by their content', () => {
    expect(resnet18.files?.(resnet18.params.parse({ weights }))).toEqual([weights]);
    expect(resnet18.files?.(resnet18.params.parse({}))).toEqual([]);
  });

  test('that are not numbers are refused by the name of the spot', async () => {
    const bad = join(folder, 'nan.safetensors');
    writeFileSync(bad, Buffer.concat([length, text, ...parts.map((p) => Buffer.alloc(p.length, 0xff))]));
    await expect(runEncoder(resnet18, await tinyTissue(), { weights: bad })).rejects.toMatchObject({
      code: 'DATA',
      context: { encoder: 'resnet18', section: 'picture', spot: 'spot0' },
    });
  });
});
