import type { Matrix } from '../data/matrix.ts';
import { expressingCells, geneMoments } from './gene-moments.ts';
import type { HvgOptions, HvgResult } from './hvg.ts';

interface Table {
  readonly means: Float64Array;
  readonly dispersions: Float64Array;
  readonly norm: Float64Array;
}

/** Flavors seurat (Satija 2015) and cell_ranger (Zheng 2017) on log data; see scanpy's _highly_variable_genes.py. */
export function dispersionRanking(matrix: Matrix, groups: readonly ArrayLike<number>[], options: HvgOptions): HvgResult {
  const d = matrix.cols;
  const tables = groups.map((rows) =>
    batchTable(matrix, rows, { ...options, whole: groups.length === 1 && rows.length === matrix.rows }, groups.length > 1),
  );
  const mean = (pick: (t: Table) => Float64Array): Float64Array => nanMean(tables.map(pick), d);
  const merged: Table =
    tables.length === 1 ? tables[0] : { means: mean((t) => t.means), dispersions: mean((t) => t.dispersions), norm: mean((t) => t.norm) };
  const batchCounts = new Uint32Array(d);
  for (const t of tables) flags(t, options).forEach((yes, j) => (batchCounts[j] += yes));
  const batched = tables.length > 1 && options.top !== undefined;
  const order = sortGenes(merged.norm, batched ? batchCounts : undefined, batched ? options.names : undefined);
  let selected: Uint8Array = flags(merged, options);
  if (batched) {
    selected = new Uint8Array(d);
    for (const j of order.subarray(0, options.top)) selected[j] = 1;
  }
  return {
    order,
    scores: merged.norm,
    means: merged.means,
    spread: merged.dispersions,
    ranks: new Float64Array(d).fill(Number.NaN),
    batchCounts,
    selected,
  };
}

/** 2^(n/64) for n/64 up to 25, so that exp is one look-up and a short series. */
const POWERS = Float64Array.from({ length: 64 * 25 + 1 }, (_, n) => 2 ** (n / 64));
const STEPS = 64 / Math.LN2;

/** exp(x) - 1 to 13 digits, several times faster than Math.expm1 over the range of log counts. */
function expm1(x: number): number {
  if (x < 0.05 || x > 17) return Math.expm1(x);
  const n = (x * STEPS + 0.5) | 0;
  const r = x - n / STEPS;
  return POWERS[n] * (1 + r * (1 + r * (0.5 + r * (1 / 6 + r / 24)))) - 1;
}

/** One batch; genes without a count in a batch of several get zeros, as scanpy fills them in. */
function batchTable(matrix: Matrix, rows: ArrayLike<number>, options: HvgOptions & { whole: boolean }, several: boolean): Table {
  const { mean, variance } = geneMoments(matrix, options.whole ? undefined : rows, options.flavor === 'seurat' ? expm1 : undefined);
  const d = matrix.cols;
  const cells = several ? expressingCells(matrix, rows) : undefined;
  const keep: number[] = [];
  for (let j = 0; j < d; j++) if (!cells || cells[j] > 0) keep.push(j);
  const kept = singleTable(
    Float64Array.from(keep, (j) => mean[j]),
    Float64Array.from(keep, (j) => variance[j]),
    options.flavor === 'seurat',
  );
  if (keep.length === d) return kept;
  const spread = (a: Float64Array): Float64Array => {
    const out = new Float64Array(d);
    for (let i = 0; i < keep.length; i++) out[keep[i]] = a[i];
    return out;
  };
  return { means: spread(kept.means), dispersions: spread(kept.dispersions), norm: spread(kept.norm) };
}

function singleTable(mean: Float64Array, variance: Float64Array, seurat: boolean): Table {
  const dispersions = new Float64Array(mean.length);
  const means = new Float64Array(mean.length);
  for (let j = 0; j < mean.length; j++) {
    const m = mean[j] === 0 ? 1e-12 : mean[j];
    const ratio = variance[j] / m;
    dispersions[j] = seurat ? (ratio === 0 ? Number.NaN : Math.log(ratio)) : ratio;
    means[j] = seurat ? Math.log1p(m) : m;
  }
  const edges = seurat ? equalEdges(means, 20) : percentileEdges(means);
  const { average, deviation } = binStatistics(dispersions, binOf(means, edges), edges.length, seurat);
  const bins = binOf(means, edges);
  const norm = dispersions.map((x, j) => (x - average[bins[j]]) / deviation[bins[j]]);
  return { means, dispersions, norm };
}

/** The edges of pandas.cut(x, bins). */
function equalEdges(x: Float64Array, bins: number): Float64Array {
  let lo = Number.POSITIVE_INFINITY;
  let hi = Number.NEGATIVE_INFINITY;
  for (const v of x) {
    if (v < lo) lo = v;
    if (v > hi) hi = v;
  }
  const flat = lo === hi;
  if (flat) {
    lo -= lo === 0 ? 0.001 : 0.001 * Math.abs(lo);
    hi += hi === 0 ? 0.001 : 0.001 * Math.abs(hi);
  }
  const edges = Float64Array.from({ length: bins + 1 }, (_, i) => (i === bins ? hi : lo + i * ((hi - lo) / bins)));
  if (!flat) edges[0] -= (hi - lo) * 0.001;
  return edges;
}

