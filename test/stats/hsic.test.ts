import { describe, expect, it } from 'vitest';
import { type DenseMatrix, toCsc } from '../../data/matrix.ts';
import { nonNegativeLars } from '../../stats/hsic-lars.ts';
import { type BlockKernels, cutBlocks, geneKernels, kernelProducts, targetKernel, wholeKernel } from '../../stats/hsic.ts';
import { Random } from '../../stats/random.ts';
import { farthest } from '../kit/near.ts';
import { golden, hasShared } from '../kit/shared-data.ts';

const table = (X: readonly (readonly number[])[]): DenseMatrix => ({
  kind: 'dense',
  rows: X.length,
  cols: X[0].length,
  data: Float32Array.from(X.flat()),
});

/** Lower halves of blocks as whole blocks: blocks x B x B. */
function unfolded(halves: Float64Array, size: number): number[] {
  return Array.from({ length: (halves.length * 2 * size) / (size + 1) }, (_, at) => {
    const [b, r, s] = [Math.floor(at / (size * size)), Math.floor(at / size) % size, at % size];
    const high = Math.max(r, s);
    return halves[(b * size * (size + 1)) / 2 + (high * (high + 1)) / 2 + Math.min(r, s)];
  });
}

async function learn(kernels: BlockKernels, target: Float64Array, limit: number) {
  const columnOf = (j: number): Promise<Float64Array> => kernelProducts(kernels, wholeKernel(kernels, j));
  const relevance = await kernelProducts(kernels, target);
  return { relevance, columnOf, path: await nonNegativeLars(relevance, { limit, columnOf }) };
}

describe('Block HSIC Lasso', () => {
  describe.skipIf(!hasShared)('gives what the reference gives on a small table', () => {
    const units = hasShared ? golden('unit/hsic_units.json') : {};
    const matrix = hasShared ? toCsc(table(units['X(n x d)'])) : undefined!;
    const classes = { kind: 'classes', codes: units.y, classCount: 3 } as const;

    it('kernels', async () => {
      const blocks = cutBlocks(20, 5, 2);
      const kernels = await geneKernels(matrix, blocks);
      expect(farthest(unfolded(wholeKernel(kernels, 0), 5), units.gauss_kernel_gene0_B5_M2)).toBeLessThan(1e-5);
      expect(farthest(unfolded(targetKernel(blocks, classes), 5), units.delta_kernel_y_B5_M2)).toBeLessThan(1e-5);
    });

    it.each([
      [5, 1],
      [5, 2],
      [20, 1],
    ])('products and path, B = %i, M = %i', async (size, permutations) => {
      const reference = units[`B=${size},M=${permutations}`];
      const blocks = cutBlocks(20, size, permutations);
      const kernels = await geneKernels(matrix, blocks);
      const { relevance, columnOf, path } = await learn(kernels, targetKernel(blocks, classes), 4);
      expect(farthest(relevance, reference.Xty.flat())).toBeLessThan(1e-5);
      for (let j = 0; j < 8; j++) expect(farthest(await columnOf(j), reference.XtX[j])).toBeLessThan(1e-5);
      expect(farthest(path.beta, reference.beta.flat(), 1e-2)).toBeLessThan(1e-5);
      expect(farthest(path.lambda, reference.lam.slice(0, path.lambda.length), 1e-2)).toBeLessThan(1e-5);
      const weighted = reference.selected_sorted_by_beta.filter((j: number) => reference.beta[j][0] > 0);
      expect([...path.active].sort((a, b) => path.beta[b] - path.beta[a])).toEqual(weighted);
    });
  });

  /** Cells x genes: noise, then a copy of gene 0, a constant, and a gene that is zero in most cells. */
  const made = (cells: number): { X: number[][]; y: number[] } => {
    const random = new Random(3);
    const X = Array.from({ length: cells }, (_, i) => {
      const row = Array.from({ length: 6 }, (_unused, j) => random.normal() + (j < 2 && i % 2 === 0 ? 3 : 0));
      return [...row, row[0], 1, i % 9 === 0 ? 2 : 0];
    });
    return { X, y: Array.from({ length: cells }, (_, i) => i % 2) };
  };

  it('holds at the end what a lasso must: equal correlations of the weighted genes, none higher', async () => {
    const { X, y } = made(63);
    const blocks = cutBlocks(63, 5, 2);
    const kernels = await geneKernels(toCsc(table(X)), blocks);
    const { relevance, columnOf, path } = await learn(kernels, targetKernel(blocks, { kind: 'classes', codes: y, classCount: 2 }), 3);
    const left = relevance.slice();
    for (const j of path.active) (await columnOf(j)).forEach((g, i) => (left[i] -= path.beta[j] * g));
    const level = path.lambda.at(-1)!;
    for (const j of path.active) expect(left[j]).toBeCloseTo(level, 6);
    expect(Math.max(...left)).toBeLessThan(level + 1e-6);
  });

  it('sets genes aside that repeat the chosen ones', async () => {
    const gram = [
      [1, 1, 0.5, 0],
      [1, 1, 0.5, 0],
      [0.5, 0.5, 1, 0],
      [0, 0, 0, 1],
    ];
    const columnOf = async (j: number): Promise<Float64Array> => Float64Array.from(gram[j]);
    const path = await nonNegativeLars(Float64Array.of(0.75, 0.75, 0.625, 0.25), { limit: 4, columnOf });
    expect(path.active).toEqual([0, 2, 3]);
    expect(path.repeated).toBe(1);
    expect([...path.beta].map((b) => Math.round(b * 1e6) / 1e6)).toEqual([0.583333, 0, 0.333333, 0.25]);
  });

  it('gives a copy and a constant gene no weight', async () => {
    const { X, y } = made(60);
    const blocks = cutBlocks(60, 5, 1);
    const kernels = await geneKernels(toCsc(table(X)), blocks);
    expect(kernels.at[7].length).toBe(0);
    expect(kernels.at[8].length).toBeLessThan(2 * blocks.count);
    const { path } = await learn(kernels, targetKernel(blocks, { kind: 'classes', codes: y, classCount: 2 }), 9);
    expect(path.active).toContain(0);
    expect(path.active).not.toContain(6);
    expect(path.active).not.toContain(7);
  });

  it('takes one order when all cells are one block, and refuses a block larger than that', () => {
    expect(cutBlocks(7, 5, 3).count).toBe(1);
    expect(cutBlocks(11, 5, 3).count).toBe(6);
    expect(() => cutBlocks(4, 5, 3)).toThrow(/more than the 4/);
  });
});
