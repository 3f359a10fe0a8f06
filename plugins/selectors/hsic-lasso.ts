import { breather, onlyTask, panelOf, requireFinite } from '../_cells.ts';
import { defineSelector, type Memory, Task, z } from '../contract.ts';
import { learningOf } from './_mrmr.ts';

const block = z.int().min(2).default(5).describe('cells in a block (B); the last cells that fill no block stay out');
const permutations = z.int().positive().default(3).describe('how many times the cells are shuffled and cut into blocks (M)');

const memory: Memory = {
  formula:
    '4 bytes x B x M x values of the learning cells (at most cells x genes) for kernels, 8 bytes x genes x (k + 8) for their products, and 16 bytes x (values + cells x M x (B + 1))',
  bytes: ({ cells, genes, values }, { k, block: size, permutations: orders }) =>
    4 * size * orders * Math.min(genes * cells, values) + 8 * genes * (k + 8) + 16 * (values + cells * orders * (size + 1)),
  mend: 'Use fewer permutations, a smaller block, fewer genes (hvg.top) or cells (panel.balance).',
};

/** Genes by Block HSIC Lasso: what depends on the task, also non-linearly, and does not repeat each other. */
export default defineSelector({
  id: 'hsic-lasso',
  version: 1,
  summary: 'Non-negative lasso on Gaussian kernels of small blocks of cells, to the first k genes of its path (Block HSIC Lasso)',
  cites: ['10.1093/bioinformatics/btz333', '10.1162/NECO_a_00537'],
  memory,
  params: z.strictObject({ k: z.int().positive(), tasks: z.array(Task), block, permutations }),
  run: async (context, { data, split }, { k, tasks, block: size, permutations: orders }) => {
    const task = onlyTask(tasks, 'hsic-lasso');
    requireFinite(data);
    const { cutBlocks, geneKernels, kernelProducts, targetKernel, wholeKernel } = await import('../../stats/hsic.ts');
    const { nonNegativeLars } = await import('../../stats/hsic-lars.ts');
    const { orderDescending } = await import('../../stats/ranks.ts');
    const breathe = breather(context);
    const learning = learningOf(data, split, task);
    const { matrix } = learning;
    const blocks = cutBlocks(matrix.rows, size, orders);
    const kernels = await geneKernels(matrix, blocks, async (done) => {
      context.progress((0.4 * done) / matrix.cols, `kernels of gene ${done} of ${matrix.cols}`);
      await breathe();
    });
    const target = targetKernel(blocks, learning.kind === 'classes' ? { kind: 'classes', ...learning.cells } : learning);
    const relevance = await kernelProducts(kernels, target, breathe);
    const { active, beta, lambda, repeated } = await nonNegativeLars(relevance, {
      limit: k,
      columnOf: (gene) => kernelProducts(kernels, wholeKernel(kernels, gene), breathe),
      onStep: async (chosen) => {
        context.progress(0.4 + (0.6 * chosen) / k, `gene ${chosen} of ${k}`);
        await breathe();
      },
    });
    const chosen = new Set(active);
    const rest = orderDescending(relevance).filter((j) => !chosen.has(j));
    const genes = Uint32Array.from([...orderDescending(beta).filter((j) => chosen.has(j)), ...rest].slice(0, k));
    return {
      panel: panelOf(
        data,
        genes,
        Float64Array.from(genes, (j) => beta[j]),
        task.column,
      ),
      facts: {
        with_weight: active.length,
        filled_by_relevance: k - active.length,
        repeated_genes: repeated,
        steps: lambda.length - 1,
        blocks: blocks.count,
        cells_left_out: matrix.rows % size,
      },
    };
  },
});
