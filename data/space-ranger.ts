import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DataError } from '../core/errors.ts';
import { type Column, type Dataset, takeCells } from './dataset.ts';
import { type Picture, readPicture } from './picture.ts';
import { readDataset } from './open.ts';
import { checkInside, type Places, placesOf } from './spots.ts';
import { fields, textLines } from './text.ts';

/** Centre to centre of neighbouring Visium spots. */
const PITCH_MICRONS = 100;

/** A Space Ranger folder: the spots in tissue, on the picture that was asked for. */
export interface VisiumSection {
  readonly data: Dataset;
  readonly places: Places;
  readonly picture: Picture;
  readonly pictureName: string;
  /** By the array, whose spots lie 100 micrometres apart; NaN when no two neighbours are there. */
  readonly micronsPerPixel: number;
  /** As the scale factors say, in pixels of the picture. */
  readonly spotDiameter: number;
  /** Barcodes of the matrix that are not in tissue, or have no place. */
  readonly left: number;
}

/**
 * Reads the output of Space Ranger 1 to 3 (the folder `outs`, or one like it): filtered_feature_bc_matrix (.h5 or folder), and `spatial/` with
 * the positions (with or without a header), the scale factors and pictures. `image` is auto (hires, else lowres), hires, lowres, or the path
 * of the full-size picture. DataError for whatever is missing or does not match.
 */
export async function readSpaceRanger(folder: string, image: string, name: string): Promise<VisiumSection> {
  if (!existsSync(folder) || !statSync(folder).isDirectory())
    throw new DataError('There is no such folder', { context: { folder }, mend: 'Give the folder that Space Ranger calls `outs`.' });
  const { data: all } = await readDataset(findMatrix(folder));
  const spots = await readPositions(positionsFile(folder));
  const rows = all.obs.index.flatMap((barcode, i) => (spots.get(barcode)?.inTissue ? [i] : []));
  if (rows.length === 0) {
    throw new DataError('No barcode of the matrix is a spot in tissue', {
      context: { folder, in_matrix: all.obs.index[0], in_positions: spots.keys().next().value ?? 'none' },
      mend: 'Take matrix and positions from the same run.',
    });
  }
  const chosen = choosePicture(folder, image);
  const picture = await readPicture(chosen.path);
  const found = rows.map((i) => spots.get(all.obs.index[i])!);
  const factors = readFactors(folder);
  const factor = (key: string): number => factorOf(factors, key, folder);
  const scale = chosen.factor === undefined ? 1 : factor(chosen.factor);
  const places = placesOf(
    found.map((s) => s.x * scale),
    found.map((s) => s.y * scale),
  );
  const spotDiameter = factor('spot_diameter_fullres') * scale;
  const data = withArray(takeCells(all, rows), found);
  checkInside({ name, file: chosen.path, ...picture, names: data.obs.index, places, spotDiameter }, () =>
    chosen.factor === undefined
      ? 'The full-size picture is the one that Space Ranger was given. For a smaller copy set `image: hires` or `image: lowres`.'
      : 'Picture and scale factors must come from the same run.',
  );
  return {
    data,
    places,
    picture,
    pictureName: chosen.path.slice(chosen.path.lastIndexOf('/') + 1),
    micronsPerPixel: PITCH_MICRONS / (arrayPitch(found) * scale),
    spotDiameter,
    left: all.X.rows - rows.length,
  };
}

interface Spot {
  readonly inTissue: boolean;
  readonly row: number;
  readonly col: number;
  /** In pixels of the full-size picture. */
  readonly x: number;
  readonly y: number;
}

function findMatrix(folder: string): string {
  const names = readdirSync(folder);
  const found = names.find((n) => n.endsWith('filtered_feature_bc_matrix.h5')) ?? names.find((n) => n === 'filtered_feature_bc_matrix');
  if (found !== undefined) return join(folder, found);
  throw new DataError('The folder holds no filtered_feature_bc_matrix, neither .h5 nor a folder', {
    context: { folder, there: names.slice(0, 8).join(', ') },
    mend: 'Give the folder that Space Ranger calls `outs`, or put matrix and `spatial/` into one folder.',
  });
}

