import sharp from 'sharp';
import { Random } from '../stats/random.ts';
import type { Dataset } from './dataset.ts';
import type { Picture } from './picture.ts';
import type { SectionData } from './sections.ts';
import type { Places } from './spots.ts';

/** What a simulated section is made of. */
export interface SimulatedSection {
  readonly name: string;
  /** Spots along the longer side of the tissue. */
  readonly across: number;
  readonly genes: number;
  /** Genes whose expression shows in the picture. */
  readonly visible: number;
  /** Mean counts of a spot. */
  readonly counts: number;
  readonly seed: number;
}

/** Pixels between spots. */
const GAP = 32;
/** A field is a sum of so many waves. */
const WAVES = 4;

/** A smooth field over the section, about 0 to 1. */
function field(random: Random, width: number): (x: number, y: number) => number {
  const waves = Array.from({ length: WAVES }, () => {
    const [angle, phase] = [2 * Math.PI * random.uniform(), 2 * Math.PI * random.uniform()];
    const speed = (2 * Math.PI * (0.6 + 1.4 * random.uniform())) / width;
    return [speed * Math.cos(angle), speed * Math.sin(angle), phase] as const;
  });
  return (x, y) => 1 / (1 + Math.exp(-1.6 * waves.reduce((sum, [a, b, phase]) => sum + Math.sin(a * x + b * y + phase), 0)));
}

/** One Poisson draw: by inversion where the mean is small, else a rounded normal one. */
function poisson(mean: number, random: Random): number {
  if (mean > 40) return Math.max(0, Math.round(mean + Math.sqrt(mean) * random.normal()));
  let [k, p, u] = [0, Math.exp(-mean), random.uniform()];
  while (u > p && k < 400) {
    u -= p;
    k++;
    p *= mean / k;
  }
  return k;
}

/**
 * A section of tissue in which two hidden fields decide what is seen (how blue it is, how many nuclei there are) and what is expressed: the
 * visible genes follow the fields, each in its own way and the same in every section; all others are noise.
 */
export async function simulateSection(made: SimulatedSection): Promise<SectionData & { readonly picture: Picture }> {
  const { name, across, genes, visible, counts, seed } = made;
  const side = GAP * (across + 2);
  const random = Random.of(seed, 'section', name);
  const [blue, nuclei] = [field(random, side), field(random, side)];
  const isTissue = (x: number, y: number): boolean => ((x - side / 2) / (0.46 * side)) ** 2 + ((y - side / 2) / (0.38 * side)) ** 2 < 1;
  const spots: (readonly [number, number])[] = [];
  for (let r = 1; r <= across; r++)
    for (let c = 1; c <= across; c++) if (isTissue((c + 0.5) * GAP, (r + 0.5) * GAP)) spots.push([(c + 0.5) * GAP, (r + 0.5) * GAP]);
  const places: Places = { kind: 'dense', rows: spots.length, cols: 2, data: Float32Array.from(spots.flat()) };
  const data = dataset(made, spots, (x, y) => [blue(x, y) - 0.5, nuclei(x, y) - 0.5], Random.of(seed, 'counts', name));
  return {
    name,
    data: { ...data, uns: { truth: { visible }, provenance: { simulated: { ...made, genes, counts } } } },
    places,
    picture: await paint(),
  };

  async function paint(): Promise<Picture> {
    const pixels = new Uint8Array(side * side * 3).fill(244);
    const set = (x: number, y: number, rgb: readonly number[]): void => {
      for (let c = 0; c < 3; c++) pixels[3 * (y * side + x) + c] = Math.max(0, Math.min(255, rgb[c]));
    };
    const [pink, violet] = [
      [226, 160, 196],
      [150, 104, 178],
    ];
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++) {
        if (!isTissue(x, y)) continue;
        const share = blue(x, y);
        const grain = 12 * random.normal();
        set(
          x,
          y,
          pink.map((p, c) => p + share * (violet[c] - p) + grain),
        );
      }
    // Nuclei: dark discs of three pixels.
    for (let n = 0; n < (side * side) / 40; n++) {
      const [x, y] = [1 + random.below(side - 2), 1 + random.below(side - 2)];
      if (!isTissue(x, y) || random.uniform() > nuclei(x, y)) continue;
      for (let dy = -1; dy <= 1; dy++) for (let dx = -1; dx <= 1; dx++) set(x + dx, y + dy, [70, 44, 110]);
    }
    const bytes = await sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
      .png()
      .toBuffer();
    return { bytes: new Uint8Array(bytes), width: side, height: side };
  }
}

function dataset(
  { genes, visible, counts, seed }: SimulatedSection,
  spots: readonly (readonly [number, number])[],
  fieldsAt: (x: number, y: number) => readonly [number, number],
  random: Random,
): Dataset {
  // What a gene does is the same in every section.
  const design = Random.of(seed, 'genes');
  const base = Float64Array.from({ length: genes }, () => Math.exp(1.2 * design.normal()));
  const slopes = Array.from({ length: genes }, (_, j) => (j < visible ? [3 * design.normal(), 3 * design.normal()] : [0, 0]));
  const total = base.reduce((a, b) => a + b, 0);
  const X = new Float32Array(spots.length * genes);
  spots.forEach(([x, y], i) => {
    const [a, b] = fieldsAt(x, y);
    const depth = (counts / total) * Math.exp(0.25 * random.normal());
    for (let j = 0; j < genes; j++) X[i * genes + j] = poisson(depth * base[j] * Math.exp(slopes[j][0] * a + slopes[j][1] * b), random);
  });
  return {
    X: { kind: 'dense', rows: spots.length, cols: genes, data: X },
    scale: 'counts',
    layers: {},
    obs: { index: spots.map(([x, y]) => `${Math.floor(x / GAP)}x${Math.floor(y / GAP)}`), columns: {} },
    var: { index: Array.from({ length: genes }, (_, j) => `GENE${String(j + 1).padStart(String(genes).length, '0')}`), columns: {} },
    obsm: {},
    uns: {},
  };
}
