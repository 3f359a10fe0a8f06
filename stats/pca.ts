import type { CscMatrix } from '../data/matrix.ts';
import { Random } from './random.ts';

/** The first principal components of a matrix, the largest variance first. */
export interface Pca {
  readonly count: number;
  /** Variance along each component (divisor cells - 1). */
  readonly variances: Float64Array;
  /** Components x genes, row-major; each row has length 1, its sign is arbitrary. */
  readonly loadings: Float64Array;
}

/** Settings of a PCA. */
export interface PcaOptions {
  /** Components wanted; fewer come out when there are fewer genes, or cells - 1. */
  readonly components: number;
  /** How exact: residual of each component over the largest variance. */
  readonly tolerance?: number;
  /** Awaited after each step of the iteration. */
  readonly onStep?: (done: number) => void | Promise<void>;
}

/**
 * Truncated PCA of the columns, centred but not scaled, without a dense copy: Lanczos iteration on the covariance, each new vector made
 * orthogonal to all before, until the wanted components stand still (Golub and Van Loan, Matrix Computations, 10.1 to 10.3).
 * Deterministic. Time: steps x (non-zeros + steps x genes), with about 3 to 10 steps a component; memory: 8 bytes x steps x genes.
 */
export async function pca(matrix: CscMatrix, { components, tolerance = 1e-7, onStep = () => {} }: PcaOptions): Promise<Pca> {
  const { rows: n, cols: d } = matrix;
  const count = Math.max(0, Math.min(components, d, n - 1));
  if (count === 0) return { count, variances: new Float64Array(0), loadings: new Float64Array(0) };
  const covariance = covarianceOf(matrix);
  const random = new Random(0);
  const basis: Float64Array[] = [];
  const diagonal: number[] = [];
  const beside: number[] = [];
  let next = orthogonal(randomVector(d, random), basis);
  for (let step = 1; ; step++) {
    const own = next;
    basis.push(own);
    const w = covariance(own);
    diagonal.push(dot(w, own));
    next = orthogonal(w, basis);
    const length = Math.sqrt(dot(next, next));
    const largest = Math.max(...diagonal);
    // An invariant subspace: what lies outside it is reached from a new start only.
    const isClosed = length <= 1e-12 * largest || length === 0;
    beside.push(isClosed ? 0 : length);
    await onStep(step);
    // A random vector that the covariance takes to zero: so it does all that is left.
    const isRestZero = isClosed && step >= count && diagonal[step - 1] <= 1e-12 * largest;
    const isLast = step === d || isRestZero;
    if (isLast || (step >= 2 * count && step % 10 === 0)) {
      const pairs = tridiagonalEigen(diagonal, beside);
      if (isLast || (!isClosed && residual(pairs, length, count) <= tolerance * pairs.values[0])) {
        return { count, variances: pairs.values.slice(0, count), loadings: combined(pairs, basis, count) };
      }
    }
    next = isClosed ? orthogonal(randomVector(d, random), basis) : next;
    scale(next, 1 / Math.sqrt(dot(next, next)));
  }
}

/** How much each gene takes part in the first components: the sum of its absolute loadings (genes long). */
export function loadingSums({ count, loadings }: Pca, genes: number): Float64Array {
  const sums = new Float64Array(genes);
  for (let p = 0; p < count; p++) for (let j = 0; j < genes; j++) sums[j] += Math.abs(loadings[p * genes + j]);
  return sums;
}

/** Multiplies a vector over the genes by the covariance of the columns. */
function covarianceOf({ rows: n, cols: d, indptr, indices, data }: CscMatrix): (v: Float64Array) => Float64Array {
  const means = new Float64Array(d);
  for (let j = 0; j < d; j++) {
    for (let p = indptr[j]; p < indptr[j + 1]; p++) means[j] += data[p];
    means[j] /= n;
  }
  const cells = new Float64Array(n);
  return (v) => {
    cells.fill(-dot(means, v));
    for (let j = 0; j < d; j++) {
      const x = v[j];
      for (let p = indptr[j]; p < indptr[j + 1]; p++) cells[indices[p]] += x * data[p];
    }
    const total = cells.reduce((a, b) => a + b, 0);
    const out = new Float64Array(d);
    for (let j = 0; j < d; j++) {
      let sum = -means[j] * total;
      for (let p = indptr[j]; p < indptr[j + 1]; p++) sum += cells[indices[p]] * data[p];
      out[j] = sum / (n - 1);
    }
    return out;
  };
}

function randomVector(d: number, random: Random): Float64Array {
  const v = new Float64Array(d).map(() => random.normal());
  scale(v, 1 / Math.sqrt(dot(v, v)));
  return v;
}

/** Takes the basis out of v, twice, as once leaves rounding errors. */
function orthogonal(v: Float64Array, basis: readonly Float64Array[]): Float64Array {
  for (let pass = 0; pass < 2; pass++) for (const b of basis) subtract(v, b, dot(v, b));
  return v;
}

