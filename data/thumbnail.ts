import sharp from 'sharp';
import { DataError } from '../core/errors.ts';
import type { Box } from './picture.ts';

/** A part of a picture as a small JPEG, `width` pixels wide. DataError when it is damaged. */
export async function thumbnail(bytes: Uint8Array, box: Box, width: number): Promise<Uint8Array> {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const part = sharp(source, { limitInputPixels: false }).extract(box).flatten({ background: 'white' });
    return await part.resize(width).toColourspace('srgb').jpeg({ quality: 60 }).toBuffer();
  } catch (cause) {
    throw new DataError('The picture is damaged or truncated', { cause, mend: 'Fetch or export it again.' });
  }
}
