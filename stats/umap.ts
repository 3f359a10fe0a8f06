import { nearestNeighbours, type Samples } from './knn.ts';
import { Random } from './random.ts';

/** Settings of a UMAP; the defaults are scanpy's. */
export interface UmapOptions {
  /** Cells in the neighbourhood of a cell, itself included. */
  readonly neighbours?: number;
  /** How close points may lie, in units of the map. */
  readonly minDist?: number;
  /** Passes over the edges; 500 up to 10,000 cells, else 200. */
  readonly epochs?: number;
  readonly seed?: number;
  /** Awaited again and again, with the share that is done. */
  readonly onStep?: (share: number) => void | Promise<void>;
}

/** Edges of the neighbourhood graph, each once, with weights in (0, 1]. */
interface Graph {
  readonly heads: Int32Array;
  readonly tails: Int32Array;
  readonly weights: Float32Array;
}

const NEGATIVES = 5;
/** Coordinates to begin with lie within so much of 0. */
const SPAN = 10;

/**
 * UMAP in two dimensions (McInnes, Healy and Melville 2018, algorithms 1 to 5; layout as in umap-learn 0.5: attraction along edges, five
 * negative samples each, gradients cut at 4), rows x 2, row-major. Begins with the first two columns of the samples, which should be principal
 * components. Exact neighbours: time rows² x features, then epochs x edges. The same seed gives the same map.
 */
export async function umap(samples: Samples, options: UmapOptions = {}): Promise<Float32Array> {
  const { rows } = samples;
  const { neighbours = 15, minDist = 0.5, seed = 0, onStep = () => {} } = options;
  const k = Math.min(neighbours, rows);
  if (rows < 4) return start(samples, seed);
  const near = await nearestNeighbours(samples, samples, { k, onBlock: (done) => onStep((0.5 * done) / rows) });
  const graph = fuzzyGraph(samples, near, k);
  const points = start(samples, seed);
  await layOut(points, graph, {
    ...curve(minDist),
    epochs: options.epochs ?? (rows <= 10_000 ? 500 : 200),
    seed,
    onStep: (share) => onStep(0.5 + 0.5 * share),
  });
  return points;
}

/** The first two features, scaled to the span, with a little noise so that no two points coincide. */
function start({ block, rows, features }: Samples, seed: number): Float32Array {
  const points = new Float32Array(rows * 2);
  let most = 0;
  for (let i = 0; i < rows; i++)
    for (let d = 0; d < Math.min(2, features); d++) {
      points[i * 2 + d] = block[i * features + d];
      most = Math.max(most, Math.abs(points[i * 2 + d]));
    }
  const random = new Random(seed);
  const scale = most > 0 ? SPAN / most : 0;
  for (let at = 0; at < points.length; at++) points[at] = points[at] * scale + 1e-4 * random.normal();
  return points;
}

/** Weights of directed neighbourhoods (local distance to the nearest, and a width so that they sum to log2 k), united as fuzzy sets. */
function fuzzyGraph({ block, rows, features }: Samples, near: Uint32Array, k: number): Graph {
  const directed = new Map<number, number>();
  const distances = new Float64Array(k);
  for (let i = 0; i < rows; i++) {
    for (let n = 0; n < k; n++) {
      const j = near[i * k + n];
      let sum = 0;
      for (let f = 0; f < features; f++) sum += (block[i * features + f] - block[j * features + f]) ** 2;
      distances[n] = Math.sqrt(sum);
    }
    const rho = distances.find((distance) => distance > 0) ?? 0;
    const sigma = width(distances, rho, Math.log2(k));
    for (let n = 0; n < k; n++) {
      const j = near[i * k + n];
      if (j !== i) directed.set(i * rows + j, distances[n] <= rho ? 1 : Math.exp(-(distances[n] - rho) / sigma));
    }
  }
  const heads: number[] = [];
  const tails: number[] = [];
  const weights: number[] = [];
  for (const [key, one] of directed) {
    const [i, j] = [Math.floor(key / rows), key % rows];
    const other = directed.get(j * rows + i);
    if (other !== undefined && j < i) continue;
    heads.push(i);
    tails.push(j);
    weights.push(one + (other ?? 0) - one * (other ?? 0));
  }
  return { heads: Int32Array.from(heads), tails: Int32Array.from(tails), weights: Float32Array.from(weights) };
}

/** The width at which the weights of a neighbourhood, without the cell itself, sum to `target`. */
function width(distances: Float64Array, rho: number, target: number): number {
  let [low, high, sigma] = [0, Infinity, 1];
  for (let step = 0; step < 64; step++) {
    let sum = 0;
    for (let n = 1; n < distances.length; n++) sum += distances[n] > rho ? Math.exp(-(distances[n] - rho) / sigma) : 1;
    if (Math.abs(sum - target) < 1e-5) break;
    if (sum > target) high = sigma;
    else low = sigma;
    sigma = high === Infinity ? sigma * 2 : (low + high) / 2;
  }
  const mean = distances.reduce((a, b) => a + b, 0) / distances.length;
  return Math.max(sigma, 1e-3 * mean, 1e-12);
}

