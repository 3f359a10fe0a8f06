import { DataError } from '../core/errors.ts';
import { type Dataset, takeCells } from './dataset.ts';
import { dataset, guard, type H5Dataset, type H5File, numbers, openHdf5, words } from './hdf5.ts';
import { type Places, placesOf, spatial } from './spots.ts';

/** Spots with the patch of each, as HEST-1k stores them. */
export interface HestSection {
  readonly data: Dataset;
  readonly places: Places;
  /** spots x size x size x 3 */
  readonly pixels: Uint8Array;
  readonly size: number;
  /** Spots without a patch. */
  readonly left: number;
}

/**
 * The spots of a dataset that have a patch in a HEST file (`img`: patches x size x size x 3 of bytes, `barcode`, `coords`), in the order of the
 * dataset. Places are `obsm.spatial`, or `coords` where there is none. DataError when the file is none such, or no barcode matches.
 */
export async function readHest(data: Dataset, files: { readonly data: string; readonly patches: string }): Promise<HestSection> {
  const path = files.patches;
  const file = await openHdf5(path);
  try {
    return guard(path, () => {
      const img = part(file, 'img', path);
      const [count, height, width, channels] = img.shape ?? [];
      if (img.shape?.length !== 4 || height !== width || channels !== 3 || img.metadata.size !== 1)
        throw new DataError('The patches are not squares of RGB bytes', {
          context: { file: path, shape: (img.shape ?? []).join(' x ') },
          mend: '`img` wants patches x size x size x 3 of uint8.',
        });
      const barcodes = words(part(file, 'barcode', path));
      if (barcodes.length !== count)
        throw new DataError('The file has another number of barcodes than of patches', {
          context: { file: path, patches: count, barcodes: barcodes.length },
          mend: 'Fetch or export it again.',
        });
      const at = new Map(barcodes.map((name, i) => [name, i]));
      const rows = data.obs.index.flatMap((name, i) => (at.has(name) ? [i] : []));
      if (rows.length === 0)
        throw new DataError('No spot of the dataset has a patch: the barcodes do not match', {
          context: { data: files.data, patches: path, in_data: data.obs.index[0], in_patches: barcodes[0] ?? 'none' },
          mend: 'Take both files of the same sample; names of spots must be the same in both.',
        });
      const kept = takeCells(data, rows);
      const patches = rows.map((i) => at.get(data.obs.index[i])!);
      const places = data.obsm.spatial ? spatial(kept, files.data) : coordinates(part(file, 'coords', path), patches, path);
      return { data: kept, places, pixels: takePatches(img, patches), size: width, left: data.X.rows - rows.length };
    });
  } finally {
    file.close();
  }
}

function part(file: H5File, name: string, path: string): H5Dataset {
  const found = dataset(file, name);
  if (found) return found;
  throw new DataError(`The file of patches has no "${name}"`, {
    context: { file: path, there: file.keys().join(', ') },
    mend: 'Give the .h5 of the folder `patches` of HEST: img, barcode, coords.',
  });
}

function coordinates(coords: H5Dataset, patches: readonly number[], path: string): Places {
  if (coords.shape?.length !== 2 || coords.shape[1] !== 2)
    throw new DataError('The coordinates are not x and y', {
      context: { file: path, shape: (coords.shape ?? []).join(' x ') },
      mend: '`coords` wants patches x 2.',
    });
  const xy = numbers(coords);
  return placesOf(
    patches.map((i) => xy[2 * i]),
    patches.map((i) => xy[2 * i + 1]),
  );
}

/** Patches read at once. */
const BLOCK = 128;

function takePatches(img: H5Dataset, patches: readonly number[]): Uint8Array {
  const [count, size] = img.shape!;
  const bytes = size * size * 3;
  const places = new Map(patches.map((patch, i) => [patch, i]));
  const pixels = new Uint8Array(patches.length * bytes);
  for (let from = 0; from < count; from += BLOCK) {
    const to = Math.min(count, from + BLOCK);
    const block = img.slice([[from, to]]) as Uint8Array;
    for (let i = from; i < to; i++) {
      const place = places.get(i);
      if (place !== undefined) pixels.set(block.subarray((i - from) * bytes, (i - from + 1) * bytes), place * bytes);
    }
  }
  return pixels;
}
