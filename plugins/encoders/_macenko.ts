import type { Recolour } from '../../data/patches.ts';
import { quantile } from '../../stats/bootstrap.ts';
import { symmetricEigen } from '../../stats/linear.ts';

/** Light that passes where nothing is. */
const WHITE = 240;
/** Pixels with less optical density in a channel show no stain (beta of the paper). */
const LEAST = 0.15;
/** Share of angles left out at both ends (alpha of the paper: 1 %). */
const TAIL = 0.01;
/** Fewer stained pixels than this share of the sample tell nothing. */
const ENOUGH = 0.02;

/** Optical densities (R, G, B) of haematoxylin and eosin that everything is brought to: the reference of the authors' published code. */
export const REFERENCE = {
  H: [0.5626, 0.7201, 0.4062],
  E: [0.2159, 0.8012, 0.5581],
  /** Concentrations that 99 % of the pixels stay below. */
  most: [1.9705, 1.0308],
} as const;

/** Optical density of a byte. */
export const DENSITY = Float64Array.from({ length: 256 }, (_, byte) => -Math.log((byte + 1) / WHITE));

type Vector = readonly [number, number, number];

/**
 * Colour normalisation for two stains (Macenko et al. 2009, ISBI, doi 10.1109/ISBI.2009.5193250): the two stains of a sample of RGB pixels are
 * the ends of the angles in the plane of its optical densities; amounts of stain are kept, relative to their 99th percentile, and shown in the
 * colours of `REFERENCE`. Undefined when the sample shows too little stain, or one only.
 */
export function macenko(sample: Uint8Array): Recolour | undefined {
  const pixels = Array.from({ length: sample.length / 3 }, (_, i): Vector => [
    DENSITY[sample[3 * i]],
    DENSITY[sample[3 * i + 1]],
    DENSITY[sample[3 * i + 2]],
  ]);
  const stained = pixels.filter((od) => od.every((v) => v >= LEAST));
  if (stained.length < Math.max(100, ENOUGH * pixels.length)) return undefined;
  const amounts = stainAmounts(...stainsOf(stained));
  if (amounts === undefined) return undefined;
  const most = amounts.map((row) => quantile(Float64Array.from(pixels, (od) => dot(row, od)).sort(), 1 - TAIL));
  if (!most.every((v) => v > 0)) return undefined;
  // density -> amounts -> scaled amounts -> density in the reference: one 3 x 3 matrix
  const gains = most.map((v, s) => REFERENCE.most[s] / v);
  const turn = [0, 1, 2].flatMap((to) =>
    [0, 1, 2].map((from) => REFERENCE.H[to] * gains[0] * amounts[0][from] + REFERENCE.E[to] * gains[1] * amounts[1][from]),
  );
  return (bytes) => {
    for (let at = 0; at < bytes.length; at += 3) {
      const [r, g, b] = [DENSITY[bytes[at]], DENSITY[bytes[at + 1]], DENSITY[bytes[at + 2]]];
      for (let c = 0; c < 3; c++) {
        const density = turn[3 * c] * r + turn[3 * c + 1] * g + turn[3 * c + 2] * b;
        bytes[at + c] = Math.min(255, Math.max(0, Math.round(WHITE * Math.exp(-density) - 1)));
      }
    }
  };
}

const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** The two stains, unit vectors, haematoxylin (which takes more of the red) first. */
function stainsOf(stained: readonly Vector[]): [Vector, Vector] {
  const mean = [0, 1, 2].map((c) => stained.reduce((sum, od) => sum + od[c], 0) / stained.length);
  const covariance = new Float64Array(9);
  for (const od of stained)
    for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) covariance[3 * i + j] += (od[i] - mean[i]) * (od[j] - mean[j]);
  const { values, vectors } = symmetricEigen(covariance, 3);
  const [first, second] = [0, 1, 2].sort((a, b) => values[b] - values[a]);
  const axis = (k: number): Vector => {
    const sign = vectors[k] + vectors[3 + k] + vectors[6 + k] < 0 ? -1 : 1;
    return [sign * vectors[k], sign * vectors[3 + k], sign * vectors[6 + k]];
  };
  const [along, across] = [axis(first), axis(second)];
  const angles = Float64Array.from(stained, (od) => Math.atan2(dot(od, across), dot(od, along))).sort();
  const at = (angle: number): Vector => {
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    return [c * along[0] + s * across[0], c * along[1] + s * across[1], c * along[2] + s * across[2]];
  };
  const ends: [Vector, Vector] = [at(quantile(angles, TAIL)), at(quantile(angles, 1 - TAIL))];
  return ends[0][0] > ends[1][0] ? ends : [ends[1], ends[0]];
}

/** What to multiply R, G and B densities by for the amounts of two stains, by least squares; undefined when the stains are the same. */
export function stainAmounts(h: Vector, e: Vector): readonly [Vector, Vector] | undefined {
  const [hh, he, ee] = [dot(h, h), dot(h, e), dot(e, e)];
  const size = hh * ee - he * he;
  if (!(size > 1e-4)) return undefined;
  const row = (a: number, b: number): Vector => [(a * h[0] + b * e[0]) / size, (a * h[1] + b * e[1]) / size, (a * h[2] + b * e[2]) / size];
  return [row(ee, -he), row(-he, hh)];
}
