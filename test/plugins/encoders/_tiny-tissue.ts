import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { type Dataset, takeCells } from '../../../data/dataset.ts';
import type { StepContext } from '../../../plugins/contract.ts';
import type { Features, Tissue } from '../../../plugins/spatial-contract.ts';
import { Random } from '../../../stats/random.ts';
import { farthest } from '../../kit/near.ts';
import { testContext } from '../../kit/tiny-atlas.ts';

const SIZE = 64;
const SPOTS = 5;

/** Pink and violet blobs: something like a stain. */
function blobs(random: Random): Uint8Array {
  const centres = Array.from({ length: 12 }, () => [SIZE * random.uniform(), SIZE * random.uniform(), 3 + 5 * random.uniform()]);
  const isNear = (x: number, y: number): boolean => centres.some(([cx, cy, r]) => Math.hypot(x - cx, y - cy) < r);
  return Uint8Array.from(
    Array.from({ length: SIZE * SIZE }, (_, i) =>
      (isNear(i % SIZE, Math.floor(i / SIZE)) ? [90, 60, 140] : [225, 170, 200]).map((v) => Math.min(255, v + 20 * random.uniform())),
    ).flat(),
  );
}

/** Five spots of two sections, turn by turn: `picture` is one picture, `ready` has patches. */
export async function tinyTissue(): Promise<{ data: Dataset; tissue: Tissue }> {
  const random = Random.of(3, 'tiny-tissue');
  const bytes = await sharp(blobs(random), { raw: { width: SIZE, height: SIZE, channels: 3 } })
    .png()
    .toBuffer();
  const spots = Array.from({ length: SPOTS }, (_, i) => `spot${i}`);
  const place = spots.flatMap((_, i) => [10 + 8 * i, 50 - 7 * i]);
  const pixels = new Uint8Array(2 * SIZE * SIZE * 3);
  for (const i of [0, 1]) pixels.set(blobs(random), i * SIZE * SIZE * 3);
  const data: Dataset = {
    X: { kind: 'dense', rows: SPOTS, cols: 1, data: new Float32Array(SPOTS) },
    scale: 'counts',
    layers: {},
    obs: {
      index: spots,
      columns: { section: { kind: 'category', codes: Int32Array.of(0, 1, 0, 1, 0), categories: ['picture', 'ready'] } },
    },
    var: { index: ['A'], columns: {} },
    obsm: { spatial: { kind: 'dense', rows: SPOTS, cols: 2, data: Float32Array.from(place) } },
    uns: {},
  };
  const picture = { kind: 'image', bytes, width: SIZE, height: SIZE } as const;
  const sections = [
    { name: 'picture', spots: ['spot0', 'spot2', 'spot4'], picture, micronsPerPixel: 4, spotDiameter: 10 },
    { name: 'ready', spots: ['spot3', 'spot1'], picture: { kind: 'patches', pixels, size: SIZE }, micronsPerPixel: 0.5, spotDiameter: 10 },
  ] as const;
  return { data, tissue: { sections } };
}

/** Runs an encoder; `context` may say more than the default. */
export async function runEncoder(
  step: any,
  inputs: { data: Dataset; tissue: Tissue },
  params: object,
  context: Partial<StepContext> = {},
): Promise<{ features: Features; facts: any }> {
  const { outputs, facts } = await step.run({ ...testContext(), ...context }, inputs, step.params.parse(params));
  return { features: outputs.features, facts };
}

/** The promises that every encoder keeps. */
export function testEncoder(step: any, params: object, width: number): void {
  describe(`encoder/${step.id} keeps the promises of an encoder`, () => {
    it('gives finite numbers for every spot, the same ones twice', async () => {
      const inputs = await tinyTissue();
      const { features, facts } = await runEncoder(step, inputs, params);
      expect(features).toMatchObject({ encoder: step.id, width, views: 1 });
      expect(features.values.length).toBe(SPOTS * width);
      expect(features.values.every(Number.isFinite)).toBe(true);
      expect(facts).toMatchObject({ spots: SPOTS, width, patch_pixels: 'picture 28, ready 64' });
      expect((await runEncoder(step, inputs, params)).features).toEqual(features);
    });

    it('keeps to the order of the dataset, whatever was filtered and moved before', async () => {
      const { data, tissue } = await tinyTissue();
      const { features } = await runEncoder(step, { data, tissue }, params);
      const rows = [4, 1, 0];
      const some = (await runEncoder(step, { data: takeCells(data, rows), tissue }, params)).features;
      const wanted = rows.flatMap((row) => [...features.values.subarray(row * width, (row + 1) * width)]);
      expect(farthest(some.values, wanted, 0.1)).toBeLessThan(1e-4);
      expect(farthest(features.values.subarray(0, width), features.values.subarray(width, 2 * width), 0.1)).toBeGreaterThan(0.01);
    });

    it('reports progress, and stops when it is cancelled', async () => {
      const inputs = await tinyTissue();
      const notes: string[] = [];
      await runEncoder(step, inputs, params, { progress: (_, note) => void notes.push(note ?? '') });
      expect(notes.at(-1)).toBe('5 of 5 patches');
      const signal = AbortSignal.abort();
      await expect(runEncoder(step, inputs, params, testContext({ signal }))).rejects.toThrow(/abort/i);
    });
  });
}
