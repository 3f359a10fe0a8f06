import { DataError } from '../core/errors.ts';
import type { Section, Tissue } from '../plugins/spatial-contract.ts';
import { type Dataset, labels } from './dataset.ts';
import { type Box, decodeBox, resizeSquares } from './picture.ts';
import { type Places, spatial } from './spots.ts';

/** Changes RGB bytes in place. */
export type Recolour = (pixels: Uint8Array) => void;

/** How patches are cut. */
export interface PatchOptions {
  /** Width of a patch as it is given, in pixels. */
  readonly size: number;
  /** Patches in one block at most. */
  readonly block: number;
  /** Width of a patch in the tissue, where a section says how large its pixels are. */
  readonly microns: number;
  /** Else: its width in spot diameters. */
  readonly diameters: number;
  readonly threads: number;
  /** For one decoded picture. */
  readonly memoryBytes: number;
  /** Asked once a section, with about 100,000 RGB pixels from its patches; what it gives is applied to every patch. */
  readonly recolour?: (section: Section, sample: Uint8Array) => Recolour | undefined;
}

/** Patches of some spots of one section. */
export interface PatchBlock {
  readonly section: Section;
  /** Width of a patch in pixels of the picture, before it was resized. */
  readonly side: number;
  /** Row numbers into the dataset. */
  readonly rows: Uint32Array;
  /** rows x size x size x 3 */
  readonly pixels: Uint8Array;
}

/** Cuts the square around a spot, by its row number in the dataset: side x side x 3. */
type Cut = (row: number) => Uint8Array;

/**
 * The patch around each spot of a dataset, section by section, block by block; a picture is decoded once, and one is in memory at a time.
 * A patch is a whole number of pixels wide, around the pixel nearest to the spot. What it shows beyond the edge of the picture is mirrored.
 * Ready patches are taken as they are, only resized. DataError when spots and tissue do not fit each other.
 */
export async function* patchBlocks(data: Dataset, tissue: Tissue, options: PatchOptions): AsyncGenerator<PatchBlock> {
  const places = spatial(data, 'dataset');
  for (const { section, rows } of rowsOf(data, tissue)) {
    const side = sideOf(section, options);
    const cut = await cutter(section, rows, { data, places, side, options });
    const recolour = options.recolour?.(section, sampleOf(rows, cut));
    for (let from = 0; from < rows.length; from += options.block) {
      const some = rows.subarray(from, from + options.block);
      const pixels = await resizeSquares(Array.from(some, cut), side, options);
      recolour?.(pixels);
      yield { section, side, rows: some, pixels };
    }
  }
}

/** The sections that the dataset has spots of, each with their row numbers. */
function rowsOf(data: Dataset, tissue: Tissue): { readonly section: Section; readonly rows: Uint32Array }[] {
  const { codes, classes } = labels(data.obs, 'section');
  const there = new Map(tissue.sections.map((section) => [section.name, section]));
  codes.forEach((code, row) => {
    if (code >= 0 && there.has(classes[code])) return;
    throw new DataError('A spot is of a section that has no picture', {
      context: { spot: data.obs.index[row], section: classes[code] ?? 'none', pictures: [...there.keys()].join(', ') },
      mend: 'Dataset and tissue must come from the same slide step.',
    });
  });
  return tissue.sections.flatMap((section) => {
    const code = classes.indexOf(section.name);
    const rows = Uint32Array.from(codes.keys()).filter((row) => codes[row] === code);
    return code < 0 ? [] : [{ section, rows }];
  });
}

function sideOf({ name, picture, micronsPerPixel, spotDiameter }: Section, { microns, diameters }: PatchOptions): number {
  if (picture.kind === 'patches') return picture.size;
  const side = Math.round(Number.isFinite(micronsPerPixel) ? microns / micronsPerPixel : diameters * spotDiameter);
  if (side >= 1) return side;
  throw new DataError('A patch would be less than a pixel wide', {
    context: { section: name, microns_per_pixel: micronsPerPixel, spot_diameter: spotDiameter },
    mend: 'Take a larger picture, give `microns_per_pixel` or `spot_diameter` to the slide step, or cut larger patches.',
  });
}

