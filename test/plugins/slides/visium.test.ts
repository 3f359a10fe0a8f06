import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import visium from '../../../plugins/slides/visium.ts';
import { testReader } from '../../kit/reader.ts';
import { hasShared, sharedPath } from '../../kit/shared-data.ts';
import { readSlides, tinyFolder, writePicture } from './_tiny-section.ts';

const at = tinyFolder();
const HEADER = 'barcode,in_tissue,array_row,array_col,pxl_row_in_fullres,pxl_col_in_fullres\n';
const SPOTS = 'AAA-1,1,0,0,100,40\nCCC-1,1,0,2,100,90\nGGG-1,0,0,4,100,140\n';
const FACTORS = { tissue_hires_scalef: 0.5, tissue_lowres_scalef: 0.1, spot_diameter_fullres: 30 };

/** A folder as Space Ranger writes it; three barcodes, two of them in tissue. */
async function ranger(name: string, positions: readonly [string, string] = ['tissue_positions.csv', HEADER + SPOTS]): Promise<string> {
  const matrix = at(`${name}/filtered_feature_bc_matrix`);
  mkdirSync(matrix, { recursive: true });
  mkdirSync(at(`${name}/spatial`));
  writeFileSync(join(matrix, 'matrix.mtx'), '%%MatrixMarket matrix coordinate integer general\n2 3 3\n1 1 5\n2 2 1\n1 3 7\n');
  writeFileSync(join(matrix, 'features.tsv'), 'E1\tA\tGene Expression\nE2\tB\tGene Expression\n');
  writeFileSync(join(matrix, 'barcodes.tsv'), 'AAA-1\nCCC-1\nGGG-1\n');
  writeFileSync(at(`${name}/spatial/${positions[0]}`), positions[1]);
  writeFileSync(at(`${name}/spatial/scalefactors_json.json`), JSON.stringify(FACTORS));
  await writePicture(at(`${name}/spatial/tissue_hires_image.png`), [100, 100]);
  await writePicture(at(`${name}/spatial/tissue_lowres_image.png`), [20, 20]);
  return at(name);
}

const folder = await ranger('outs');
testReader(visium, { params: { sections: [{ folder }] } });

const read = (section: object, lines?: string[]): Promise<any> => readSlides(visium, { sections: [section] }, lines);

test('places the spots in tissue on the hires picture; sizes are those of its pixels', async () => {
  const lines: string[] = [];
  const { outputs } = await read({ folder }, lines);
  expect(outputs.data.obs.index).toEqual(['AAA-1', 'CCC-1']);
  expect([...outputs.data.obsm.spatial.data]).toEqual([20, 50, 45, 50]);
  expect(outputs.tissue.sections[0]).toMatchObject({ name: 'outs', spotDiameter: 15, micronsPerPixel: 4 });
  expect(lines.join()).toContain('1 barcodes are not in tissue');
});

test('positions without a header, the lowres picture and a full-size one', async () => {
  const old = await ranger('old', ['tissue_positions_list.csv', SPOTS]);
  const low = await read({ folder: old, image: 'lowres' });
  expect(low.outputs.data.obsm.spatial.data[0]).toBeCloseTo(4);
  const full = await writePicture(at('full.png'), [200, 200]);
  const { outputs } = await read({ folder: old, image: full });
  expect([...outputs.data.obsm.spatial.data]).toEqual([40, 100, 90, 100]);
  expect(outputs.tissue.sections[0]).toMatchObject({ spotDiameter: 30, micronsPerPixel: 2 });
});

test('the folder, and a picture outside of it, decide the result', () => {
  const files = (section: object): readonly string[] | undefined => visium.files?.(visium.params.parse({ sections: [section] }));
  expect(files({ folder })).toEqual([folder]);
  expect(files({ folder, image: 'full.png' })).toEqual([folder, 'full.png']);
});

describe('refuses', () => {
  const refuses = async (section: object, message: RegExp, rest: object = {}): Promise<void> => {
    await expect(read(section)).rejects.toMatchObject({
      code: 'DATA',
      message: expect.stringMatching(message),
      mend: expect.any(String),
      ...rest,
    });
  };

  test('a folder that lacks a part, by the name of the part', async () => {
    await refuses({ folder: at('nowhere') }, /no such folder/);
    for (const [part, message] of [
      ['filtered_feature_bc_matrix', /no filtered_feature_bc_matrix/],
      ['spatial/tissue_positions.csv', /no spatial\/tissue_positions/],
      ['spatial/scalefactors_json.json', /scale factors are not there/],
      ['spatial/tissue_hires_image.png', /no hires picture/],
    ] as const) {
      const broken = at(`without-${part.replaceAll('/', '-')}`);
      cpSync(folder, broken, { recursive: true });
      rmSync(join(broken, part), { recursive: true });
      await refuses({ folder: broken, image: 'hires' }, message, { context: expect.objectContaining({}) });
    }
  });

  test('positions of another run, and a line that is none', async () => {
    await refuses({ folder: await ranger('foreign', ['tissue_positions.csv', 'TTT-1,1,0,0,1,1\n']) }, /No barcode/, {
      context: { folder: at('foreign'), in_matrix: 'AAA-1', in_positions: 'TTT-1' },
    });
    await refuses({ folder: await ranger('torn', ['tissue_positions.csv', `${HEADER}AAA-1,1,0\n`]) }, /no position/, {
      context: { file: at('torn/spatial/tissue_positions.csv'), line: 2 },
    });
  });

  test('a small copy given as the full-size picture', async () => {
    await refuses({ folder, image: at('outs/spatial/tissue_lowres_image.png') }, /2 of 2 spots/, {
      mend: expect.stringContaining('image: hires'),
    });
  });
});

describe.skipIf(!hasShared)('real folders', () => {
  test('Space Ranger 1: HDF5 matrix, positions without a header', async () => {
    const { outputs, facts } = await read({ folder: sharedPath('data/formats/visium_v1_tiny') });
    expect(facts).toMatchObject({ cells: 100, genes: 100, scale: 'counts' });
    const [section] = outputs.tissue.sections;
    // the spots of this version are said to be 65 micrometres wide
    expect(section.spotDiameter * section.micronsPerPixel).toBeCloseTo(65, 0);
  });

  test('Space Ranger 3: mtx folder, positions with a header, a lowres picture alone', async () => {
    const lines: string[] = [];
    const { outputs, facts } = await read({ folder: sharedPath('data/formats/visium_v2_mouse') }, lines);
    expect(facts).toMatchObject({ cells: 2898, genes: 19_465 });
    expect(outputs.tissue.sections[0].micronsPerPixel).toBeCloseTo(23.39, 1);
    expect(lines.join()).toContain('tissue_lowres_image.png (600 x 600)');
  });
});