/** a and b of 1 / (1 + a x^2b) that come nearest to 1 up to minDist and exp(minDist - x) beyond, on [0, 3] (least squares, Gauss-Newton). */
export function curve(minDist: number): { readonly a: number; readonly b: number } {
  const points = Array.from({ length: 300 }, (_, i) => (3 * i) / 299);
  const wanted = points.map((x) => (x < minDist ? 1 : Math.exp(minDist - x)));
  let [a, b] = [1, 1];
  const loss = (p: number, q: number): number => points.reduce((sum, x, i) => sum + (1 / (1 + p * x ** (2 * q)) - wanted[i]) ** 2, 0);
  let damping = 1e-3;
  for (let step = 0; step < 200; step++) {
    let [aa, ab, bb, ga, gb] = [0, 0, 0, 0, 0];
    for (let i = 1; i < points.length; i++) {
      const power = points[i] ** (2 * b);
      const value = 1 / (1 + a * power);
      const da = -power * value ** 2;
      const db = -2 * a * power * Math.log(points[i]) * value ** 2;
      const rest = wanted[i] - value;
      [aa, ab, bb, ga, gb] = [aa + da * da, ab + da * db, bb + db * db, ga + da * rest, gb + db * rest];
    }
    const [A, B] = [aa * (1 + damping), bb * (1 + damping)];
    const det = A * B - ab * ab;
    const [na, nb] = [a + (B * ga - ab * gb) / det, b + (A * gb - ab * ga) / det];
    if (na > 0 && nb > 0 && loss(na, nb) <= loss(a, b)) {
      const isStill = Math.abs(na - a) + Math.abs(nb - b) < 1e-12;
      [a, b, damping] = [na, nb, damping / 3];
      if (isStill) break;
    } else damping *= 4;
  }
  return { a, b };
}

interface Layout {
  readonly a: number;
  readonly b: number;
  readonly epochs: number;
  readonly seed: number;
  readonly onStep: (share: number) => void | Promise<void>;
}

const cut = (x: number): number => (x > 4 ? 4 : x < -4 ? -4 : x);

/** Moves the points: an edge pulls its ends together as often as its weight says, and pushes its head away from five others each time. */
async function layOut(points: Float32Array, { heads, tails, weights }: Graph, { a, b, epochs, seed, onStep }: Layout): Promise<void> {
  const n = points.length / 2;
  const most = weights.reduce((x, y) => Math.max(x, y), 0);
  const every = Float64Array.from(weights, (w) => (w * epochs < most ? Infinity : most / w));
  const next = Float64Array.from(every);
  const random = new Xorshift(seed);
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const rate = 1 - (epoch - 1) / epochs;
    for (let e = 0; e < heads.length; e++) {
      if (next[e] > epoch) continue;
      next[e] += every[e];
      // Each edge stands for both directions.
      for (let side = 0; side < 2; side++) {
        const i = 2 * (side === 0 ? heads[e] : tails[e]);
        const j = 2 * (side === 0 ? tails[e] : heads[e]);
        const [dx, dy] = [points[i] - points[j], points[i + 1] - points[j + 1]];
        const square = dx * dx + dy * dy;
        if (square > 0) {
          const power = square ** b;
          const pull = (-2 * a * b * (power / square)) / (a * power + 1);
          const [px, py] = [rate * cut(pull * dx), rate * cut(pull * dy)];
          points[i] += px;
          points[i + 1] += py;
          points[j] -= px;
          points[j + 1] -= py;
        }
        for (let s = 0; s < NEGATIVES; s++) push(points, i, 2 * random.below(n), { a, b, rate });
      }
    }
    await onStep(epoch / epochs);
  }
}

/** Pushes a point away from another one. */
function push(
  points: Float32Array,
  i: number,
  j: number,
  { a, b, rate }: { readonly a: number; readonly b: number; readonly rate: number },
): void {
  if (i === j) return;
  const [dx, dy] = [points[i] - points[j], points[i + 1] - points[j + 1]];
  const square = dx * dx + dy * dy;
  if (square > 0) {
    const force = (2 * b) / ((0.001 + square) * (a * square ** b + 1));
    points[i] += rate * cut(force * dx);
    points[i + 1] += rate * cut(force * dy);
  } else {
    points[i] += rate * 4;
    points[i + 1] += rate * 4;
  }
}

/** Marsaglia's xorshift32: quick, and good enough to pick whom to push away from. */
class Xorshift {
  #state: number;

  constructor(seed: number) {
    this.#state = (Math.imul(seed + 1, 0x9e3779b1) ^ 0x5bd1e995) >>> 0 || 1;
  }

  below(bound: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return Math.floor((this.#state / 2 ** 32) * bound);
  }
}
