import type { CscMatrix } from '../data/matrix.ts';
import { ColumnSorter } from './column-sorter.ts';

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
