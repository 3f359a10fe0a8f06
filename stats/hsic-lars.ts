/** How far a path goes. */
export interface LarsOptions {
  /** Most genes with a weight. */
  readonly limit: number;
  /** Gram column of a gene: its product with every gene. Asked once each time a gene enters. */
  readonly columnOf: (gene: number) => Promise<Float64Array>;
  /** Awaited after each step. */
  readonly onStep?: (chosen: number) => void | Promise<void>;
}

/** Where a path ended. */
export interface LarsPath {
  /** Genes with a weight, by the order in which they came in. */
  readonly active: readonly number[];
  /** A weight for each gene. */
  readonly beta: Float64Array;
  /** Highest correlation that a gene without weight has with what is left: at the start, then after each step. */
  readonly lambda: readonly number[];
  /** Genes that came up and were set aside, as their column repeats those of the active ones. */
  readonly repeated: number;
}

const SMALLEST = 1e-9;

/**
 * Least-angle regression with non-negative weights (Efron et al. 2004, doi:10.1214/009053604000000067; with lasso's drops, as HSIC Lasso
 * uses it): from the products of each gene with the target, `relevance`, genes come in one by one until `limit` of them have a weight, or
 * nothing is left to explain. Ties go to the lower index.
 */
export async function nonNegativeLars(relevance: Float64Array, { limit, columnOf, onStep = () => {} }: LarsOptions): Promise<LarsPath> {
  const genes = relevance.length;
  const beta = new Float64Array(genes);
  const left = relevance.slice();
  const isOut = new Uint8Array(genes);
  const set = new ActiveSet();
  const lambda: number[] = [];
  let repeated = 0;

  const highest = (): number => {
    let best = -1;
    for (let j = 0; j < genes; j++) if (!isOut[j] && (best < 0 || left[j] > left[best])) best = j;
    return best;
  };
  const enter = async (): Promise<void> => {
    for (let j = highest(); j >= 0; j = highest()) {
      isOut[j] = 1;
      if (!(left[j] > SMALLEST) || set.add(j, await columnOf(j))) return;
      repeated++;
    }
  };

  lambda.push(left[highest()]);
  await enter();
  const most = 10 * Math.min(limit, genes) + 100;
  for (let step = 0; step < most && set.genes.length > 0; step++) {
    const { genes: active, columns } = set;
    if (active.reduce((sum, j) => sum + left[j], 0) / active.length < SMALLEST) break;
    const w = set.equalAngles();
    const a = new Float64Array(genes);
    columns.forEach((column, i) => {
      for (let j = 0; j < genes; j++) a[j] += w[i] * column[j];
    });
    const [first] = active;
    let [length, dropped] = [left[first] / a[first], -1];
    for (let j = 0; j < genes; j++) {
      if (isOut[j]) continue;
      const gamma = (left[first] - left[j]) / (a[first] - a[j]);
      if (gamma > SMALLEST && gamma < length) length = gamma;
    }
    for (let i = 0; i < active.length; i++) {
      const gamma = -beta[active[i]] / w[i];
      if (gamma > SMALLEST && gamma < length) [length, dropped] = [gamma, i];
    }
    if (!(length > SMALLEST) || !Number.isFinite(length)) break;
    active.forEach((j, i) => (beta[j] += length * w[i]));
    for (let j = 0; j < genes; j++) left[j] -= length * a[j];
    if (dropped >= 0) {
      lambda.push(left[first]);
      const gone = active[dropped];
      [beta[gone], isOut[gone]] = [0, 0];
      set.drop(dropped);
    } else {
      const next = highest();
      const before = active.length;
      if (next >= 0) lambda.push(left[next]);
      if (before >= limit) break;
      await enter();
      if (set.genes.length === before) break;
    }
    await onStep(Math.min(limit, set.genes.length));
  }
  return { active: set.genes.filter((j) => beta[j] > 0), beta, lambda, repeated };
}

/** The active genes, their Gram columns, and the Cholesky factor of the Gram matrix among them. */
class ActiveSet {
  readonly genes: number[] = [];
  readonly columns: Float64Array[] = [];
  readonly #factor: Float64Array[] = [];

  /** False, and nothing is added, when the gene's column is a combination of those that are there. */
  add(gene: number, column: Float64Array): boolean {
    const n = this.genes.length;
    const row = new Float64Array(n + 1);
    let rest = column[gene];
    for (let i = 0; i < n; i++) {
      let sum = column[this.genes[i]];
      for (let t = 0; t < i; t++) sum -= this.#factor[i][t] * row[t];
      row[i] = sum / this.#factor[i][i];
      rest -= row[i] * row[i];
    }
    // Kernels are stored in single precision: a smaller rest is rounding.
    if (!(rest > 1e-7 * column[gene])) return false;
    row[n] = Math.sqrt(rest);
    this.#factor.push(row);
    this.genes.push(gene);
    this.columns.push(column);
    return true;
  }

  drop(at: number): void {
    const genes = this.genes.splice(at);
    const columns = this.columns.splice(at);
    this.#factor.splice(at);
    for (let i = 1; i < genes.length; i++) this.add(genes[i], columns[i]);
  }

  /** Weights w with Gram x w = 1: all active genes lose correlation at the same pace. */
  equalAngles(): Float64Array {
    const n = this.genes.length;
    const w = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      let sum = 1;
      for (let t = 0; t < i; t++) sum -= this.#factor[i][t] * w[t];
      w[i] = sum / this.#factor[i][i];
    }
    for (let i = n - 1; i >= 0; i--) {
      let sum = w[i];
      for (let t = i + 1; t < n; t++) sum -= this.#factor[t][i] * w[t];
      w[i] = sum / this.#factor[i][i];
    }
    return w;
  }
}