interface Cutting {
  readonly data: Dataset;
  readonly places: Places;
  readonly side: number;
  readonly options: PatchOptions;
}

async function cutter(section: Section, rows: Uint32Array, { data, places, side, options }: Cutting): Promise<Cut> {
  const { name, picture } = section;
  if (picture.kind === 'patches') {
    const at = new Map(section.spots.map((spot, i) => [spot, i]));
    const bytes = side * side * 3;
    return (row) => {
      const i = at.get(data.obs.index[row]);
      if (i !== undefined) return picture.pixels.subarray(i * bytes, (i + 1) * bytes);
      throw new DataError('A spot has no patch', {
        context: { section: name, spot: data.obs.index[row] },
        mend: 'Dataset and tissue must come from the same slide step.',
      });
    };
  }
  const corner = (row: number): [left: number, top: number] => [
    Math.round(places.data[2 * row] - side / 2),
    Math.round(places.data[2 * row + 1] - side / 2),
  ];
  const corners = Array.from(rows, corner);
  const across = span(
    corners.map(([left]) => left),
    side,
    picture.width,
  );
  const down = span(
    corners.map(([, top]) => top),
    side,
    picture.height,
  );
  const box: Box = { left: across.from, top: down.from, width: across.length, height: down.length };
  const pixels = await decodeBox(picture.bytes, box, { name, threads: options.threads, memoryBytes: options.memoryBytes });
  return (row) => {
    const [left, top] = corner(row);
    return square(pixels, box, { columns: inside(left, side, across, picture.width), lines: inside(top, side, down, picture.height) });
  };
}

interface Span {
  readonly from: number;
  readonly length: number;
}

/** The part of the picture, along one side of it, that patches show. */
function span(starts: readonly number[], side: number, length: number): Span {
  const [least, most] = starts.reduce(([a, b], start) => [Math.min(a, start), Math.max(b, start)], [Infinity, -Infinity]);
  const from = Math.min(Math.max(0, least), length - 1);
  return { from, length: Math.max(1, Math.min(length, most + side) - from) };
}

/** Which pixels of the part a patch shows along one side, mirrored at the edges of the picture. */
function inside(start: number, side: number, part: Span, length: number): Int32Array {
  return Int32Array.from({ length: side }, (_, i) => {
    const at = (((start + i) % (2 * length)) + 2 * length) % (2 * length);
    const mirrored = at < length ? at : 2 * length - 1 - at;
    return Math.min(Math.max(mirrored - part.from, 0), part.length - 1);
  });
}

function square(pixels: Uint8Array, { width }: Box, { columns, lines }: { columns: Int32Array; lines: Int32Array }): Uint8Array {
  const out = new Uint8Array(lines.length * columns.length * 3);
  let at = 0;
  for (const line of lines) {
    for (const column of columns) {
      const from = 3 * (line * width + column);
      out[at++] = pixels[from];
      out[at++] = pixels[from + 1];
      out[at++] = pixels[from + 2];
    }
  }
  return out;
}

const SAMPLE_SPOTS = 200;
const SAMPLE_PIXELS = 100_000;

/** RGB pixels from patches evenly spread over the section. */
function sampleOf(rows: Uint32Array, cut: Cut): Uint8Array {
  const step = Math.max(1, rows.length / SAMPLE_SPOTS);
  const spots = Array.from({ length: Math.ceil(rows.length / step) }, (_, i) => rows[Math.floor(i * step)]);
  const each = Math.ceil(SAMPLE_PIXELS / spots.length);
  return Uint8Array.from(
    spots.flatMap((row) => {
      const patch = cut(row);
      const stride = Math.max(1, Math.floor(patch.length / 3 / each));
      const picked: number[] = [];
      for (let p = 0; p < patch.length / 3; p += stride) picked.push(patch[3 * p], patch[3 * p + 1], patch[3 * p + 2]);
      return picked;
    }),
  );
}
