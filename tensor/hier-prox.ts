/**
 * HIER-PROX of LassoNet (Lemhadri et al. 2021, arXiv:1907.12207, algorithm 2) for one gene: the closest point to (v, u) under the penalty
 * lambda * ||v|| and the bound |u_h| <= M ||v||. Works in place on `row`, which holds the skip weights v (`skips` of them) and then the
 * first layer's weights u. Gives ||v|| afterwards; 0 means that the gene is out.
 *
 * The bound w is the fixed point of w = M relu(||v|| - lambda + M S) / (1 + m M^2), where m and S are the number and the sum of the |u| above
 * w; from w = 0 it only rises, so it is found in a few walks without sorting.
 */
export function hierProx(row: Float32Array, skips: number, lambda: number, M: number): number {
  let square = 0;
  for (let c = 0; c < skips; c++) square += row[c] * row[c];
  const norm = Math.sqrt(square);
  if (norm === 0) {
    row.fill(0);
    return 0;
  }
  let w = -1;
  let x = 0;
  for (;;) {
    let [m, sum] = [0, 0];
    for (let h = skips; h < row.length; h++) {
      const size = Math.abs(row[h]);
      if (size <= w) continue;
      m++;
      sum += size;
    }
    x = Math.max(0, 1 - (lambda - M * sum) / norm) / (1 + m * M * M);
    const next = M * x * norm;
    if (next <= w || m === 0) break;
    w = next;
  }
  w = M * x * norm;
  for (let c = 0; c < skips; c++) row[c] *= x;
  for (let h = skips; h < row.length; h++) row[h] = Math.max(-w, Math.min(w, row[h]));
  return x * norm;
}

const MOVED = 1e-5;
const MOST = 10_000;

/** So many of the genes that may be the first to go out are tried. */
const TRIED = 5;

/**
 * Where the path of LassoNet begins: the largest l = 1e-6 * 2^p so that applying HIER-PROX with 2 l over and over (until nothing moves by
 * 1e-5, or 10,000 times) puts no gene out. `weights` is genes x (skips + hidden).
 *
 * Close to zero all H bounds hold, and a gene's norm falls by lambda / (1 + H M^2) a round. So the first to go out is the one whose norm is
 * small, or lies in one class (so that it still moves by 1e-5); the likeliest few are tried by themselves.
 */
export function lambdaStart(
  weights: Float32Array,
  { skips, width, M }: { readonly skips: number; readonly width: number; readonly M: number },
): number {
  const rows = Array.from({ length: weights.length / width }, (_, j) => weights.subarray(j * width, (j + 1) * width));
  const hard = rows.map((row) => {
    const v = row.subarray(0, skips);
    const norm = Math.hypot(...v);
    const largest = v.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    return norm === 0 ? 0 : Math.max((MOVED * norm) / largest, norm / MOST);
  });
  const tried = rows
    .map((row, j) => ({ row, hard: hard[j] }))
    .toSorted((a, b) => a.hard - b.hard)
    .slice(0, TRIED);
  const goesOut = (given: Float32Array, lambda: number): boolean => {
    const row = given.slice();
    for (let round = 0; round < MOST; round++) {
      const before = row.slice(0, skips);
      if (hierProx(row, skips, lambda, M) === 0) return true;
      if (before.every((v, c) => Math.abs(v - row[c]) < MOVED)) return false;
    }
    return false;
  };
  let start = 1e-6;
  while (!tried.some(({ row }) => goesOut(row, 2 * start))) start *= 2;
  return start;
}
