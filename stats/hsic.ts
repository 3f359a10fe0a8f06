import { DataError } from '../core/errors.ts';
import type { CscMatrix } from '../data/matrix.ts';
import { Mt19937 } from './mt19937.ts';

/**
 * Blocks of cells of Block HSIC Lasso (Climente-Gonzalez et al. 2019, doi:10.1093/bioinformatics/btz333): each order of the cells is cut
 * into consecutive blocks; what is left over at its end stays out.
 */
export interface Blocks {
  /** Cells in a block. */
  readonly size: number;
  /** Blocks of all orders together. */
  readonly count: number;
  /** Cell numbers, block after block: count x size. */
  readonly cells: Uint32Array;
}

/** Shuffles the cells `permutations` times, each time the order of before by a fresh stream of seed 0, 1, ..., and cuts them into blocks. */
export function cutBlocks(cells: number, size: number, permutations: number): Blocks {
  if (cells < size) {
    throw new DataError(`A block of ${size} cells is more than the ${cells} train and validation cells`, {
      context: { block: size, cells },
      mend: 'Take a smaller block.',
    });
  }
  const perOrder = Math.floor(cells / size);
  // With one block, another order changes nothing.
  const orders = perOrder === 1 ? 1 : permutations;
  const out = new Uint32Array(orders * perOrder * size);
  let order = Uint32Array.from({ length: cells }, (_, i) => i);
  for (let m = 0; m < orders; m++) {
    order = new Mt19937(m).permutation(order) as Uint32Array<ArrayBuffer>;
    out.set(order.subarray(0, perOrder * size), m * perOrder * size);
  }
  return { size, count: orders * perOrder, cells: out };
}

/**
 * Kernels of all genes over all blocks, each centred and of length 1. What is multiplied with a centred kernel need not be centred itself,
 * and only counts up to terms that are constant along rows or columns; so a gene's kernel K is kept relative to one cell r of the block,
 * D(p,q) = K(p,q) - K(p,r) - K(q,r) + 1, which is zero wherever p or q has the value of r. With r a cell without expression, m expressing
 * cells take m(m+1)/2 numbers. A gene is thus a sparse vector over the lower halves (diagonals included) of all blocks, with twice D off
 * the diagonal.
 */
export interface BlockKernels {
  readonly blocks: Blocks;
  /** Per gene: positions in the lower halves, block by block, rising within a block. */
  readonly at: readonly Uint32Array[];
  /** Per gene: the numbers there. */
  readonly values: readonly Float32Array[];
}

/** Numbers in the lower half of a block. */
const halfOf = (size: number): number => (size * (size + 1)) / 2;

/**
 * Gaussian kernels (of width 1, on values divided by their standard deviation) of all genes; `onGene` is awaited after each gene. At most
 * B/2 numbers for each non-zero value and order of the cells.
 */
export async function geneKernels(
  matrix: CscMatrix,
  blocks: Blocks,
  onGene: (done: number) => void | Promise<void> = () => {},
): Promise<BlockKernels> {
  const { size, count, cells } = blocks;
  const at: Uint32Array[] = [];
  const values: Float32Array[] = [];
  const column = new Float64Array(matrix.rows);
  const most = count * ((size * (size - 1)) / 2);
  const places = new Uint32Array(most);
  const numbers = new Float32Array(most);
  const write = relativeKernel(size);
  for (let j = 0; j < matrix.cols; j++) {
    column.fill(0);
    for (let p = matrix.indptr[j]; p < matrix.indptr[j + 1]; p++) column[matrix.indices[p]] = matrix.data[p];
    toUnitDeviation(column);
    const isSparse = matrix.indptr[j + 1] - matrix.indptr[j] < matrix.rows;
    const background = isSparse ? 0 : column.reduce((a, b) => Math.min(a, b));
    let used = 0;
    for (let b = 0; b < count; b++) used = write({ values: column, cells, block: b, background, places, numbers, used });
    at.push(places.slice(0, used));
    values.push(numbers.slice(0, used));
    await onGene(j + 1);
  }
  return { blocks, at, values };
}

/** What genes are compared with: classes (codes from 0), or numbers. */
export type Target =
  | { readonly kind: 'classes'; readonly codes: ArrayLike<number>; readonly classCount: number }
  | { readonly kind: 'values'; readonly values: Float64Array };

/**
 * The target's kernels over all blocks, centred and of length 1: the lower halves, block after block. Classes: 1 / (cells of that class in
 * the block) for two cells of one class, else 0. Numbers: as genes.
 */
export function targetKernel({ size, count, cells }: Blocks, target: Target): Float64Array {
  const half = halfOf(size);
  const out = new Float64Array(count * half);
  const shares = new Float64Array(target.kind === 'classes' ? target.classCount : 0);
  const numbers = target.kind === 'values' ? target.values.slice() : undefined;
  if (numbers) toUnitDeviation(numbers);
  for (let b = 0; b < count; b++) {
    const own = cells.subarray(b * size, (b + 1) * size);
    shares.fill(0);
    if (target.kind === 'classes') for (const i of own) shares[target.codes[i]]++;
    for (let r = 0, o = b * half; r < size; r++) {
      for (let s = 0; s <= r; s++, o++) {
        if (numbers) out[o] = Math.exp(-((numbers[own[r]] - numbers[own[s]]) ** 2) / 2);
        else if (target.kind === 'classes' && target.codes[own[r]] === target.codes[own[s]]) out[o] = 1 / shares[target.codes[own[r]]];
      }
    }
    const kernel = out.subarray(b * half, (b + 1) * half);
    const factor = 1 / (centre(kernel, size) + TINY);
    for (let o = 0; o < half; o++) kernel[o] *= factor;
  }
  return out;
}

