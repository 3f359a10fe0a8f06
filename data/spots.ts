import { DataError } from '../core/errors.ts';
import type { Dataset } from './dataset.ts';
import type { DenseMatrix } from './matrix.ts';

/** Where spots lie: spots x 2 (x to the right, y downwards), in pixels. */
export type Places = DenseMatrix;

/** Places from x and y, one of each a spot. */
export function placesOf(x: ArrayLike<number>, y: ArrayLike<number>): Places {
  const data = new Float32Array(2 * x.length);
  for (let i = 0; i < x.length; i++) data.set([x[i], y[i]], 2 * i);
  return { kind: 'dense', rows: x.length, cols: 2, data };
}

/** `obsm.spatial` (its first two columns) times `scale`; DataError when there is none, or a place is not a number. */
export function spatial(data: Dataset, file: string, scale = 1): Places {
  const found = data.obsm.spatial;
  if (!found || found.cols < 2) {
    throw new DataError('The dataset does not say where its spots lie: it has no obsm["spatial"] with x and y', {
      context: { file, obsm: Object.keys(data.obsm).join(', ') || 'none' },
      mend: 'Put x and y in pixels of the picture there: adata.obsm["spatial"] = xy (spots x 2).',
    });
  }
  const places = placesOf(
    Float64Array.from({ length: found.rows }, (_, i) => found.data[i * found.cols] * scale),
    Float64Array.from({ length: found.rows }, (_, i) => found.data[i * found.cols + 1] * scale),
  );
  const bad = places.data.findIndex((v) => !Number.isFinite(v));
  if (bad < 0) return places;
  throw new DataError('The place of a spot is not a number', {
    context: { file, spot: data.obs.index[bad >> 1] },
    mend: 'Remove such spots, or mend obsm["spatial"].',
  });
}

/** A section whose spots are to lie in its picture. */
export interface Placed {
  readonly name: string;
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly names: readonly string[];
  readonly places: Places;
  /** In pixels; so much of a spot may stick out. NaN counts as 0. */
  readonly spotDiameter: number;
}

/** Refuses spots whose centres lie outside the picture by more than a radius; `mend` gets the scale that would bring them all in. */
export function checkInside(at: Placed, mend: (scale: string) => string): void {
  const { width, height, names, places } = at;
  const slack = (at.spotDiameter || 0) / 2;
  let [outside, first, reach] = [0, -1, 0];
  for (let i = 0; i < places.rows; i++) {
    const [x, y] = [places.data[2 * i], places.data[2 * i + 1]];
    reach = Math.max(reach, x / width, y / height);
    if (x >= -slack && y >= -slack && x < width + slack && y < height + slack) continue;
    if (outside++ === 0) first = i;
  }
  if (outside === 0) return;
  const guess = [2, 4, 8, 10, 16, 20, 32, 64].find((n) => reach <= n);
  const hint = reach <= 1 || guess === undefined ? 'Is it the picture of another section?' : mend(String(1 / guess));
  throw new DataError(`${outside} of ${places.rows} spots lie outside the picture`, {
    context: {
      section: at.name,
      picture: at.file,
      size: `${width} x ${height}`,
      spot: names[first],
      x: places.data[2 * first],
      y: places.data[2 * first + 1],
    },
    mend: hint,
  });
}

/** Median distance of spots to their nearest neighbours, in pixels; NaN for a single spot. */
export function pitch({ rows, data }: Places): number {
  const nearest = Float64Array.from({ length: rows }, (_, i) => {
    let least = Number.POSITIVE_INFINITY;
    for (let j = 0; j < rows; j++) {
      const square = (data[2 * i] - data[2 * j]) ** 2 + (data[2 * i + 1] - data[2 * j + 1]) ** 2;
      if (square > 0 && square < least) least = square;
    }
    return Math.sqrt(least);
  }).filter(Number.isFinite);
  return nearest.sort()[nearest.length >> 1] ?? Number.NaN;
}
