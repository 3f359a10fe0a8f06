import { quantile } from '../../stats/bootstrap.ts';
import { z } from '../contract.ts';
import { defineEncoder } from '../spatial-contract.ts';
import { encodePatches, PATCHES } from './_encode.ts';
import { DENSITY, stainAmounts } from './_macenko.ts';

/** Colours need less detail than networks. */
const SIZE = 112;
const CHANNELS = ['R', 'G', 'B', 'H', 'E'] as const;
const STATISTICS = 5;

/** Amounts of haematoxylin and eosin by their optical densities in Ruifrok and Johnston 2001, by least squares. */
const AMOUNTS = stainAmounts([0.65, 0.704, 0.286], [0.072, 0.99, 0.105])!;

/** Colours in numbers, without a network: a baseline that says how much of a prediction is stain alone. */
export default defineEncoder({
  id: 'stain',
  version: 1,
  summary: 'Colour statistics of each patch: mean, sd and quartiles of R, G, B, haematoxylin and eosin; no network.',
  cites: ['Ruifrok and Johnston, Anal Quant Cytol Histol 23:291 (2001)', '10.1109/ISBI.2009.5193250'],
  params: z.strictObject(PATCHES),
  run: async (context, inputs, params) => {
    const area = SIZE * SIZE;
    const planes = CHANNELS.map(() => new Float64Array(area));
    const encode = (pixels: Uint8Array, patches: number): Float32Array => {
      const features = new Float32Array(patches * CHANNELS.length * STATISTICS);
      for (let i = 0; i < patches; i++) {
        fill(planes, pixels.subarray(3 * area * i, 3 * area * (i + 1)));
        planes.forEach((plane, c) => features.set(statistics(plane), (i * CHANNELS.length + c) * STATISTICS));
      }
      return features;
    };
    return encodePatches(context, inputs, params, { id: 'stain', size: SIZE, views: 1, block: 16, encode });
  },
});

/** R, G, B in [0, 1], and the amounts of both stains, of every pixel. */
function fill(planes: readonly Float64Array[], patch: Uint8Array): void {
  for (let p = 0; p < planes[0].length; p++) {
    const [r, g, b] = [patch[3 * p], patch[3 * p + 1], patch[3 * p + 2]];
    planes[0][p] = r / 255;
    planes[1][p] = g / 255;
    planes[2][p] = b / 255;
    AMOUNTS.forEach((a, s) => (planes[3 + s][p] = a[0] * DENSITY[r] + a[1] * DENSITY[g] + a[2] * DENSITY[b]));
  }
}

/** Mean, standard deviation and quartiles; sorts the values. */
function statistics(values: Float64Array): number[] {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
  values.sort();
  return [mean, Math.sqrt(variance), ...[0.25, 0.5, 0.75].map((q) => quantile(values, q))];
}