function subtract(v: Float64Array, b: Float64Array, share: number): void {
  for (let j = 0; j < v.length; j++) v[j] -= share * b[j];
}

function scale(v: Float64Array, factor: number): void {
  for (let j = 0; j < v.length; j++) v[j] *= factor;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += a[j] * b[j];
  return sum;
}

interface Eigen {
  /** Falling. */
  readonly values: Float64Array;
  /** Vector i is entries i * size .. (i + 1) * size - 1. */
  readonly vectors: Float64Array;
}

function residual({ values, vectors }: Eigen, length: number, count: number): number {
  const size = values.length;
  let worst = 0;
  for (let i = 0; i < count; i++) worst = Math.max(worst, length * Math.abs(vectors[i * size + size - 1]));
  return worst;
}

function combined({ values, vectors }: Eigen, basis: readonly Float64Array[], count: number): Float64Array {
  const size = values.length;
  const d = basis[0].length;
  const out = new Float64Array(count * d);
  for (let i = 0; i < count; i++) {
    const own = out.subarray(i * d, (i + 1) * d);
    for (let s = 0; s < size; s++) subtract(own, basis[s], -vectors[i * size + s]);
  }
  return out;
}

/**
 * Eigenvalues and vectors of a symmetric tridiagonal matrix: QL with implicit Wilkinson shifts (Golub and Van Loan, 8.3). `beside[i]`
 * stands between i and i + 1; its last entry is not used.
 */
export function tridiagonalEigen(diagonal: readonly number[], beside: readonly number[]): Eigen {
  const m = diagonal.length;
  const d = Float64Array.from(diagonal);
  const e = Float64Array.from({ length: m }, (_, i) => (i < m - 1 ? beside[i] : 0));
  const z = new Float64Array(m * m);
  for (let i = 0; i < m; i++) z[i * m + i] = 1;
  for (let low = 0; low < m; low++) {
    for (let sweep = 0; sweep < 60; sweep++) {
      let high = low;
      while (high < m - 1 && Math.abs(e[high]) > Number.EPSILON * (Math.abs(d[high]) + Math.abs(d[high + 1]))) high++;
      if (high === low) break;
      qlSweep({ d, e, z }, low, high);
    }
  }
  const order = Uint32Array.from({ length: m }, (_, i) => i).sort((a, b) => d[b] - d[a] || a - b);
  const vectors = new Float64Array(m * m);
  order.forEach((from, to) => vectors.set(z.subarray(from * m, (from + 1) * m), to * m));
  return { values: Float64Array.from(order, (i) => d[i]), vectors };
}

/** One implicit QL step on rows low .. high; z holds the vectors as rows. */
function qlSweep({ d, e, z }: Record<'d' | 'e' | 'z', Float64Array>, low: number, high: number): void {
  const m = d.length;
  const half = (d[low + 1] - d[low]) / (2 * e[low]);
  const root = Math.hypot(half, 1);
  let g = d[high] - d[low] + e[low] / (half + (half >= 0 ? root : -root));
  let [sine, cosine, shift] = [1, 1, 0];
  for (let i = high - 1; i >= low; i--) {
    const f = sine * e[i];
    const b = cosine * e[i];
    const r = Math.hypot(f, g);
    e[i + 1] = r;
    if (r === 0) {
      d[i + 1] -= shift;
      e[high] = 0;
      return;
    }
    sine = f / r;
    cosine = g / r;
    const rest = d[i + 1] - shift;
    const t = (d[i] - rest) * sine + 2 * cosine * b;
    shift = sine * t;
    d[i + 1] = rest + shift;
    g = cosine * t - b;
    for (let q = 0; q < m; q++) {
      const upper = z[(i + 1) * m + q];
      const lower = z[i * m + q];
      z[(i + 1) * m + q] = sine * lower + cosine * upper;
      z[i * m + q] = cosine * lower - sine * upper;
    }
  }
  d[low] -= shift;
  e[low] = g;
  e[high] = 0;
}

/** Coordinates of each cell along the components, cells x count, row-major, float32, each column with mean 0. */
export function pcaScores({ rows, cols, indptr, indices, data }: CscMatrix, { count, loadings }: Pca): Float32Array {
  const scores = new Float32Array(rows * count);
  const shift = new Float64Array(count);
  for (let j = 0; j < cols; j++) {
    let sum = 0;
    for (let at = indptr[j]; at < indptr[j + 1]; at++) {
      const first = indices[at] * count;
      const value = data[at];
      sum += value;
      for (let c = 0; c < count; c++) scores[first + c] += value * loadings[c * cols + j];
    }
    for (let c = 0; c < count; c++) shift[c] += (sum / rows) * loadings[c * cols + j];
  }
  for (let i = 0; i < rows; i++) for (let c = 0; c < count; c++) scores[i * count + c] -= shift[c];
  return scores;
}
