/**
 * What networks expect of RGB bytes. `imagenet`: in [0, 1], less ImageNet's mean, by its standard deviation (torchvision, timm);
 * `unit`: in [0, 1]; `symmetric`: in [-1, 1] (Keras' MobileNet and Inception).
 */
export type PixelScale = 'imagenet' | 'unit' | 'symmetric';

const MEAN = [0.485, 0.456, 0.406];
const SD = [0.229, 0.224, 0.225];

const SCALED: Readonly<Record<PixelScale, (byte: number, channel: number) => number>> = {
  imagenet: (byte, c) => (byte / 255 - MEAN[c]) / SD[c],
  unit: (byte) => byte / 255,
  symmetric: (byte) => byte / 127.5 - 1,
};

/** RGB bytes as numbers, in the same order (channels last). */
export function pixelValues(pixels: Uint8Array, scale: PixelScale): Float32Array {
  const table = [0, 1, 2].map((c) => Float32Array.from({ length: 256 }, (_, byte) => SCALED[scale](byte, c)));
  const values = new Float32Array(pixels.length);
  for (let at = 0; at < pixels.length; at += 3) for (let c = 0; c < 3; c++) values[at + c] = table[c][pixels[at + c]];
  return values;
}

/** The same numbers picture by picture with channels first: pictures x 3 x area. */
export function channelsFirst(values: Float32Array, area: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let start = 0; start < values.length; start += 3 * area)
    for (let p = 0; p < area; p++) for (let c = 0; c < 3; c++) out[start + c * area + p] = values[start + 3 * p + c];
  return out;
}
