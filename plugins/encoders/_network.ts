import { DataError, z } from '../contract.ts';

/** Params of networks that bring their own shapes. */
export const FOREIGN = {
  pixels: z
    .enum(['imagenet', 'unit', 'symmetric'])
    .describe("what the network expects: imagenet (less ImageNet's mean, by its sd), unit (0 to 1), symmetric (-1 to 1)"),
  size: z.int().min(8).optional().describe("width of the network's input in pixels, where the file leaves it open; default 224"),
};

/** The width of a square input of three channels: that of the file, else the one asked for, else 224. DataError when it takes no such pictures. */
export function inputSize(
  file: string,
  { height, width, channels }: Readonly<Record<'height' | 'width' | 'channels', number | undefined>>,
  asked: number | undefined,
): number {
  const size = height ?? width ?? asked ?? 224;
  if (channels === 3 && (height ?? size) === (width ?? size) && (asked ?? size) === size) return size;
  throw new DataError('The network does not take square RGB pictures of that size', {
    context: {
      file,
      input: `${height ?? 'any'} x ${width ?? 'any'} x ${channels ?? 'any'}`,
      ...(asked === undefined ? {} : { size: asked }),
    },
    mend: 'It needs an input of patches x size x size x 3 (or channels first); leave `size` out where the file says it.',
  });
}

/** Features of patches out of what a network gives: patches x features as they are, maps (by patches) averaged over their area. */
export function pooled(
  values: Float32Array,
  shape: readonly number[],
  { file, channelsFirst }: { readonly file: string; readonly channelsFirst: boolean },
): Float32Array {
  if (shape.length === 2) return values;
  if (shape.length !== 4) {
    throw new DataError('The network gives neither features nor maps', {
      context: { file, output: shape.join(' x ') },
      mend: 'Take an output of patches x features, or of maps (four dimensions), by its name.',
    });
  }
  const patches = shape[0];
  const width = channelsFirst ? shape[1] : shape[3];
  const area = values.length / (patches * width);
  const out = new Float32Array(patches * width);
  for (let n = 0; n < patches; n++) {
    for (let c = 0; c < width; c++) {
      const start = n * area * width + (channelsFirst ? c * area : c);
      const step = channelsFirst ? 1 : width;
      let sum = 0;
      for (let p = 0; p < area; p++) sum += values[start + p * step];
      out[n * width + c] = sum / area;
    }
  }
  return out;
}
