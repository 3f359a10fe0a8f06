import { DataError } from '../core/errors.ts';
import type { Dataset } from './dataset.ts';
import { readDataset } from './open.ts';
import { type Picture, readPicture } from './picture.ts';
import { checkInside, pitch, type Places, spatial } from './spots.ts';

/** Where a section's spots, picture and sizes are to be found; sizes in pixels of the positions. */
export interface PlacedSource {
  readonly data: string;
  readonly image: string;
  /** Pixels of the picture for each pixel of the positions. */
  readonly scale: number;
  readonly microns_per_pixel?: number | undefined;
  readonly spot_diameter?: number | undefined;
}

/** Spots on their picture; sizes in pixels of the picture. */
export interface PlacedSection {
  readonly data: Dataset;
  readonly places: Places;
  readonly picture: Picture;
  /** NaN when nobody says. */
  readonly micronsPerPixel: number;
  readonly spotDiameter: number;
}

/**
 * Reads a dataset with `obsm.spatial` and the picture that its positions count in. Sizes come from the source, else from `uns.spatial_meta`
 * (JSON: um_per_px, spot_diameter_px, image_width), else from scanpy's `uns.spatial`; a spot diameter that nobody says is taken to be half of
 * the distance between spots. DataError when picture and positions do not match.
 */
export async function readPlaced(name: string, source: PlacedSource, log: (line: string) => void): Promise<PlacedSection> {
  const { scale } = source;
  const { data } = await readDataset(source.data);
  const places = spatial(data, source.data, scale);
  const picture = await readPicture(source.image);
  const meta = spatialMeta(data.uns);
  checkWidth(name, source, picture, meta.image_width);
  const microns = source.microns_per_pixel ?? meta.um_per_px;
  let diameter = source.spot_diameter ?? meta.spot_diameter_px ?? scanpyDiameter(data.uns);
  if (diameter === undefined) {
    diameter = pitch(places) / 2 / scale;
    log(`${name}: nobody says how large a spot is: taken to be half of the distance between spots, ${diameter.toFixed(1)} pixels`);
  }
  const spotDiameter = diameter * scale;
  checkInside(
    { name, file: source.image, ...picture, names: data.obs.index, places, spotDiameter },
    (guess) => `Is it a smaller copy? Then set \`scale: ${guess}\`${scale === 1 ? '' : ` times ${scale}`} for this section.`,
  );
  return { data, places, picture, micronsPerPixel: (microns ?? Number.NaN) / scale, spotDiameter };
}

interface Meta {
  readonly um_per_px?: number;
  readonly spot_diameter_px?: number;
  readonly image_width?: number;
}

/** `uns.spatial_meta`, a JSON text or a map; only positive numbers are taken from it. */
function spatialMeta({ spatial_meta: found }: Readonly<Record<string, unknown>>): Meta {
  let map = found;
  if (typeof found === 'string') {
    try {
      map = JSON.parse(found);
    } catch (cause) {
      throw new DataError('uns["spatial_meta"] is not JSON', { cause, mend: 'Write it with json.dumps, or leave it out.' });
    }
  }
  const entries = Object.entries(map ?? {}).filter(([, value]) => typeof value === 'number' && value > 0);
  return Object.fromEntries(entries) as Meta;
}

/** spot_diameter_fullres of the only library in scanpy's `uns.spatial`. */
function scanpyDiameter({ spatial: found }: Readonly<Record<string, unknown>>): number | undefined {
  const libraries = Object.values((found ?? {}) as Record<string, { scalefactors?: { spot_diameter_fullres?: unknown } } | undefined>);
  const value = libraries.length === 1 ? libraries[0]?.scalefactors?.spot_diameter_fullres : undefined;
  return typeof value === 'number' && value > 0 ? value : undefined;
}

/** Refuses a picture whose width is not the one that the positions were measured on; a tenth of a per cent is rounding. */
function checkWidth(name: string, { image, scale }: PlacedSource, { width, height }: Picture, measured: number | undefined): void {
  if (measured === undefined || Math.abs(width / (measured * scale) - 1) < 1e-3) return;
  const ratio = width / measured;
  const whole = Math.round(1 / ratio);
  const guess = Math.abs(ratio * whole - 1) < 2e-3 ? String(1 / whole) : ratio.toPrecision(4);
  throw new DataError('The picture is not as wide as the one that the positions were measured on', {
    context: { section: name, picture: image, size: `${width} x ${height}`, expected_width: Math.round(measured * scale) },
    mend: `Is it ${whole > 1 ? 'a smaller' : 'another'} copy of it? Then set \`scale: ${guess}\` for this section. Else give the picture of this section.`,
  });
}
