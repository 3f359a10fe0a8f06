import type { Matrix } from '../data/matrix.ts';

/** Per-cell quality numbers of scanpy's calculate_qc_metrics. */
export interface CellMetrics {
  /** Genes above zero (n_genes_by_counts). */
  readonly genes: Uint32Array;
  /** Sum over genes (total_counts). */
  readonly total: Float64Array;
  /** Sum over the marked genes, e.g. mitochondrial ones. */
  readonly marked: Float64Array;
  /** 100 * marked / total; NaN for a cell without counts. */
  readonly markedPercent: Float64Array;
}

/** Per-gene quality numbers of scanpy's calculate_qc_metrics. */
export interface GeneQuality {
  /** Cells above zero (n_cells_by_counts). */
  readonly cells: Uint32Array;
  readonly total: Float64Array;
  readonly mean: Float64Array;
  /** 100 * (1 - cells / n). */
  readonly dropoutPercent: Float64Array;
}

/** Which genes are mitochondrial by name: MT-, mt- or Mt-. */
export function mitochondrial(names: readonly string[]): Uint8Array {
  return Uint8Array.from(names, (n) => (/^mt-/i.test(n) ? 1 : 0));
}

/** Quality numbers of every cell, in one walk; `marked` has 1 for genes to sum apart. */
export function cellMetrics(matrix: Matrix, marked?: Uint8Array): CellMetrics {
  const n = matrix.rows;
  const genes = new Uint32Array(n);
  const total = new Float64Array(n);
  const sums = new Float64Array(n);
  const { data } = matrix;
  for (let i = 0; i < n; i++) {
    const [a, b] = rowSpan(matrix, i);
    let [k, s, m] = [0, 0, 0];
    for (let p = a; p < b; p++) {
      const x = data[p];
      if (x > 0) k++;
      s += x;
      if (marked && marked[matrix.kind === 'csr' ? matrix.indices[p] : p - a]) m += x;
    }
    genes[i] = k;
    total[i] = s;
    sums[i] = m;
  }
  return { genes, total, marked: sums, markedPercent: total.map((t, i) => (100 * sums[i]) / t) };
}

/** Quality numbers of every gene, in one walk over some cells (default all). */
export function geneMetrics(matrix: Matrix, rows?: ArrayLike<number>): GeneQuality {
  const d = matrix.cols;
  const n = rows?.length ?? matrix.rows;
  const cells = new Uint32Array(d);
  const total = new Float64Array(d);
  for (let r = 0; r < n; r++) {
    const [a, b] = rowSpan(matrix, rows ? rows[r] : r);
    for (let p = a; p < b; p++) {
      const j = matrix.kind === 'csr' ? matrix.indices[p] : p - a;
      const x = matrix.data[p];
      if (x > 0) cells[j]++;
      total[j] += x;
    }
  }
  return { cells, total, mean: total.map((t) => t / n), dropoutPercent: Float64Array.from(cells, (c) => 100 * (1 - c / n)) };
}

/** Share (in percent) of each cell's counts that its N highest genes hold, for each N: cells x tops, row-major; N must not pass the number of genes. */
export function topShares(matrix: Matrix, tops: readonly number[]): Float64Array {
  const n = matrix.rows;
  const out = new Float64Array(n * tops.length);
  const tally = new Uint32Array(TALLY);
  for (let i = 0; i < n; i++) {
    const [a, b] = rowSpan(matrix, i);
    topSums(matrix.data.subarray(a, b), tops, tally, out.subarray(i * tops.length, (i + 1) * tops.length));
  }
  return out;
}

/** Whole numbers below this are counted instead of sorted. */
const TALLY = 1024;

function topSums(values: Float32Array, tops: readonly number[], tally: Uint32Array, out: Float64Array): void {
  const large: number[] = [];
  let total = 0;
  for (let p = 0; p < values.length; p++) {
    const x = values[p];
    total += x;
    if (x >= 0 && x < TALLY && Math.floor(x) === x) tally[x]++;
    else large.push(x);
  }
  const sorted = Float64Array.from(large).sort();
  let value = TALLY - 1;
  let [taken, sum, next] = [0, 0, sorted.length - 1];
  for (let t = 0; t < tops.length; t++) {
    const want = tops[t];
    for (; taken < want && next >= 0; taken++) sum += sorted[next--];
    while (taken < want && value > 0) {
      const use = Math.min(tally[value], want - taken);
      sum += use * value;
      taken += use;
      tally[value] -= use;
      if (tally[value] === 0) value--;
    }
    out[t] = (100 * sum) / total;
  }
  tally.fill(0);
}

function rowSpan(matrix: Matrix, row: number): [number, number] {
  return matrix.kind === 'csr' ? [matrix.indptr[row], matrix.indptr[row + 1]] : [row * matrix.cols, (row + 1) * matrix.cols];
}

/** Which genes are above zero in enough cells of at least one class (MarkerMap's remove_features_pct) and not in many cells of many classes (remove_features_pct_2groups). */
export interface ClassFilter {
  /** Class of each row, -1 = none. */
  readonly codes: Int32Array;
  readonly classes: number;
  /** Keep a gene that is above zero in at least this share of one class; 0 keeps all. */
  readonly minFraction?: number;
  /** Drop a gene that is above zero in at least `fraction` of the cells in at least `ofClasses` of the classes. */
  readonly maxFraction?: { readonly fraction: number; readonly ofClasses: number };
}

/** 1 for each gene that passes the class filters; methods.md section 1 c and d. */
export function passesClasses(matrix: Matrix, filter: ClassFilter): { readonly min: Uint8Array; readonly max: Uint8Array } {
  const { codes, classes, minFraction = 0, maxFraction } = filter;
  const d = matrix.cols;
  const above = new Uint32Array(classes * d);
  const sizes = new Uint32Array(classes);
  for (let i = 0; i < matrix.rows; i++) {
    if (codes[i] < 0) continue;
    sizes[codes[i]]++;
    const [a, b] = rowSpan(matrix, i);
    const base = codes[i] * d;
    for (let p = a; p < b; p++) if (matrix.data[p] > 0) above[base + (matrix.kind === 'csr' ? matrix.indices[p] : p - a)]++;
  }
  const min = new Uint8Array(d).fill(minFraction > 0 ? 0 : 1);
  const many = new Uint32Array(d);
  for (let c = 0; c < classes; c++) {
    for (let j = 0; j < d; j++) {
      const share = above[c * d + j] / sizes[c];
      if (share >= minFraction) min[j] = 1;
      if (maxFraction && share >= maxFraction.fraction) many[j]++;
    }
  }
  const max = Uint8Array.from(many, (m) => (maxFraction && m >= maxFraction.ofClasses * classes ? 0 : 1));
  return { min, max };
}
