import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import type { Dataset } from '../../data/dataset.ts';
import { takeCells } from '../../data/dataset.ts';
import { patchBlocks, type PatchBlock, type PatchOptions } from '../../data/patches.ts';
import { viewsOf } from '../../data/views.ts';
import type { Section } from '../../plugins/spatial-contract.ts';

const [WIDTH, HEIGHT] = [40, 30];
/** A picture that tells where each of its pixels is: red counts x, green y. */
const raw = Buffer.from(Array.from({ length: WIDTH * HEIGHT }, (_, i) => [i % WIDTH, Math.floor(i / WIDTH), 200]).flat());
const bytes = await sharp(raw, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
  .png()
  .toBuffer();

function section(xy: readonly (readonly [number, number])[], rest: Partial<Section> = {}): { data: Dataset; section: Section } {
  const spots = xy.map((_, i) => `s${i}`);
  const data: Dataset = {
    X: { kind: 'dense', rows: xy.length, cols: 1, data: new Float32Array(xy.length) },
    scale: 'counts',
    layers: {},
    obs: { index: spots, columns: { section: { kind: 'string', values: spots.map(() => 'one') } } },
    var: { index: ['A'], columns: {} },
    obsm: { spatial: { kind: 'dense', rows: xy.length, cols: 2, data: Float32Array.from(xy.flat()) } },
    uns: {},
  };
  const picture = { kind: 'image', bytes, width: WIDTH, height: HEIGHT } as const;
  return { data, section: { name: 'one', spots, picture, micronsPerPixel: 2, spotDiameter: 4, ...rest } };
}

const OPTIONS: PatchOptions = { size: 8, block: 2, microns: 16, diameters: 2, threads: 2, memoryBytes: 1e6 };

async function cut(at: { data: Dataset; section: Section }, options: Partial<PatchOptions> = {}): Promise<PatchBlock[]> {
  const blocks: PatchBlock[] = [];
  for await (const block of patchBlocks(at.data, { sections: [at.section] }, { ...OPTIONS, ...options })) blocks.push(block);
  return blocks;
}

/** Red and green of a pixel: where in the picture it is from. */
const from = (block: PatchBlock, patch: number, x: number, y: number, size = 8): number[] => [
  ...block.pixels.subarray(3 * ((patch * size + y) * size + x), 3 * ((patch * size + y) * size + x) + 2),
];

describe('patches', () => {
  test('are squares of a physical size around each spot, x to the right and y downwards', async () => {
    const blocks = await cut(
      section([
        [20, 15],
        [12.4, 9.6],
        [30, 20],
      ]),
    );
    expect(blocks.map((b) => [b.side, ...b.rows])).toEqual([
      [8, 0, 1],
      [8, 2],
    ]);
    expect([from(blocks[0], 0, 0, 0), from(blocks[0], 0, 7, 7), from(blocks[0], 1, 4, 4), from(blocks[1], 0, 0, 7)]).toEqual([
      [16, 11],
      [23, 18],
      [12, 10],
      [26, 23],
    ]);
  });

  test('are two spot diameters wide where nobody says how large a pixel is', async () => {
    const [block] = await cut(section([[20, 15]], { micronsPerPixel: Number.NaN, spotDiameter: 5 }), { size: 10 });
    expect(block.side).toBe(10);
  });

  test('are resized to the width asked for', async () => {
    const [block] = await cut(section([[20, 15]]), { size: 16 });
    expect([block.side, block.pixels.length]).toEqual([8, 16 * 16 * 3]);
    const middle = from(block, 0, 8, 8, 16);
    expect(Math.abs(middle[0] - 20)).toBeLessThanOrEqual(1);
  });

  test('mirror the picture at its edges, at all four of them', async () => {
    const [block] = await cut(
      section([
        [1, 1],
        [39, 29],
      ]),
    );
    const row = (patch: number): number[] => Array.from({ length: 8 }, (_, x) => from(block, patch, x, 4)[0]);
    expect(row(0)).toEqual([2, 1, 0, 0, 1, 2, 3, 4]);
    expect(row(1)).toEqual([35, 36, 37, 38, 39, 39, 38, 37]);
    expect(Array.from({ length: 8 }, (_, y) => from(block, 1, 4, y)[1])).toEqual([25, 26, 27, 28, 29, 29, 28, 27]);
  });

  test('are those of the spots that are left after a filter', async () => {
    const { data, section: whole } = section([
      [20, 15],
      [12, 10],
      [30, 20],
    ]);
    const [block] = await cut({ data: takeCells(data, [2]), section: whole });
    expect([[...block.rows], from(block, 0, 4, 4)]).toEqual([[0], [30, 20]]);
  });

  test('that are ready are taken by the names of their spots', async () => {
    const pixels = Uint8Array.from({ length: 3 * 8 * 8 * 3 }, (_, i) => Math.floor(i / 192));
    const { data, section: ready } = section(
      [
        [0, 0],
        [0, 0],
        [0, 0],
      ],
      { picture: { kind: 'patches', pixels, size: 8 } },
    );
    const [block] = await cut({ data: takeCells(data, [2, 0]), section: ready });
    expect([block.side, block.pixels[0], block.pixels[192]]).toEqual([8, 2, 0]);
  });

  test('can be recoloured, section by section, after a look at a sample', async () => {
    const [block] = await cut(section([[20, 15]]), {
      recolour: (of, sample) => {
        expect([of.name, sample.length]).toEqual(['one', 8 * 8 * 3]);
        return (rgb) => void rgb.fill(7);
      },
    });
    expect([...new Set(block.pixels)]).toEqual([7]);
  });
});

describe('refuses', () => {
  test('spots of a section without a picture, and too small patches', async () => {
    const { data, section: one } = section([[20, 15]]);
    await expect(cut({ data, section: { ...one, name: 'two' } })).rejects.toMatchObject({
      code: 'DATA',
      context: { spot: 's0', section: 'one', pictures: 'two' },
    });
    await expect(cut(section([[20, 15]], { micronsPerPixel: 100 }))).rejects.toMatchObject({ code: 'DATA', context: { section: 'one' } });
  });

  test('a picture larger than the memory allows, and one that is cut off', async () => {
    await expect(cut(section([[20, 15]]), { memoryBytes: 100 })).rejects.toMatchObject({ code: 'RESOURCE', retryable: false });
    const noise = Buffer.from(Array.from({ length: 3 * WIDTH * HEIGHT }, (_, i) => (i * 7919) % 251));
    const whole = await sharp(noise, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
      .png()
      .toBuffer();
    const half = { kind: 'image', bytes: whole.subarray(0, whole.length / 2), width: WIDTH, height: HEIGHT } as const;
    await expect(cut(section([[20, 25]], { picture: half }))).rejects.toMatchObject({ code: 'DATA', context: { section: 'one' } });
  });
});

describe('views', () => {
  const square = Uint8Array.from({ length: 27 }, (_, i) => Math.floor(i / 3));
  const seen = (count: 1 | 2 | 4 | 8): number[][] =>
    [...viewsOf(square, 3, count)].map((v) => Array.from({ length: 9 }, (_, p) => v[3 * p]));

  test('are the square as it is, its mirror image, its turns, or all of them, each once', () => {
    expect(seen(1)).toEqual([[0, 1, 2, 3, 4, 5, 6, 7, 8]]);
    expect(seen(2)[1]).toEqual([2, 1, 0, 5, 4, 3, 8, 7, 6]);
    expect(seen(4)[1]).toEqual([6, 3, 0, 7, 4, 1, 8, 5, 2]);
    expect(seen(4)[2]).toEqual([8, 7, 6, 5, 4, 3, 2, 1, 0]);
    expect(new Set(seen(8).map(String)).size).toBe(8);
    expect(seen(8).every((v) => v[4] === 4)).toBe(true);
  });
});
