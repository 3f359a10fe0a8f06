/** How much a local fit sees (`span`, share of the points) and its polynomial. */
export interface LoessOptions {
  readonly span: number;
  readonly degree?: 1 | 2;
  /** Cells of the surface hold at most span * cell of the points, as in Cleveland's netlib dloess. */
  readonly cell?: number;
}

/**
 * One-dimensional LOESS at the data points, gaussian family, with dloess's interpolation surface: local fits at the
 * vertices of a k-d tree, joined by cubic Hermite blending (Cleveland & Grosse 1991); equals skmisc.loess to rounding.
 */
export function loess(x: Float64Array, y: Float64Array, options: LoessOptions): Float64Array {
  const { span, degree = 2, cell = 0.2 } = options;
  const n = x.length;
  if (n === 0) return new Float64Array(0);
  const near = Math.max(Math.min(n, Math.floor(n * span + 1e-5)), Math.min(n, degree + 1));
  const order = Uint32Array.from({ length: n }, (_, i) => i).sort((a, b) => x[a] - x[b]);
  const xs = Float64Array.from(order, (i) => x[i]);
  const ys = Float64Array.from(order, (i) => y[i]);
  const at = vertices(xs, Math.floor(n * span * cell));
  const value = new Float64Array(at.length);
  const slope = new Float64Array(at.length);
  for (let v = 0, left = 0; v < at.length; v++) {
    while (left + near < n && Math.abs(xs[left + near] - at[v]) < Math.abs(xs[left] - at[v])) left++;
    [value[v], slope[v]] = localFit({ xs: xs.subarray(left, left + near), ys: ys.subarray(left, left + near), at: at[v], span, degree });
  }
  const fitted = new Float64Array(n);
  for (let i = 0, c = 0; i < n; i++) {
    while (c + 2 < at.length && xs[i] > at[c + 1]) c++;
    fitted[order[i]] = hermite((xs[i] - at[c]) / (at[c + 1] - at[c]), at[c + 1] - at[c], [value[c], value[c + 1], slope[c], slope[c + 1]]);
  }
  return fitted;
}

/** Cut points of the k-d tree: medians of cells that hold more than `fewest` points, within margins of 0.5 %. */
function vertices(xs: Float64Array, fewest: number): Float64Array {
  const lo = xs[0];
  const hi = xs[xs.length - 1];
  const margin = 0.005 * Math.max(hi - lo, 1e-10 * Math.max(Math.abs(lo), Math.abs(hi)) + 1e-30);
  const cuts = [lo - margin, hi + margin];
  const split = (first: number, last: number, a: number, b: number): void => {
    if (last - first + 1 <= fewest || last <= first) return;
    const m = cutIndex(xs, first, last);
    const t = xs[m - 1];
    if (t === a || t === b) return;
    cuts.push(t);
    split(first, m, a, t);
    split(m + 1, last, t, b);
  };
  split(1, xs.length, cuts[0], cuts[1]);
  return Float64Array.from(new Set(cuts)).sort();
}

/** The 1-based median position, moved to the nearest place where neighbours differ (ehg129 of dloess). */
function cutIndex(xs: Float64Array, first: number, last: number): number {
  const middle = Math.floor((first + last) / 2);
  let off = 0;
  while (middle + off < last && middle + off >= first) {
    if (xs[middle + off - 1] !== xs[middle + off]) return middle + off;
    off = -off;
    if (off >= 0) off++;
  }
  return middle;
}

interface Neighbourhood {
  readonly xs: Float64Array;
  readonly ys: Float64Array;
  readonly at: number;
  readonly span: number;
  readonly degree: number;
}

/** Value and slope at `at` of the tricube-weighted polynomial, by twice-repeated Gram-Schmidt on scaled columns; a column that adds nothing is left out. */
function localFit({ xs, ys, at, span, degree }: Neighbourhood): [number, number] {
  const m = xs.length;
  const reach = Math.max(at - xs[0], xs[m - 1] - at) * Math.sqrt(Math.max(1, span));
  const rest = new Float64Array(m);
  const columns = Array.from({ length: degree + 1 }, () => new Float64Array(m));
  for (let i = 0; i < m; i++) {
    const d = reach > 0 ? Math.abs(xs[i] - at) / reach : 0;
    const c = 1 - d * d * d;
    const w = c > 0 ? Math.sqrt(c * c * c) : 0;
    rest[i] = w * ys[i];
    for (let j = 0, power = w; j <= degree; j++, power *= xs[i] - at) columns[j][i] = power;
  }
  const scale = columns.map((c) => unit(c) || 1);
  const { r, z } = orthogonal(columns, rest);
  const b = new Float64Array(degree + 1);
  for (let j = degree; j >= 0; j--) {
    let s = z[j];
    for (let c = j + 1; c <= degree; c++) s -= r[j][c] * b[c];
    b[j] = r[j][j] > 0 ? s / r[j][j] : 0;
  }
  return [b[0] / scale[0], b[1] / scale[1]];
}

function orthogonal(columns: Float64Array[], rest: Float64Array): { r: Float64Array[]; z: Float64Array } {
  const k = columns.length;
  const r = columns.map(() => new Float64Array(k));
  const z = new Float64Array(k);
  for (let j = 0; j < k; j++) {
    for (let pass = 0; pass < 2; pass++) {
      for (let a = 0; a < j; a++) {
        const s = dot(columns[a], columns[j]);
        r[a][j] += s;
        subtract(columns[j], columns[a], s);
      }
    }
    const left = unit(columns[j]);
    if (left < 1e-12) {
      columns[j].fill(0);
      continue;
    }
    r[j][j] = left;
    z[j] = dot(columns[j], rest);
    subtract(rest, columns[j], z[j]);
  }
  return { r, z };
}

function dot(a: Float64Array, b: Float64Array): number {
  let s = 0;
  for (let i = 0; i < a.length; i++) s += a[i] * b[i];
  return s;
}

function subtract(from: Float64Array, what: Float64Array, times: number): void {
  for (let i = 0; i < from.length; i++) from[i] -= times * what[i];
}

/** Scales to length 1 and returns the old length. */
function unit(a: Float64Array): number {
  const length = Math.sqrt(dot(a, a));
  if (length > 0) for (let i = 0; i < a.length; i++) a[i] /= length;
  return length;
}

/** Cubic with the given values and slopes at both ends; h in [0, 1] along a cell of the given width. */
function hermite(h: number, width: number, [v0, v1, s0, s1]: readonly [number, number, number, number]): number {
  const g = 1 - h;
  return g * g * (1 + 2 * h) * v0 + h * h * (3 - 2 * h) * v1 + (h * g * g * s0 - h * h * g * s1) * width;
}
