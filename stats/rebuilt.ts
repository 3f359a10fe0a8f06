import { orderDescending, spearman } from './ranks.ts';
import type { Rebuilt } from './reconstruction.ts';

/** How z-scores are made of X, gene by gene; they are clipped at +-clip. */
export interface RebuiltScale {
  readonly mean: Float64Array;
  readonly sd: Float64Array;
  readonly clip: number;
}

export interface RebuiltOptions {
  readonly genes: number;
  readonly scale: RebuiltScale;
  /** Class of each cell (-1: none), in the order in which the cells come. */
  readonly groups?: { readonly codes: Int32Array; readonly count: number };
}

/** Count, sums and sums of squares of each gene, of the truth and of what was rebuilt. */
class Moments {
  cells = 0;
  readonly #genes: number;
  readonly #sums: readonly [Float64Array, Float64Array];
  readonly #squares: readonly [Float64Array, Float64Array];
  readonly #products: Float64Array;

  constructor(genes: number) {
    const zeros = (): [Float64Array, Float64Array] => [new Float64Array(genes), new Float64Array(genes)];
    this.#genes = genes;
    this.#sums = zeros();
    this.#squares = zeros();
    this.#products = new Float64Array(genes);
  }

  /** The next cell: its genes from there on. */
  add(truth: ArrayLike<number>, rebuilt: ArrayLike<number>, from: number): void {
    const [[sumX, sumY], [squareX, squareY], products] = [this.#sums, this.#squares, this.#products];
    for (let j = 0; j < this.#genes; j++) {
      const [x, y] = [truth[from + j], rebuilt[from + j]];
      sumX[j] += x;
      sumY[j] += y;
      squareX[j] += x * x;
      squareY[j] += y * y;
      products[j] += x * y;
    }
    this.cells++;
  }

  /** Pearson's correlation of each gene; NaN where a side is constant. */
  correlation(): Float32Array {
    const [vx, vy] = [this.variance(0), this.variance(1)];
    const [sx, sy] = this.#sums;
    return Float32Array.from(this.#products, (p, j) => {
      const covariance = p / this.cells - (sx[j] / this.cells) * (sy[j] / this.cells);
      return vx[j] > 0 && vy[j] > 1e-20 ? covariance / Math.sqrt(vx[j] * vy[j]) : Number.NaN;
    });
  }

  variance(side: 0 | 1): Float64Array {
    return this.#squares[side].map((s, j) => Math.max(0, s / this.cells - (this.#sums[side][j] / this.cells) ** 2));
  }

  agreement(): { readonly jaccard: number; readonly spearman: number } {
    const [truth, rebuilt] = [this.variance(0), this.variance(1)];
    const count = Math.max(1, Math.floor(0.2 * truth.length));
    const top = new Set(orderDescending(truth).subarray(0, count));
    const common = orderDescending(rebuilt)
      .subarray(0, count)
      .filter((j) => top.has(j)).length;
    return { jaccard: common / (2 * count - common), spearman: spearman(truth, rebuilt) };
  }
}

/**
 * Judges rebuilt expression (MarkerMap, arXiv:2207.14106 eq. 10-11 and table 4); blocks are cells x genes on the scale of X. On z-scores:
 * l2 = mean squared and l1 = mean absolute error over all entries, l2_norm = mean over the cells of the length of the error. On the scale
 * of X: agreement of the genes' variances (Jaccard of the top fifths, Spearman), over all cells and as means over classes of 2 cells or more,
 * and the correlation of each gene.
 */
export async function rebuild(
  blocks: AsyncIterable<{ readonly truth: Float32Array; readonly rebuilt: Float32Array }>,
  { genes, scale: { mean, sd, clip }, groups }: RebuiltOptions,
): Promise<Rebuilt> {
  const all = new Moments(genes);
  const own = Array.from({ length: groups?.count ?? 0 }, () => new Moments(genes));
  let [l1, l2, norm] = [0, 0, 0];
  for await (const { truth, rebuilt } of blocks) {
    for (let from = 0; from < truth.length; from += genes) {
      let square = 0;
      for (let j = 0; j < genes; j++) {
        const wanted = Math.max(-clip, Math.min(clip, (truth[from + j] - mean[j]) / sd[j]));
        const off = (rebuilt[from + j] - mean[j]) / sd[j] - wanted;
        l1 += Math.abs(off);
        square += off * off;
      }
      l2 += square;
      norm += Math.sqrt(square);
      const code = groups?.codes[all.cells] ?? -1;
      all.add(truth, rebuilt, from);
      if (code >= 0) own[code].add(truth, rebuilt, from);
    }
  }
  const entries = all.cells * genes;
  const { jaccard, spearman: rank } = all.agreement();
  const values = {
    l2: l2 / entries,
    l1: l1 / entries,
    l2_norm: norm / all.cells,
    jaccard_top20_variance: jaccard,
    spearman_variance: rank,
  };
  const pcc = all.correlation();
  if (!groups) return { values, pcc };
  const classes = own.filter(({ cells }) => cells >= 2).map((moments) => moments.agreement());
  const average = (key: 'jaccard' | 'spearman'): number => classes.reduce((sum, c) => sum + c[key], 0) / classes.length;
  return {
    values: { ...values, jaccard_top20_variance_class_mean: average('jaccard'), spearman_variance_class_mean: average('spearman') },
    pcc,
  };
}
