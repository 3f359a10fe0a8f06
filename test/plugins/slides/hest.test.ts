import { describe, expect, test } from 'vitest';
import { hdf5 } from '../../../data/hdf5.ts';
import hest from '../../../plugins/slides/hest.ts';
import { testReader } from '../../kit/reader.ts';
import { readSlides, tinyFolder, tinySection, writeSection } from './_tiny-section.ts';

const at = tinyFolder();
const SIZE = 4;

/** A file of patches as HEST has it: each patch full of its own number. */
async function patchFile(
  name: string,
  barcodes: readonly string[],
  parts: readonly string[] = ['img', 'barcode', 'coords'],
): Promise<string> {
  const { File } = await hdf5();
  const file = new File(at(name), 'w');
  const n = barcodes.length;
  const pixels = Uint8Array.from({ length: n * SIZE * SIZE * 3 }, (_, i) => Math.floor(i / (SIZE * SIZE * 3)));
  if (parts.includes('img')) file.create_dataset({ name: 'img', data: pixels, shape: [n, SIZE, SIZE, 3], dtype: '<B' });
  if (parts.includes('barcode')) file.create_dataset({ name: 'barcode', data: [...barcodes], shape: [n, 1], dtype: 'S8' });
  const coords = Int32Array.from({ length: 2 * n }, (_, i) => 100 * i);
  if (parts.includes('coords')) file.create_dataset({ name: 'coords', data: coords, shape: [n, 2] });
  file.close();
  return at(name);
}

const section = tinySection(
  ['A', 'B'],
  [
    [10, 10],
    [30, 10],
    [50, 10],
  ],
);
const data = await writeSection(at('S1.h5ad'), section);
const patches = await patchFile('S1.h5', ['spot2', 'spot0', 'elsewhere']);
const read = (files: object, lines?: string[]): Promise<any> => readSlides(hest, { sections: [{ data, patches, ...files }] }, lines);

testReader(hest, { params: { sections: [{ data, patches }] } });

test('keeps the spots that have a patch, each with its own', async () => {
  const lines: string[] = [];
  const { outputs } = await read({}, lines);
  expect(outputs.data.obs.index).toEqual(['spot0', 'spot2']);
  const [{ picture, ...rest }] = outputs.tissue.sections;
  expect(rest).toEqual({ name: 'S1', spots: ['spot0', 'spot2'], micronsPerPixel: 0.5, spotDiameter: 20 });
  expect([picture.size, picture.pixels.length, picture.pixels[0], picture.pixels.at(-1)]).toEqual([SIZE, 2 * SIZE * SIZE * 3, 1, 0]);
  expect(lines.join()).toContain('1 spots have no patch');
});

test('places are those of the dataset, or of the patches where it has none', async () => {
  expect([...(await read({})).outputs.data.obsm.spatial.data]).toEqual([10, 10, 50, 10]);
  const bare = await writeSection(at('bare.h5ad'), { ...section, obsm: {} });
  expect([...(await read({ data: bare })).outputs.data.obsm.spatial.data]).toEqual([200, 300, 0, 100]);
});

describe('refuses', () => {
  const refuses = async (files: object, message: RegExp, context: object): Promise<void> => {
    await expect(read(files)).rejects.toMatchObject({
      code: 'DATA',
      message: expect.stringMatching(message),
      context,
      mend: expect.any(String),
    });
  };

  test('patches of another sample, with a barcode of each side', async () => {
    const foreign = await patchFile('S2.h5', ['other0', 'other1']);
    await refuses({ patches: foreign }, /do not match/, { data, patches: foreign, in_data: 'spot0', in_patches: 'other0' });
  });

  test('a file without patches, and one that is none', async () => {
    const empty = await patchFile('empty.h5', ['spot0'], ['barcode', 'coords']);
    await refuses({ patches: empty }, /no "img"/, { file: empty, there: 'barcode, coords' });
    await refuses({ patches: at('gone.h5') }, /does not exist/, { file: at('gone.h5') });
  });
});
