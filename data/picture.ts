import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import { DataError, ResourceError } from '../core/errors.ts';

// What was decoded is kept by its reader, so the library need not keep it a second time.
sharp.cache(false);

/** An encoded picture as its file holds it; width and height in pixels, as stored (an EXIF orientation does not turn them). */
export interface Picture {
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** A rectangle of pixels. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

// Slides are larger than the library's own limit, which is meant for pictures of strangers; `decodeBox` minds the memory.
const OPEN = { limitInputPixels: false, failOn: 'error' } as const;
const FORMATS = 'Give a JPEG, PNG, TIFF or WebP of the section; export one from a scanner format (.svs, .ndpi, .mrxs) first.';

/** Reads a picture without decoding more than its header; DataError when there is none at that path, or it is of no known format. */
export async function readPicture(path: string): Promise<Picture> {
  if (!existsSync(path)) throw new DataError('The picture does not exist', { context: { file: path }, mend: 'Check the path.' });
  const bytes = await readFile(path);
  const { width, height } = await sharp(bytes, OPEN)
    .metadata()
    .catch((cause: unknown) => {
      throw new DataError('The file is not a picture that can be read', {
        cause,
        context: { file: path, bytes: bytes.length },
        mend: FORMATS,
      });
    });
  return { bytes, width, height };
}

/**
 * Decodes a part of a picture to RGB bytes, row-major; grey becomes RGB, and what is transparent white. DataError when it is damaged,
 * ResourceError when the part would not fit into `memoryBytes`.
 */
export async function decodeBox(
  bytes: Uint8Array,
  box: Box,
  { name, threads, memoryBytes }: { readonly name: string; readonly threads: number; readonly memoryBytes: number },
): Promise<Uint8Array> {
  const size = box.width * box.height * 3;
  if (size > memoryBytes) {
    throw new ResourceError('The picture does not fit into the memory of the step', {
      context: { section: name, pixels: `${box.width} x ${box.height}`, bytes: size, limit: memoryBytes },
      mend: 'Give the step more memory, or take a smaller copy of the picture and say so with `scale`.',
      retryable: false,
    });
  }
  sharp.concurrency(threads);
  return whole(name, part(bytes, box).raw().toBuffer());
}

/** A part of a picture as a small JPEG, `width` pixels wide. DataError when it is damaged. */
export const thumbnail = (
  bytes: Uint8Array,
  box: Box,
  { name, width }: { readonly name: string; readonly width: number },
): Promise<Uint8Array> => whole(name, part(bytes, box).resize(width).jpeg({ quality: 60 }).toBuffer());

const part = (bytes: Uint8Array, box: Box): Sharp =>
  sharp(asBuffer(bytes), OPEN).extract(box).flatten({ background: 'white' }).toColourspace('srgb');

/** What was decoded of a section's picture; DataError where that failed. */
async function whole(name: string, decoded: Promise<Buffer>): Promise<Uint8Array> {
  try {
    return await decoded;
  } catch (cause) {
    throw new DataError('The picture is damaged or truncated', {
      cause,
      context: { section: name, reason: (cause as Error).message.split('\n')[0] },
      mend: 'Fetch or export it again.',
    });
  }
}

/** Squares of RGB bytes (side x side x 3) at another size (Lanczos, antialiased), one after the other; `threads` of them at a time. */
export async function resizeSquares(
  squares: readonly Uint8Array[],
  side: number,
  { size, threads }: { readonly size: number; readonly threads: number },
): Promise<Uint8Array> {
  const bytes = size * size * 3;
  const out = new Uint8Array(squares.length * bytes);
  const raw = { width: side, height: side, channels: 3 } as const;
  const resize = async (square: Uint8Array): Promise<Uint8Array> =>
    side === size ? square : sharp(asBuffer(square), { raw }).resize(size, size, { fit: 'fill' }).raw().toBuffer();
  sharp.concurrency(1);
  for (let from = 0; from < squares.length; from += threads) {
    const done = await Promise.all(squares.slice(from, from + threads).map(resize));
    done.forEach((square, i) => out.set(square, (from + i) * bytes));
  }
  return out;
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
