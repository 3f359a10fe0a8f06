import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import onnx from '../../../plugins/encoders/onnx.ts';
import { runEncoder, testEncoder, tinyTissue } from './_tiny-tissue.ts';

const folder = mkdtempSync(join(tmpdir(), 'panelflow-onnx-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let hasRuntime = true;
try {
  createRequire(import.meta.url).resolve('onnxruntime-node');
} catch {
  hasRuntime = false;
}

/** A field of a protocol buffer: a whole number, or bytes. */
function field(number: number, value: number | string | Uint8Array): Uint8Array {
  if (typeof value === 'number') return Uint8Array.from([...varint(number << 3), ...varint(value)]);
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Uint8Array.from([...varint((number << 3) | 2), ...varint(bytes.length), ...bytes]);
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
}

const join_ = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((p) => [...p]));
const value = (name: string, shape: readonly (number | string)[]): Uint8Array => {
  const dims = shape.map((d) => field(1, typeof d === 'number' ? field(1, d) : field(2, d)));
  return join_(field(1, name), field(2, field(1, join_(field(1, 1), field(2, join_(...dims))))));
};

/** A network of one operation on pictures x 3 x 8 x 8 (onnx.proto3: ModelProto, GraphProto, NodeProto, ValueInfoProto). */
function network(name: string, operation: string, pictures: number | string, output: readonly (number | string)[]): string {
  const node = join_(field(1, 'x'), field(2, 'y'), field(4, operation));
  const graph = join_(field(1, node), field(2, 'g'), field(11, value('x', [pictures, 3, 8, 8])), field(12, value('y', output)));
  const path = join(folder, name);
  writeFileSync(path, join_(field(1, 8), field(7, graph), field(8, join_(field(1, ''), field(2, 13)))));
  return path;
}

describe.skipIf(!hasRuntime)('with onnxruntime-node', () => {
  const flat = network('flat.onnx', 'Flatten', 'n', ['n', 192]);
  const maps = network('maps.onnx', 'Relu', 'n', ['n', 3, 8, 8]);
  testEncoder(onnx, { model: flat }, 192);

  test('maps are averaged over their area; channels come first, scaled as asked', async () => {
    const inputs = await tinyTissue();
    const all = (await runEncoder(onnx, inputs, { model: flat, pixels: 'unit' })).features.values;
    const mean = (await runEncoder(onnx, inputs, { model: maps, pixels: 'unit' })).features;
    expect(mean.width).toBe(3);
    for (const c of [0, 1, 2]) {
      const plane = all.subarray(64 * c, 64 * (c + 1));
      expect(mean.values[c]).toBeCloseTo(plane.reduce((a, b) => a + b) / 64);
    }
    expect(mean.values.every((v) => v > 0 && v <= 1)).toBe(true);
  });

  test('a network for a fixed number of pictures gets just so many', async () => {
    const inputs = await tinyTissue();
    const fixed = network('fixed.onnx', 'Flatten', 2, [2, 192]);
    expect((await runEncoder(onnx, inputs, { model: fixed })).features.values).toEqual(
      (await runEncoder(onnx, inputs, { model: flat })).features.values,
    );
  });

  test('refuses what is no network, an output that is not there, and another size', async () => {
    const inputs = await tinyTissue();
    writeFileSync(join(folder, 'text.onnx'), 'no network');
    await expect(runEncoder(onnx, inputs, { model: join(folder, 'text.onnx') })).rejects.toMatchObject({ code: 'DATA' });
    await expect(runEncoder(onnx, inputs, { model: join(folder, 'gone.onnx') })).rejects.toMatchObject({
      code: 'DATA',
      message: expect.stringContaining('exist'),
    });
    await expect(runEncoder(onnx, inputs, { model: flat, output: 'z' })).rejects.toMatchObject({
      code: 'DATA',
      mend: expect.stringContaining('y'),
    });
    await expect(runEncoder(onnx, inputs, { model: flat, size: 9 })).rejects.toMatchObject({ code: 'DATA', context: { size: 9 } });
  });
});

test.skipIf(hasRuntime)('without onnxruntime-node it says what to install', async () => {
  await expect(runEncoder(onnx, await tinyTissue(), { model: 'x.onnx' })).rejects.toMatchObject({
    code: 'RESOURCE',
    retryable: false,
    mend: expect.stringContaining('npm i onnxruntime-node'),
  });
});

test('the file of the network decides the result', () => {
  expect(onnx.files?.(onnx.params.parse({ model: 'a.onnx' }))).toEqual(['a.onnx']);
});