/** -inf, the 10th, 15th, ... 100th percentile, +inf; equal edges are kept once, where scanpy would stop. */
function percentileEdges(x: Float64Array): Float64Array {
  const sorted = x.slice().sort();
  const edges = [Number.NEGATIVE_INFINITY];
  for (let p = 10; p <= 100; p += 5) {
    const at = (p / 100) * (sorted.length - 1);
    const low = Math.floor(at);
    const t = at - low;
    const a = sorted[low];
    const b = sorted[Math.min(low + 1, sorted.length - 1)];
    edges.push(t >= 0.5 ? b - (b - a) * (1 - t) : a + (b - a) * t);
  }
  edges.push(Number.POSITIVE_INFINITY);
  return Float64Array.from(edges.filter((e, i) => i === 0 || e !== edges[i - 1]));
}

/** Index of the first edge that is not below the value: right-closed bins. */
function binOf(x: Float64Array, edges: Float64Array): Uint16Array {
  return Uint16Array.from(x, (v) => {
    let lo = 0;
    let hi = edges.length;
    while (lo < hi) {
      const m = (lo + hi) >> 1;
      if (edges[m] < v) lo = m + 1;
      else hi = m;
    }
    return Math.max(lo, 1);
  });
}

function binStatistics(x: Float64Array, bins: Uint16Array, n: number, seurat: boolean): { average: Float64Array; deviation: Float64Array } {
  const average = new Float64Array(n + 1);
  const deviation = new Float64Array(n + 1);
  const members: number[][] = Array.from({ length: n + 1 }, () => []);
  for (let j = 0; j < x.length; j++) if (!Number.isNaN(x[j])) members[bins[j]].push(x[j]);
  for (let b = 0; b <= n; b++) {
    const m = members[b];
    if (seurat) {
      const avg = m.reduce((s, v) => s + v, 0) / m.length;
      const sd = Math.sqrt(m.reduce((s, v) => s + (v - avg) ** 2, 0) / (m.length - 1));
      [average[b], deviation[b]] = Number.isNaN(sd) ? [0, avg] : [avg, sd];
    } else if (m.length > 0) {
      average[b] = median(m);
      deviation[b] = median(m.map((v) => Math.abs(v - average[b]))) / 0.6744897501960817;
    }
  }
  return { average, deviation };
}

function median(values: readonly number[]): number {
  const s = Float64Array.from(values).sort();
  const h = s.length >> 1;
  return s.length % 2 ? s[h] : (s[h - 1] + s[h]) / 2;
}

/** 1 for genes at or above the top-th highest value, or inside the cut-offs. */
function flags({ means, norm }: Table, { top, cutoffs = {} }: HvgOptions): Uint8Array {
  if (top === undefined) {
    const { minMean = 0.0125, maxMean = 3, minDispersion = 0.5, maxDispersion = Number.POSITIVE_INFINITY } = cutoffs;
    return Uint8Array.from(norm, (v, j) => {
      const x = Number.isNaN(v) ? 0 : v;
      return means[j] > minMean && means[j] < maxMean && x > minDispersion && x < maxDispersion ? 1 : 0;
    });
  }
  const known = norm.filter((v) => !Number.isNaN(v)).sort();
  if (known.length === 0 || top < 1) return new Uint8Array(norm.length);
  const cut = known[Math.max(0, known.length - top)];
  return Uint8Array.from(norm, (v) => (v >= cut ? 1 : 0));
}

/** Batches in which it is variable, then score, falling, NaN last; then name or position. */
function sortGenes(score: Float64Array, counts: Uint32Array | undefined, names: readonly string[] | undefined): Uint32Array {
  const key = score.map((v) => (Number.isNaN(v) ? Number.NEGATIVE_INFINITY : v));
  const nan = (j: number): number => (Number.isNaN(score[j]) ? 1 : 0);
  const byName = (a: number, b: number): number => (names && names[a] !== names[b] ? (names[a] < names[b] ? -1 : 1) : a - b);
  const falling = (a: number, b: number): number => (key[a] === key[b] ? 0 : key[b] > key[a] ? 1 : -1);
  return Uint32Array.from(score, (_, j) => j).sort(
    (a, b) => (counts ? counts[b] - counts[a] : 0) || falling(a, b) || nan(a) - nan(b) || byName(a, b),
  );
}

function nanMean(all: readonly Float64Array[], d: number): Float64Array {
  return Float64Array.from({ length: d }, (_, j) => {
    let s = 0;
    let n = 0;
    for (const a of all) {
      if (Number.isNaN(a[j])) continue;
      s += a[j];
      n++;
    }
    return s / n;
  });
}