function positionsFile(folder: string): string {
  const found = ['tissue_positions.csv', 'tissue_positions_list.csv'].map((n) => join(folder, 'spatial', n)).find((p) => existsSync(p));
  if (found !== undefined) return found;
  throw new DataError('The folder holds no spatial/tissue_positions.csv (or tissue_positions_list.csv)', {
    context: { folder },
    mend: existsSync(join(folder, 'spatial', 'tissue_positions.parquet'))
      ? 'A Visium HD folder: write its positions as csv with the same columns.'
      : 'Put the folder `spatial` of the same run beside the matrix.',
  });
}

/** Spots by barcode: barcode, in tissue, array row, array column, pixel row, pixel column. */
async function readPositions(path: string): Promise<Map<string, Spot>> {
  const spots = new Map<string, Spot>();
  let number = 0;
  for await (const line of textLines(path)) {
    number++;
    const [barcode, ...words] = fields(line, ',');
    if (line.trim() === '' || (number === 1 && words[0] === 'in_tissue')) continue;
    const [inTissue, row, col, y, x] = words.map(Number);
    if (words.length !== 5 || ![inTissue, row, col, y, x].every(Number.isFinite)) {
      throw new DataError('The line is no position of a spot', {
        context: { file: path, line: number },
        mend: 'It wants barcode, in_tissue, array_row, array_col, pxl_row_in_fullres, pxl_col_in_fullres.',
      });
    }
    spots.set(barcode, { inTissue: inTissue === 1, row, col, x, y });
  }
  return spots;
}

function readFactors(folder: string): Readonly<Record<string, unknown>> {
  const file = join(folder, 'spatial', 'scalefactors_json.json');
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  } catch (cause) {
    throw new DataError(`The scale factors ${existsSync(file) ? 'are not JSON' : 'are not there'}`, {
      cause,
      context: { file },
      mend: 'Take scalefactors_json.json from the same run.',
    });
  }
}

function factorOf(factors: Readonly<Record<string, unknown>>, key: string, folder: string): number {
  const value = factors[key];
  if (typeof value === 'number' && value > 0) return value;
  throw new DataError(`The scale factors lack "${key}"`, {
    context: { folder, there: Object.keys(factors).join(', ') },
    mend: 'Take scalefactors_json.json from the same run, or another picture.',
  });
}

/** The picture, and the scale factor that takes positions to it. */
function choosePicture(folder: string, image: string): { readonly path: string; readonly factor?: string } {
  if (!['auto', 'hires', 'lowres'].includes(image)) return { path: image };
  for (const which of image === 'auto' ? ['hires', 'lowres'] : [image]) {
    for (const ending of ['png', 'jpg', 'jpeg', 'tiff', 'tif']) {
      const path = join(folder, 'spatial', `tissue_${which}_image.${ending}`);
      if (existsSync(path)) return { path, factor: `tissue_${which}_scalef` };
    }
  }
  const there = existsSync(join(folder, 'spatial')) ? readdirSync(join(folder, 'spatial')) : [];
  throw new DataError(`The folder holds no ${image === 'auto' ? '' : `${image} `}picture of the tissue`, {
    context: { folder, there: there.filter((n) => /\.(png|jpe?g|tiff?)$/.test(n)).join(', ') || 'none' },
    mend: 'Set `image` to hires or lowres where there is one, or to the path of the full-size picture.',
  });
}

/** Median distance of spots two columns apart in a row of the array, in pixels of the full-size picture: neighbours of the hexagonal grid. */
function arrayPitch(spots: readonly Spot[]): number {
  const at = new Map(spots.map((s) => [`${s.row} ${s.col}`, s]));
  const distances = spots.flatMap((s) => {
    const next = at.get(`${s.row} ${s.col + 2}`);
    return next ? [Math.hypot(next.x - s.x, next.y - s.y)] : [];
  });
  return distances.sort((a, b) => a - b)[distances.length >> 1] ?? Number.NaN;
}

function withArray(data: Dataset, spots: readonly Spot[]): Dataset {
  const column = (pick: (s: Spot) => number): Column => ({ kind: 'number', values: Float64Array.from(spots, pick) });
  const columns = { ...data.obs.columns, array_row: column((s) => s.row), array_col: column((s) => s.col) };
  return { ...data, obs: { index: data.obs.index, columns } };
}