/** Divides by the standard deviation (of the population); a constant column stays constant. */
function toUnitDeviation(values: Float64Array): void {
  const n = values.length;
  let mean = 0;
  for (let i = 0; i < n; i++) mean += values[i];
  mean /= n;
  let square = 0;
  for (let i = 0; i < n; i++) square += (values[i] - mean) ** 2;
  const factor = 1 / (Math.sqrt(square / n) + 1e-19);
  for (let i = 0; i < n; i++) values[i] *= factor;
}

/** Centres the lower half of a symmetric block by rows and columns, and gives its length. */
function centre(half: Float64Array, size: number): number {
  const means = new Float64Array(size);
  for (let r = 0, o = 0; r < size; r++) {
    for (let s = 0; s <= r; s++, o++) {
      means[r] += half[o] / size;
      if (s < r) means[s] += half[o] / size;
    }
  }
  const all = means.reduce((a, b) => a + b, 0) / size;
  let square = 0;
  for (let r = 0, o = 0; r < size; r++) {
    for (let s = 0; s <= r; s++, o++) {
      half[o] += all - means[r] - means[s];
      square += half[o] * half[o] * (s < r ? 2 : 1);
    }
  }
  return Math.sqrt(square);
}

/** Added to lengths, so that a block of zeros stays one. */
const TINY = 1e-9;

/** One block of one gene, and where its numbers go. */
interface BlockOfGene {
  readonly values: Float64Array;
  readonly cells: Uint32Array;
  readonly block: number;
  /** The value that most cells have. */
  readonly background: number;
  readonly places: Uint32Array;
  readonly numbers: Float32Array;
  /** How many numbers are there already. */
  readonly used: number;
}

/** Writes the numbers of one block, of length 1 after centring, and gives how many there are now. */
function relativeKernel(size: number): (given: BlockOfGene) => number {
  const half = halfOf(size);
  const block = new Float64Array(size);
  const odd = new Uint32Array(size);
  const sums = new Float64Array(size);
  const fall = new Float64Array(size);
  return ({ values, cells, block: b, background, places, numbers, used }) => {
    let reference = values[cells[b * size]];
    for (let s = 0; s < size; s++) {
      block[s] = values[cells[b * size + s]];
      if (block[s] === background) reference = background;
    }
    let m = 0;
    for (let s = 0; s < size; s++) {
      if (block[s] === reference) continue;
      odd[m] = s;
      sums[m] = 0;
      fall[m++] = Math.expm1(-((block[s] - reference) ** 2) / 2);
    }
    if (m === 0) return used;
    let end = used;
    let [all, square] = [0, 0];
    for (let t = 0; t < m; t++) {
      const row = b * half + (odd[t] * (odd[t] + 1)) / 2;
      for (let u = 0; u < t; u++) {
        const d = Math.expm1(-((block[odd[t]] - block[odd[u]]) ** 2) / 2) - fall[t] - fall[u];
        sums[t] += d;
        sums[u] += d;
        square += 2 * d * d;
        places[end] = row + odd[u];
        numbers[end++] = 2 * d;
      }
      const own = -2 * fall[t];
      sums[t] += own;
      square += own * own;
      places[end] = row + odd[t];
      numbers[end++] = own;
    }
    for (let t = 0; t < m; t++) {
      all += sums[t];
      square -= (2 * sums[t] * sums[t]) / size;
    }
    square += (all / size) ** 2;
    const factor = 1 / (Math.sqrt(Math.max(0, square)) + TINY);
    for (let o = used; o < end; o++) numbers[o] *= factor;
    return end;
  };
}

/**
 * One gene's kernels over all blocks, centred: the lower halves, block after block. Not brought to length 1 once more, so that the products
 * of two genes are the same both ways.
 */
export function wholeKernel({ blocks: { size, count }, at, values }: BlockKernels, gene: number): Float64Array {
  const half = halfOf(size);
  const out = new Float64Array(count * half);
  at[gene].forEach((o, t) => (out[o] = values[gene][t] / 2));
  for (let b = 0; b < count; b++) {
    const own = out.subarray(b * half, (b + 1) * half);
    for (let r = 0; r < size; r++) own[halfOf(r + 1) - 1] *= 2;
    centre(own, size);
  }
  return out;
}

/**
 * Inner products of all genes' kernels with one of `wholeKernel` or `targetKernel`, divided by the number of blocks; `onGene` is awaited
 * after every 64 genes.
 */
export async function kernelProducts(
  { blocks, at, values }: BlockKernels,
  whole: Float64Array,
  onGene: () => void | Promise<void> = () => {},
): Promise<Float64Array> {
  const out = new Float64Array(at.length);
  for (let j = 0; j < at.length; j++) {
    out[j] = sparseDot(at[j], values[j], whole) / blocks.count;
    if (j % 64 === 63) await onGene();
  }
  return out;
}

function sparseDot(at: Uint32Array, values: Float32Array, whole: Float64Array): number {
  const n = at.length;
  let [even, odd] = [0, 0];
  let t = 0;
  for (; t + 1 < n; t += 2) {
    even += values[t] * whole[at[t]];
    odd += values[t + 1] * whole[at[t + 1]];
  }
  return t < n ? even + values[t] * whole[at[t]] + odd : even + odd;
}
