import type { CscMatrix } from '../data/matrix.ts';

/** Who adds up the ranks: cells by class, or one sum in which each cell has a weight. */
export type RankGroups = { readonly codes: Int32Array; readonly classCount: number } | { readonly weights: Float64Array };

/** Rank sums of every gene. */
export interface RankSums {
  /** Groups x genes, group-major: the sum of the average ranks (1 .. n) of its cells, or of weight times rank. */
  readonly sums: Float64Array;
  /** Per gene: the sum of t^3 - t over its groups of t equal values. */
  readonly ties: Float64Array;
}

/**
 * Average ranks of each gene over all cells, summed by group; the zeros of a sparse column are one block of ties and are never sorted.
 * O(non-zeros). `onGene` is awaited after each gene.
 */
export async function rankSums(
  matrix: CscMatrix,
  groups: RankGroups,
  onGene: (done: number) => void | Promise<void> = () => {},
): Promise<RankSums> {
  const { rows: n, cols } = matrix;
  const isByClass = 'codes' in groups;
  const groupOf = isByClass ? groups.codes : new Int32Array(n);
  const weightOf = isByClass ? new Float64Array(n).fill(1) : groups.weights;
  const whole = new Float64Array(isByClass ? groups.classCount : 1);
  for (let i = 0; i < n; i++) whole[groupOf[i]] += weightOf[i];
  const sums = new Float64Array(whole.length * cols);
  const ties = new Float64Array(cols);
  const zeroWeight = new Float64Array(whole.length);
  const own = new Float64Array(whole.length);
  const sorter = new ColumnSorter(n);
  for (let j = 0; j < cols; j++) {
    const m = sorter.sort(matrix, j);
    const { keys, cells, below } = sorter;
    const zeros = n - m;
    zeroWeight.set(whole);
    own.fill(0);
    let tied = zeros ** 3 - zeros;
    for (let i = 0; i < m;) {
      const start = i;
      const key = keys[start];
      let end = start + 1;
      while (end < m && keys[end] === key) end++;
      const rank = (start >= below ? zeros : 0) + (start + end + 1) / 2;
      for (; i < end; i++) {
        const g = groupOf[cells[i]];
        const w = weightOf[cells[i]];
        zeroWeight[g] -= w;
        own[g] += w * rank;
      }
      const t = end - start;
      if (t > 1) tied += t ** 3 - t;
    }
    const zeroRank = below + (zeros + 1) / 2;
    for (let g = 0; g < own.length; g++) sums[g * cols + j] = own[g] + zeroWeight[g] * zeroRank;
    ties[j] = tied;
    await onGene(j + 1);
  }
  return { sums, ties };
}

const DIGITS = 2048;

/** Sorts the non-zero values of a column, keeping the cells they belong to: radix sort on the bits of the float32. */
class ColumnSorter {
  /** Keys in the order of the values. */
  keys: Uint32Array;
  cells: Uint32Array;
  /** How many values are below zero. */
  below = 0;
  #spareKeys: Uint32Array;
  #spareCells: Uint32Array;
  readonly #starts = new Uint32Array(3 * DIGITS);
  readonly #pairs: Float64Array;

  constructor(n: number) {
    [this.keys, this.cells, this.#spareKeys, this.#spareCells] = Array.from({ length: 4 }, () => new Uint32Array(n)) as [
      Uint32Array,
      Uint32Array,
      Uint32Array,
      Uint32Array,
    ];
    this.#pairs = new Float64Array(Math.min(n, 256));
  }

  /** Fills `keys` and `cells`; gives the number of non-zero values. */
  sort({ indptr, indices, data }: CscMatrix, column: number): number {
    const { keys, cells } = this;
    const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
    let m = 0;
    this.below = 0;
    for (let p = indptr[column]; p < indptr[column + 1]; p++) {
      const x = data[p];
      if (x === 0) continue;
      if (x < 0) this.below++;
      keys[m] = x < 0 ? ~bits[p] >>> 0 : (bits[p] | 0x80000000) >>> 0;
      cells[m++] = indices[p];
    }
    if (m <= this.#pairs.length) this.#sortFew(m);
    else this.#radix(m);
    return m;
  }

  /** Few values: the key and its place, packed into one float64 that is exact. */
  #sortFew(m: number): void {
    const { keys, cells } = this;
    for (let i = 0; i < m; i++) this.#pairs[i] = keys[i] * 256 + i;
    const sorted = this.#pairs.subarray(0, m).sort();
    this.#spareCells.set(cells.subarray(0, m));
    for (let i = 0; i < m; i++) {
      keys[i] = Math.floor(sorted[i] / 256);
      cells[i] = this.#spareCells[sorted[i] - keys[i] * 256];
    }
  }

  #radix(m: number): void {
    const starts = this.#starts.fill(0);
    const { keys } = this;
    for (let i = 0; i < m; i++) {
      const key = keys[i];
      starts[key & 2047]++;
      starts[DIGITS + ((key >>> 11) & 2047)]++;
      starts[2 * DIGITS + (key >>> 22)]++;
    }
    for (let pass = 0; pass < 3; pass++) this.#pass(m, 11 * pass, starts.subarray(pass * DIGITS, (pass + 1) * DIGITS));
  }

  #pass(m: number, shift: number, starts: Uint32Array): void {
    const { keys, cells } = this;
    if (starts[(keys[0] >>> shift) & 2047] === m) return;
    for (let d = 0, sum = 0; d < DIGITS; d++) {
      const count = starts[d];
      starts[d] = sum;
      sum += count;
    }
    const [toKeys, toCells] = [this.#spareKeys, this.#spareCells];
    for (let i = 0; i < m; i++) {
      const at = starts[(keys[i] >>> shift) & 2047]++;
      toKeys[at] = keys[i];
      toCells[at] = cells[i];
    }
    [this.keys, this.#spareKeys] = [toKeys, keys];
    [this.cells, this.#spareCells] = [toCells, cells];
  }
}
