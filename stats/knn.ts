import { DistanceKernel } from './knn-kernel.ts';

/** Row-major float32 samples, rows x features. */
export interface Samples {
  readonly block: Float32Array;
  readonly rows: number;
  readonly features: number;
}

/**
 * The `k` nearest reference rows of each query row by Euclidean distance, exactly, nearest first; equal distances go to the lower row.
 * queries x k, row-major. Distances are first taken in float32; all rows that could be among the nearest given its rounding are then
 * measured again in float64.
 */
export async function nearestNeighbours(
  references: Samples,
  queries: Samples,
  { k, onBlock = () => {} }: { k: number; onBlock?: (done: number) => void | Promise<void> },
): Promise<Uint32Array> {
  const { rows, features } = references;
  const out = new Uint32Array(queries.rows * k);
  const fits = DistanceKernel.fits(rows, features);
  const kernel = fits ? new DistanceKernel(references.block, rows, features) : undefined;
  // Relative error of a float32 sum of squares in four lanes, twice over.
  const slack = 1 + (features / 4 + 16) * 2 ** -22;
  for (let first = 0; first < queries.rows; first += DistanceKernel.queries) {
    const count = Math.min(DistanceKernel.queries, queries.rows - first);
    const part = queries.block.subarray(first * features, (first + count) * features);
    const rough = kernel?.distances(part, features);
    for (let q = 0; q < count; q++) {
      const query = part.subarray(q * features, (q + 1) * features);
      const candidates = rough ? within(rough.subarray(q * rows, (q + 1) * rows), k, slack) : undefined;
      pickNearest(references, query, { candidates, into: out.subarray((first + q) * k, (first + q + 1) * k) });
    }
    await onBlock(first + count);
  }
  return out;
}

/** Rows whose rough distance is at most `slack` times the k-th smallest. */
function within(rough: Float32Array, k: number, slack: number): number[] {
  const nearest = new Float64Array(k).fill(Number.POSITIVE_INFINITY);
  let limit = Number.POSITIVE_INFINITY;
  const candidates: number[] = [];
  for (let r = 0; r < rough.length; r++) {
    const distance = rough[r];
    if (distance > limit) continue;
    candidates.push(r);
    if (distance >= nearest[k - 1]) continue;
    insert(nearest, undefined, distance, 0);
    limit = nearest[k - 1] * slack + Number.MIN_VALUE;
  }
  return candidates.filter((r) => rough[r] <= limit);
}

/** Puts a distance into a rising list, behind equal ones, and drops the last. */
function insert(distances: Float64Array, rows: Uint32Array | undefined, distance: number, row: number): void {
  let at = distances.length - 1;
  for (; at > 0 && distances[at - 1] > distance; at--) {
    distances[at] = distances[at - 1];
    if (rows) rows[at] = rows[at - 1];
  }
  distances[at] = distance;
  if (rows) rows[at] = row;
}

interface Pick {
  /** Rows to look at, rising; all of them when undefined. */
  readonly candidates: readonly number[] | undefined;
  readonly into: Uint32Array;
}

function pickNearest({ block, rows, features }: Samples, query: Float32Array, { candidates, into }: Pick): void {
  const found = new Float64Array(into.length).fill(Number.POSITIVE_INFINITY);
  const count = candidates?.length ?? rows;
  for (let c = 0; c < count; c++) {
    const row = candidates ? candidates[c] : c;
    let distance = 0;
    for (let f = 0, o = row * features; f < features; f++, o++) distance += (block[o] - query[f]) ** 2;
    if (distance < found[into.length - 1]) insert(found, into, distance, row);
  }
}

/** Class shares among each query's neighbours (queries x classes, row-major); with `mostProbable` ties go to the lowest class. */
export function vote(
  neighbours: Uint32Array,
  codes: ArrayLike<number>,
  { k, classCount }: { k: number; classCount: number },
): Float64Array {
  const shares = new Float64Array((neighbours.length / k) * classCount);
  for (let i = 0; i < neighbours.length; i++) shares[Math.floor(i / k) * classCount + codes[neighbours[i]]] += 1 / k;
  return shares;
}
