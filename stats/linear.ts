/** Eigenvalues and eigenvectors (columns, row-major k x k) of a symmetric matrix, by cyclic Jacobi rotations. */
export function symmetricEigen(matrix: Float64Array, k: number): { values: Float64Array; vectors: Float64Array } {
  const a = matrix.slice();
  const v = new Float64Array(k * k);
  for (let i = 0; i < k; i++) v[i * k + i] = 1;
  for (let sweep = 0; sweep < 60; sweep++) {
    let off = 0;
    let all = 0;
    for (let i = 0; i < k; i++) {
      for (let j = 0; j < k; j++) {
        all += a[i * k + j] ** 2;
        if (i !== j) off += a[i * k + j] ** 2;
      }
    }
    if (off <= 1e-28 * all) break;
    for (let p = 0; p < k; p++) for (let q = p + 1; q < k; q++) rotate(a, v, { k, p, q });
  }
  return { values: Float64Array.from({ length: k }, (_, i) => a[i * k + i]), vectors: v };
}

function rotate(a: Float64Array, v: Float64Array, { k, p, q }: { k: number; p: number; q: number }): void {
  const apq = a[p * k + q];
  if (apq === 0) return;
  const theta = (a[q * k + q] - a[p * k + p]) / (2 * apq);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let i = 0; i < k; i++) {
    const x = a[i * k + p];
    const y = a[i * k + q];
    a[i * k + p] = c * x - s * y;
    a[i * k + q] = s * x + c * y;
  }
  for (let i = 0; i < k; i++) {
    const x = a[p * k + i];
    const y = a[q * k + i];
    a[p * k + i] = c * x - s * y;
    a[q * k + i] = s * x + c * y;
  }
  for (let i = 0; i < k; i++) {
    const x = v[i * k + p];
    const y = v[i * k + q];
    v[i * k + p] = c * x - s * y;
    v[i * k + q] = s * x + c * y;
  }
}

/**
 * Least squares with an intercept on one design for many targets, of minimum norm where columns depend on each other:
 * the design's mean and the pseudo-inverse of its centred Gram matrix (k x k), to be applied to X'y.
 */
export interface LeastSquares {
  readonly features: number;
  readonly mean: Float64Array;
  /** Centred design, rows x features, row-major. */
  readonly centred: Float64Array;
  readonly inverse: Float64Array;
}

/** Prepares least squares on a row-major design, rows x features. */
export function leastSquares(design: Float32Array | Float64Array, features: number): LeastSquares {
  const rows = design.length / features;
  const mean = new Float64Array(features);
  for (let i = 0; i < design.length; i++) mean[i % features] += design[i] / rows;
  const centred = Float64Array.from(design, (x, i) => x - mean[i % features]);
  const gram = new Float64Array(features * features);
  for (let o = 0; o < centred.length; o += features) {
    for (let a = 0; a < features; a++) {
      const x = centred[o + a];
      if (x !== 0) for (let b = a; b < features; b++) gram[a * features + b] += x * centred[o + b];
    }
  }
  for (let a = 0; a < features; a++) for (let b = 0; b < a; b++) gram[a * features + b] = gram[b * features + a];
  return { features, mean, centred, inverse: pseudoInverse(gram, features) };
}

function pseudoInverse(gram: Float64Array, k: number): Float64Array {
  const { values, vectors } = symmetricEigen(gram, k);
  const cut = Math.max(...values, 0) * 1e-11;
  const inverse = new Float64Array(k * k);
  for (let e = 0; e < k; e++) {
    if (values[e] <= cut) continue;
    for (let a = 0; a < k; a++) {
      const x = vectors[a * k + e] / values[e];
      for (let b = 0; b < k; b++) inverse[a * k + b] += x * vectors[b * k + e];
    }
  }
  return inverse;
}

/** Weights for one target, given its product with the centred design (X'y, length features). */
export function solve({ features, inverse }: LeastSquares, product: Float64Array): Float64Array {
  const weights = new Float64Array(features);
  for (let a = 0; a < features; a++) for (let b = 0; b < features; b++) weights[a] += inverse[a * features + b] * product[b];
  return weights;
}
