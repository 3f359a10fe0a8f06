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
 * Centred kernels of all genes over all blocks, each block of length 1. A centred kernel of B cells has rows that sum to zero, so it is
 * kept in Helmert's basis of those: (B-1) x (B-1), symmetric, of which the lower half is stored with sqrt(2) off the diagonal. That is
 * B(B-1)/2 numbers with the same inner products. Blocks in which a gene is constant have a kernel of zeros and are not stored.
 */
export interface BlockKernels {
  readonly blocks: Blocks;
  /** Numbers a block: B(B-1)/2. */
  readonly width: number;
  /** Per gene: the blocks stored, rising. */
  readonly at: readonly Uint32Array[];
  /** Per gene: those blocks' kernels, one after the other. */
  readonly values: readonly Float32Array[];
}

/** Numbers that a block's kernel takes. */
const kernelWidth = (size: number): number => (size * (size - 1)) / 2;

/** Gaussian kernels (of width 1, on values divided by their standard deviation) of all genes; `onGene` is awaited after each gene. */
export async function geneKernels(
  matrix: CscMatrix,
  blocks: Blocks,
  onGene: (done: number) => void | Promise<void> = () => {},
): Promise<BlockKernels> {
  const width = kernelWidth(blocks.size);
  const at: Uint32Array[] = [];
  const values: Float32Array[] = [];
  const column = new Float64Array(matrix.rows);
  const found = new Uint32Array(blocks.count);
  const kernels = new Float32Array(blocks.count * width);
  const centre = centring(blocks.size);
  for (let j = 0; j < matrix.cols; j++) {
    column.fill(0);
    for (let p = matrix.indptr[j]; p < matrix.indptr[j + 1]; p++) column[matrix.indices[p]] = matrix.data[p];
    toUnitDeviation(column);
    let n = 0;
    for (let b = 0; b < blocks.count; b++) if (centre.gaussian(column, blocks.cells, b, kernels, n * width)) found[n++] = b;
    at.push(found.slice(0, n));
    values.push(kernels.slice(0, n * width));
    await onGene(j + 1);
  }
  return { blocks, width, at, values };
}

/** What genes are compared with: classes (codes from 0), or numbers. */
export type Target =
  | { readonly kind: 'classes'; readonly codes: ArrayLike<number>; readonly classCount: number }
  | { readonly kind: 'values'; readonly values: Float64Array };

/**
 * The target's centred kernels over all blocks, zeros included: count x width. Classes: 1 / (cells of that class in the block) for two
 * cells of one class, else 0. Numbers: as genes.
 */
export function targetKernel(blocks: Blocks, target: Target): Float64Array {
  const { size, count, cells } = blocks;
  const width = kernelWidth(size);
  const out = new Float64Array(count * width);
  const centre = centring(size);
  if (target.kind === 'values') {
    const values = target.values.slice();
    toUnitDeviation(values);
    for (let b = 0; b < count; b++) centre.gaussian(values, cells, b, out, b * width);
    return out;
  }
  const { codes, classCount } = target;
  const shares = new Float64Array(classCount);
  for (let b = 0; b < count; b++) {
    shares.fill(0);
    for (let s = 0; s < size; s++) shares[codes[cells[b * size + s]]]++;
    for (let r = 0; r < size; r++) {
      for (let s = 0; s <= r; s++) {
        const c = codes[cells[b * size + r]];
        centre.set(r, s, c === codes[cells[b * size + s]] ? 1 / shares[c] : 0);
      }
    }
    centre.write(out, b * width);
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

/** A workspace of one block's kernel. */
function centring(size: number) {
  const kernel = new Float64Array(size * size);
  const half = new Float64Array(size * (size - 1));
  const block = new Float64Array(size);
  const norms = Float64Array.from({ length: size }, (_, i) => 1 / Math.sqrt(i * (i + 1)));
  const set = (r: number, s: number, value: number): void => {
    kernel[r * size + s] = value;
    kernel[s * size + r] = value;
  };

  /** Helmert's vector i (1 .. B-1) is (1 i times, -i, 0, ...) / sqrt(i(i+1)), so that running sums apply it to rows and to columns. */
  const write = (out: Float32Array | Float64Array, offset: number): void => {
    for (let r = 0; r < size; r++) {
      let sum = kernel[r * size];
      for (let i = 1; i < size; i++) {
        const x = kernel[r * size + i];
        half[r * (size - 1) + i - 1] = (sum - i * x) * norms[i];
        sum += x;
      }
    }
    let square = 0;
    for (let c = 0; c < size - 1; c++) {
      let sum = half[c];
      for (let i = 1; i < size; i++) {
        const x = half[i * (size - 1) + c];
        if (i > c) {
          const value = (sum - i * x) * norms[i] * (i === c + 1 ? 1 : Math.SQRT2);
          out[offset + (i * (i - 1)) / 2 + c] = value;
          square += value * value;
        }
        sum += x;
      }
    }
    const factor = 1 / (Math.sqrt(square) + 1e-9);
    const width = (size * (size - 1)) / 2;
    for (let q = offset; q < offset + width; q++) out[q] *= factor;
  };

  /** Writes the Gaussian kernel of block b, unless the values are all equal there. */
  const gaussian = (values: Float64Array, cells: Uint32Array, b: number, out: Float32Array | Float64Array, offset: number): boolean => {
    let isConstant = true;
    for (let s = 0, p = b * size; s < size; s++, p++) {
      block[s] = values[cells[p]];
      if (block[s] !== block[0]) isConstant = false;
    }
    if (isConstant) return false;
    for (let r = 0; r < size; r++) {
      kernel[r * size + r] = 1;
      for (let s = 0; s < r; s++) {
        const d = block[r] - block[s];
        set(r, s, d === 0 ? 1 : Math.exp((-d * d) / 2));
      }
    }
    write(out, offset);
    return true;
  };
  return { set, write, gaussian };
}

/** One gene's kernels over all blocks, zeros included: count x width. */
export function wholeKernel({ blocks, width, at, values }: BlockKernels, gene: number): Float64Array {
  const out = new Float64Array(blocks.count * width);
  const own = values[gene];
  at[gene].forEach((b, t) => out.set(own.subarray(t * width, (t + 1) * width), b * width));
  return out;
}

/** Inner products of all genes' kernels with one over all blocks, divided by the number of blocks; `onGene` is awaited after each gene. */
export async function kernelProducts(
  { blocks, width, at, values }: BlockKernels,
  whole: Float64Array,
  onGene: () => void | Promise<void> = () => {},
): Promise<Float64Array> {
  const out = new Float64Array(at.length);
  for (let j = 0; j < at.length; j++) {
    out[j] = product(at[j], values[j], whole, width) / blocks.count;
    if (j % 64 === 63) await onGene();
  }
  return out;
}

function product(at: Uint32Array, values: Float32Array, whole: Float64Array, width: number): number {
  let [even, odd] = [0, 0];
  for (let t = 0, p = 0; t < at.length; t++) {
    let o = at[t] * width;
    const end = p + width - 1;
    for (; p < end; p += 2, o += 2) {
      even += values[p] * whole[o];
      odd += values[p + 1] * whole[o + 1];
    }
    if (p === end) even += values[p++] * whole[o];
  }
  return even + odd;
}
