import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import st from '../../../plugins/slides/st.ts';
import { testReader } from '../../kit/reader.ts';
import { hasShared, sharedPath } from '../../kit/shared-data.ts';
import { readSlides, tinyFolder, tinySection, writePicture, writeSection } from './_tiny-section.ts';

const at = tinyFolder();
const left = tinySection(
  ['A', 'B', 'C'],
  [
    [10, 20],
    [30, 20],
    [50, 20],
  ],
);
const right = tinySection(['C', 'D', 'A'], [[5, 5]]);
const data = await writeSection(at('left.h5ad'), left);
const image = await writePicture(at('left.png'), [60, 40]);
const other = { data: await writeSection(at('right.h5ad'), right), image };

testReader(st, { params: { sections: [{ data, image }, other] } });

const read = (sections: object[], lines?: string[]): Promise<any> => readSlides(st, { sections }, lines);
const refuses = async (sections: object[], message: RegExp, rest: object): Promise<void> => {
  await expect(read(sections)).rejects.toMatchObject({ code: 'DATA', message: expect.stringMatching(message), ...rest });
};

describe('sections side by side', () => {
  test('keep the genes common to all, in the order of the first, with their own values', async () => {
    const { outputs, facts } = await read([{ data, image }, other]);
    expect(outputs.data.var.index).toEqual(['A', 'C']);
    expect(facts).toMatchObject({ sections: 2, genes_left_out: 2 });
    const { X } = outputs.data;
    const row = (i: number): number[] => {
      const values = [0, 0];
      for (let p = X.indptr[i]; p < X.indptr[i + 1]; p++) values[X.indices[p]] = X.data[p];
      return values;
    };
    expect([row(0), row(1), row(3)]).toEqual([
      [0, 2],
      [10, 12],
      [2, 0],
    ]);
  });

  test('have names of spots of their own, the obs column section, and one picture each', async () => {
    const { outputs } = await read([{ data, image }, other]);
    expect(outputs.data.obs.index).toEqual(['left:spot0', 'left:spot1', 'left:spot2', 'right:spot0']);
    expect(outputs.data.obs.columns.section).toEqual({ kind: 'category', codes: Int32Array.of(0, 0, 0, 1), categories: ['left', 'right'] });
    expect(outputs.tissue.sections.map((s: any) => [s.name, s.spots.length, s.picture.kind, s.picture.width])).toEqual([
      ['left', 3, 'image', 60],
      ['right', 1, 'image', 60],
    ]);
  });

  test('have one name each', async () => {
    await expect(
      read([
        { data, image },
        { data, image },
      ]),
    ).rejects.toMatchObject({ code: 'CONFIG', context: { section: 'left' } });
  });
});

test('says that nobody told the size of a spot, and takes half of the distance between spots', async () => {
  const lines: string[] = [];
  const { outputs } = await read([{ data, image }], lines);
  expect(outputs.tissue.sections[0]).toMatchObject({ spotDiameter: 10, micronsPerPixel: Number.NaN });
  expect(lines.join()).toContain('half of the distance');
});

test('a smaller copy of the picture moves positions and sizes along', async () => {
  const half = await writePicture(at('half.png'), [30, 20]);
  const sizes = { scale: 0.5, microns_per_pixel: 2, spot_diameter: 8 };
  const { outputs } = await read([{ data, image: half, ...sizes }]);
  expect([...outputs.data.obsm.spatial.data]).toEqual([5, 10, 15, 10, 25, 10]);
  expect(outputs.tissue.sections[0]).toMatchObject({ spotDiameter: 4, micronsPerPixel: 4 });
});

test('declares the files whose content decides the result', () => {
  expect(st.files?.(st.params.parse({ sections: [{ data, image }, other] }))).toEqual([data, image, other.data, image]);
});

describe('refuses', () => {
  test('a picture that the spots do not lie in: how many, the first, and which copy it may be', async () => {
    const quarter = await writePicture(at('quarter.png'), [15, 10]);
    await refuses([{ data, image: quarter, spot_diameter: 4 }], /3 of 3 spots/, {
      context: { section: 'left', picture: quarter, size: '15 x 10', spot: 'spot0', x: 10, y: 20 },
      mend: expect.stringContaining('scale: 0.25'),
    });
  });

  test('a picture that is there no more, and a file that is none', async () => {
    await refuses([{ data, image: at('gone.png') }], /does not exist/, { context: { file: at('gone.png') } });
    writeFileSync(at('text.png'), 'no picture');
    await refuses([{ data, image: at('text.png') }], /not a picture/, { context: { file: at('text.png'), bytes: 10 } });
  });

  test('a dataset without places, and a place that is not a number', async () => {
    const none = await writeSection(at('none.h5ad'), { ...left, obsm: {} });
    await refuses([{ data: none, image }], /where its spots lie/, { context: { file: none, obsm: 'none' } });
    const bad = await writeSection(at('nan.h5ad'), tinySection(['A'], [[1, Number.NaN]]));
    await refuses([{ data: bad, image }], /not a number/, { context: { file: bad, spot: 'spot0' } });
  });

  test('sections without a common gene, and such that hold different kinds of values', async () => {
    const mouse = await writeSection(at('mouse.h5ad'), tinySection(['a', 'b'], [[1, 1]]));
    await refuses(
      [
        { data, image },
        { data: mouse, image },
      ],
      /no gene in common/,
      {
        context: { sections: 'left ... mouse', gene_of_first: 'A', gene_of_last: 'a' },
      },
    );
    const { X } = right;
    const logs = await writeSection(at('logs.h5ad'), { ...right, X: { ...X, data: X.data.map(Math.log1p) } });
    await refuses(
      [
        { data, image },
        { data: logs, image },
      ],
      /different kinds/,
      { context: { left: 'counts', logs: 'log' } },
    );
  });
});

describe.skipIf(!hasShared)('her2st', () => {
  const her = (name: string, picture: string): object => ({
    data: sharedPath(`data/her2st_HE/${name}.h5ad`),
    image: sharedPath(`data/her2st_HE/${picture}`),
  });

  test('brings its own sizes', async () => {
    const { outputs, facts } = await read([her('A1', 'A1_HE.png'), her('C2', 'C2_HE.jpg')]);
    expect(facts).toMatchObject({ sections: 2, cells: 533 });
    expect(outputs.tissue.sections.map((s: any) => [s.micronsPerPixel, s.spotDiameter, s.picture.height])).toEqual([
      [3.433, 29.1, 2138],
      [0.737, 135.7, 9911],
    ]);
  });

  test('says that the quarter-size picture is one', async () => {
    await refuses([her('C2', 'C2_HE_quarter.jpg')], /not as wide/, {
      context: { expected_width: 9274, size: '2318 x 2477' },
      mend: expect.stringContaining('scale: 0.25'),
    });
    const { outputs } = await read([{ ...her('C2', 'C2_HE_quarter.jpg'), scale: 0.25 }]);
    expect(outputs.tissue.sections[0].micronsPerPixel).toBeCloseTo(4 * 0.737);
  });
});
