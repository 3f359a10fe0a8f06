/** Row-major float32 samples, rows x features. */
export interface Samples {
  readonly block: Float32Array;
  readonly rows: number;
  readonly features: number;
}

const BLOCK = 256;

/**
 * The `k` nearest reference rows of each query row by Euclidean distance, exactly (float64 sums), nearest first;
 * equal distances go to the lower row. queries x k, row-major.
 */
export async function nearestNeighbours(
  references: Samples,
  queries: Samples,
  { k, onBlock = () => {} }: { k: number; onBlock?: (done: number) => void | Promise<void> },
): Promise<Uint32Array> {
  const out = new Uint32Array(queries.rows * k);
  const found = new Float64Array(k);
  const distances = new Float64Array(4 * references.rows);
  for (let q = 0; q < queries.rows; q += 4) {
    const count = Math.min(4, queries.rows - q);
    measure(references, queries, q, distances);
    for (let i = 0; i < count; i++) {
      const own = distances.subarray(i * references.rows, (i + 1) * references.rows);
      keepNearest(own, found, out.subarray((q + i) * k, (q + i + 1) * k));
    }
    if (q % BLOCK === 0) await onBlock(q + count);
  }
  return out;
}

/** Squared distances of four queries (the last ones repeated at the end) to all references. */
function measure({ block, rows, features }: Samples, queries: Samples, first: number, distances: Float64Array): void {
  const at = (i: number): number => Math.min(first + i, queries.rows - 1) * features;
  const x = queries.block;
  const [a, b, c, d] = [at(0), at(1), at(2), at(3)];
  for (let r = 0, o = 0; r < rows; r++, o += features) {
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let f = 0; f < features; f++) {
      const y = block[o + f];
      const d0 = x[a + f] - y;
      const d1 = x[b + f] - y;
      const d2 = x[c + f] - y;
      const d3 = x[d + f] - y;
      s0 += d0 * d0;
      s1 += d1 * d1;
      s2 += d2 * d2;
      s3 += d3 * d3;
    }
    distances[r] = s0;
    distances[rows + r] = s1;
    distances[2 * rows + r] = s2;
    distances[3 * rows + r] = s3;
  }
}

function keepNearest(distances: Float64Array, found: Float64Array, rows: Uint32Array): void {
  const k = rows.length;
  found.fill(Number.POSITIVE_INFINITY);
  for (let r = 0; r < distances.length; r++) {
    const distance = distances[r];
    if (distance >= found[k - 1]) continue;
    let at = k - 1;
    for (; at > 0 && found[at - 1] > distance; at--) {
      found[at] = found[at - 1];
      rows[at] = rows[at - 1];
    }
    found[at] = distance;
    rows[at] = r;
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
