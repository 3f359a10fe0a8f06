import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { pixelValues } from '../../data/pixels.ts';
import { loadBackend } from '../../tensor/backend.ts';
import { openResnet, randomResnet, readResnet, RESNET18_SHAPES, RESNET18_WIDTH, type ResnetWeights } from '../../tensor/resnet.ts';
import { farthest } from '../kit/near.ts';

/** The formula of test/fixtures/resnet18/make.py: numbers in [0, 1). */
function u(offset: number, size: number): Float64Array {
  const out = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    let h = Math.imul(i + offset + 1, 2654435761);
    h = Math.imul(h ^ (h >>> 15), 2246822519);
    out[i] = ((h ^ (h >>> 13)) >>> 0) / 2 ** 32;
  }
  return out;
}

function formulaWeights(): ResnetWeights {
  const names = [...RESNET18_SHAPES.keys()].sort();
  return new Map(
    names.map((name, place) => {
      const shape = RESNET18_SHAPES.get(name)!;
      const size = shape.reduce((a, b) => a * b, 1);
      const isScale = /(weight|running_var)$/.test(name);
      const bound = Math.sqrt(6 / (size / (shape[1] ?? 1)));
      const value = (v: number): number => (shape.length === 4 ? (2 * v - 1) * bound : isScale ? v + 0.5 : v - 0.5);
      return [name, { shape, data: new Float32Array(u(1_000_003 * place, size).map(value)) }];
    }),
  );
}

const weights = formulaWeights();
const noise = Uint8Array.from(u(7, 224 * 224 * 3), (v) => 256 * v);
const tile = Uint8Array.from(u(11, 14 * 14 * 3), (v) => 256 * v);
const tiles = Uint8Array.from({ length: 224 * 224 * 3 }, (_, at) => {
  const [y, x] = [Math.floor(at / (224 * 3)), Math.floor(at / 3) % 224];
  return tile[3 * (14 * (y >> 4) + (x >> 4)) + (at % 3)];
});

describe('ResNet18', () => {
  test("gives torchvision's features for the same weights and pictures", async () => {
    const backend = await loadBackend();
    const { tf } = backend;
    const before = tf.memory().numTensors;
    const network = openResnet(backend, weights);
    const values = pixelValues(Uint8Array.from([...noise, ...tiles]), 'imagenet');
    const found = tf.tidy(() => network.features(tf.tensor4d(values, [2, 224, 224, 3])).dataSync());
    network.dispose();
    expect(tf.memory().numTensors).toBe(before);
    const peer = JSON.parse(readFileSync('test/fixtures/resnet18/features.json', 'utf8')) as Record<'mean' | 'sd', number[]> & {
      first: number[][];
    };
    for (const i of [0, 1]) {
      const own = Float64Array.from(found.subarray(i * RESNET18_WIDTH, (i + 1) * RESNET18_WIDTH));
      expect(farthest(own.slice(0, 8), peer.first[i], 1)).toBeLessThan(1e-4);
      const mean = own.reduce((a, b) => a + b) / own.length;
      const sd = Math.sqrt(own.reduce((a, b) => a + (b - mean) ** 2, 0) / own.length);
      expect(farthest([mean, sd], [peer.mean[i], peer.sd[i]])).toBeLessThan(1e-5);
    }
  });

  test('has 11.2 million weights before its classifier, as published', () => {
    const counted = [...RESNET18_SHAPES].filter(([name]) => !name.includes('running'));
    expect(counted.reduce((sum, [, shape]) => sum + shape.reduce((a, b) => a * b, 1), 0)).toBe(11_689_512 - 513_000);
  });

  test('has random weights of the size that He et al. ask for', () => {
    const a = randomResnet(1);
    const { data } = a.get('layer3.0.conv2.weight')!;
    expect(Math.sqrt(data.reduce((sum, w) => sum + w * w, 0) / data.length)).toBeCloseTo(Math.sqrt(2 / (256 * 9)), 3);
    expect(a.get('bn1.running_var')!.data.every((v) => v === 1)).toBe(true);
  });
});

describe('a file of weights', () => {
  const stored = (tensors: ResnetWeights): Parameters<typeof readResnet>[0] => ({
    names: [...tensors.keys()],
    read: async (names) => new Map(names.map((name) => [name, tensors.get(name)!])),
  });

  test('may have a prefix, a classifier and counters', async () => {
    const more = new Map([...weights].map(([name, tensor]) => [`module.${name}`, tensor]));
    more.set('module.fc.weight', { shape: [1000, 512], data: new Float32Array(0) });
    const found = await readResnet(stored(more), 'w.safetensors');
    expect(found.size).toBe(RESNET18_SHAPES.size);
    expect(found.get('layer4.1.bn2.bias')).toBe(weights.get('layer4.1.bn2.bias'));
  });

  test('that lacks a tensor, or is of another network, is refused by the name of the tensor', async () => {
    const less = new Map([...weights].filter(([name]) => name !== 'layer2.0.bn1.running_mean'));
    await expect(readResnet(stored(less), 'w.safetensors')).rejects.toMatchObject({
      code: 'DATA',
      context: { file: 'w.safetensors', missing: 'layer2.0.bn1.running_mean' },
    });
    const other = new Map(weights).set('layer2.0.conv1.weight', { shape: [128, 256, 1, 1], data: new Float32Array(0) });
    await expect(readResnet(stored(other), 'w')).rejects.toMatchObject({
      code: 'DATA',
      context: { file: 'w', tensor: 'layer2.0.conv1.weight', shape: '128 x 256 x 1 x 1', expected: '128 x 64 x 3 x 3' },
      mend: expect.stringContaining('encoder/onnx'),
    });
  });

  test('of a deeper ResNet is refused, although all of ResNet18 is in it', async () => {
    const deeper = new Map(weights).set('layer1.2.conv1.weight', { shape: [64, 64, 3, 3], data: new Float32Array(0) });
    await expect(readResnet(stored(deeper), 'w')).rejects.toMatchObject({ code: 'DATA', context: { tensor: 'layer1.2.conv1.weight' } });
  });
});
