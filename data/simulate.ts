import { DataError } from '../core/errors.ts';
import { Random } from '../stats/random.ts';
import type { Column, Dataset } from './dataset.ts';
import { type Atlas, design, type Effects, groupProfile } from './simulate-design.ts';
import type { CsrMatrix } from './matrix.ts';

export type { Atlas } from './simulate-design.ts';

/** A simulated atlas: negative-binomial counts with nested types, batches, conditions and ages, and the true markers in uns.truth; the same seed gives the same atlas. */
export function simulateAtlas(atlas: Atlas): Dataset {
  const needed = atlas.types * atlas.markers * (1 + atlas.subtypes);
  if (needed > 0.6 * atlas.genes) {
    throw new DataError(`${atlas.genes} genes are too few for ${needed} markers`, {
      context: { genes: atlas.genes, markers: needed },
      mend: 'Use more genes, or fewer types, subtypes or markers.',
    });
  }
  const effects = design(atlas);
  const cells = drawCells(atlas, effects);
  const X = drawCounts(atlas, effects, cells);
  const category = (codes: Int32Array, categories: readonly string[]): Column => ({ kind: 'category', codes, categories });
  const type = Int32Array.from(cells.group, (g) => Math.floor(g / atlas.subtypes));
  return {
    X,
    scale: 'counts',
    layers: {},
    obs: {
      index: Array.from({ length: atlas.cells }, (_, i) => `cell${String(i + 1).padStart(String(atlas.cells).length, '0')}`),
      columns: {
        cell_type: category(type, effects.typeNames),
        cell_subtype: category(cells.group, effects.subtypeNames),
        batch: category(cells.batch, effects.batchNames),
        condition: category(cells.condition, ['control', 'stimulated']),
        age_days: { kind: 'number', values: cells.age },
      },
    },
    var: {
      index: effects.names,
      columns: { mean: { kind: 'number', values: effects.base }, dispersion: { kind: 'number', values: effects.dispersion } },
    },
    obsm: {},
    uns: { truth: effects.truth, provenance: { simulated: { ...atlas } } },
  };
}

interface Cells {
  /** Subtype of each cell; the type is subtype / subtypes, rounded down. */
  readonly group: Int32Array;
  readonly batch: Int32Array;
  readonly condition: Int32Array;
  readonly age: Float64Array;
  readonly library: Float64Array;
  /** Share of mitochondrial counts. */
  readonly mt: Float64Array;
}

/** Share of cells that are damaged: few counts, many of them mitochondrial. */
const DAMAGED = 0.02;

function drawCells(atlas: Atlas, effects: Effects): Cells {
  const n = atlas.cells;
  const random = Random.of(atlas.seed, 'cells');
  const groups = atlas.types * atlas.subtypes;
  const weight = Float64Array.from(
    { length: groups },
    (_, g) => 1 / (1 + 0.3 * Math.floor(g / atlas.subtypes)) / (1 + 0.3 * (g % atlas.subtypes)),
  );
  const total = weight.reduce((s, w) => s + w, 0);
  const cells: Cells = {
    group: new Int32Array(n),
    batch: new Int32Array(n),
    condition: new Int32Array(n),
    age: new Float64Array(n),
    library: new Float64Array(n),
    mt: new Float64Array(n),
  };
  for (let i = 0; i < n; i++) {
    let u = random.uniform() * total;
    let g = 0;
    while (g < groups - 1 && u >= weight[g]) u -= weight[g++];
    cells.group[i] = g;
    cells.batch[i] = random.below(atlas.batches);
    cells.condition[i] = random.below(2);
    cells.age[i] = Math.round(20 + 70 * random.uniform());
    const damaged = random.uniform() < DAMAGED;
    cells.library[i] = atlas.counts * effects.batchDepth[cells.batch[i]] * Math.exp(0.35 * random.normal() - 0.06) * (damaged ? 0.4 : 1);
    cells.mt[i] = Math.min(0.6, (damaged ? 0.3 : 0.03) * Math.exp(0.3 * random.normal()));
  }
  return cells;
}

/** Counts cell by cell; a profile is kept for each mixture of subtype, batch and condition. */
function drawCounts(atlas: Atlas, effects: Effects, cells: Cells): CsrMatrix {
  const random = Random.of(atlas.seed, 'counts');
  const profiles = new Map<number, Float64Array>();
  const indptr = new Uint32Array(atlas.cells + 1);
  let indices = new Uint32Array(Math.ceil(atlas.cells * atlas.genes * 0.2) + atlas.genes);
  let data = new Float32Array(indices.length);
  const mean = new Float64Array(atlas.genes);
  let used = 0;
  for (let i = 0; i < atlas.cells; i++) {
    const key = (cells.group[i] * atlas.batches + cells.batch[i]) * 2 + cells.condition[i];
    let profile = profiles.get(key);
    if (!profile) profiles.set(key, (profile = groupProfile(effects, cells.group[i], cells.batch[i], cells.condition[i])));
    cellMeans(mean, profile, effects, { library: cells.library[i], mt: cells.mt[i], age: cells.age[i] });
    if (used + atlas.genes > data.length) {
      const size = Math.ceil((used + atlas.genes) * 1.4);
      indices = enlarged(indices, new Uint32Array(size));
      data = enlarged(data, new Float32Array(size));
    }
    for (let j = 0; j < atlas.genes; j++) {
      const x = drawCount(mean[j], effects.dispersion[j], atlas.dropout, random);
      if (x === 0) continue;
      indices[used] = j;
      data[used++] = x;
    }
    indptr[i + 1] = used;
  }
  return { kind: 'csr', rows: atlas.cells, cols: atlas.genes, indptr, indices: indices.slice(0, used), data: data.slice(0, used) };
}

function enlarged<T extends Uint32Array | Float32Array>(old: T, fresh: T): T {
  fresh.set(old);
  return fresh;
}

/** Expected counts of one cell: ageing genes follow its age, mitochondrial genes its damage. */
function cellMeans(mean: Float64Array, profile: Float64Array, effects: Effects, cell: { library: number; mt: number; age: number }): void {
  const rest = cell.library * (1 - cell.mt);
  for (let j = 0; j < effects.firstMt; j++) mean[j] = rest * profile[j];
  for (let j = effects.firstMt; j < mean.length; j++) mean[j] = cell.library * cell.mt * profile[j];
  const z = (cell.age - 55) / 20;
  for (let a = 0; a < effects.ageing.length; a++) mean[effects.ageing[a]] *= Math.exp(effects.ageSlope[a] * z);
}

/** One negative-binomial draw (mean m, variance m + dispersion m²) by inversion, then lost with a chance that falls with the mean. */
function drawCount(m: number, dispersion: number, dropout: number, random: Random): number {
  const u = random.uniform();
  // the chance of a count above zero is at most the mean: most draws end here, without logarithms
  if (u >= m) return 0;
  const size = 1 / dispersion;
  let p = Math.exp(-size * Math.log1p(m * dispersion));
  let below = 1 - u;
  if (below < p) return 0;
  const q = m / (m + size);
  let k = 0;
  while (below >= p && k < 100_000) {
    below -= p;
    p *= ((k + size) / (k + 1)) * q;
    k++;
    if (p < 1e-300) break;
  }
  return dropout > 0 && random.uniform() < dropout / (1 + m) ? 0 : k;
}
