import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { StepContext } from '../../core/plugin.ts';
import type { CscMatrix } from '../../data/matrix.ts';
import type { CodedColumns } from '../../stats/forest-columns.ts';
import type { ForestTarget } from '../../stats/forest-tree.ts';
import type { ForestOptions, TreeImportances } from '../../stats/forest.ts';
import { breather, type ClassCells } from '../_cells.ts';
import type { Memory } from '../contract.ts';

/** Memory of a forest on all genes: every cell and gene as a code, twice. */
export const forestMemory: Memory = {
  formula: '4 bytes x cells x genes (8 above 65,535 cells) + 16 bytes x values of the learning cells + 200 bytes x cells',
  bytes: ({ cells, genes, values }) => (cells > 65_535 ? 8 : 4) * cells * genes + 16 * values + 200 * cells,
};

/** What a forest learns of a classification task. */
export const classTarget = ({ codes, classCount }: Pick<ClassCells, 'codes' | 'classCount'>): ForestTarget => ({
  kind: 'classes',
  codes,
  classCount,
});

/** What a thread is told: it grows the trees whose numbers it draws from `next`. */
export interface ForestJob {
  readonly columns: CodedColumns;
  readonly target: ForestTarget;
  readonly options: ForestOptions & { readonly trees: number };
  /** One number in shared memory. */
  readonly next: Int32Array;
}

/** Cells x genes x trees from which threads of their own pay. */
const MANY = 1e8;

/** Impurity importances of a random forest on all genes; the same for any number of threads. */
export async function importancesOf(
  context: StepContext,
  matrix: CscMatrix,
  target: ForestTarget,
  { trees = 100, ...options }: Omit<ForestOptions, 'seed'>,
): Promise<Float64Array> {
  const [{ codeSparseColumns }, { meanImportances }] = await Promise.all([
    import('../../stats/forest-columns.ts'),
    import('../../stats/forest.ts'),
  ]);
  await context.breathe();
  const columns = codeSparseColumns(matrix);
  await context.breathe();
  const job: ForestJob = {
    columns,
    target,
    options: { ...options, trees, seed: context.seed },
    next: new Int32Array(new SharedArrayBuffer(4)),
  };
  const isMuch = matrix.rows * matrix.cols * trees > MANY;
  const perTree = await (isMuch && context.threads > 1 ? inThreads(context, job) : here(context, job));
  return meanImportances(perTree, columns.features);
}

async function here(context: StepContext, { columns, target, options }: ForestJob): Promise<TreeImportances[]> {
  const { importances, treeGrower } = await import('../../stats/forest.ts');
  const grow = treeGrower(columns, target, options);
  const breathe = breather(context);
  const found: TreeImportances[] = [];
  for (let t = 0; t < options.trees; t++) {
    found.push(importances(grow(t)));
    context.progress((t + 1) / options.trees, `tree ${t + 1} of ${options.trees}`);
    await breathe();
  }
  return found;
}

/** Trees grown in threads, which end at once when the step is cancelled. */
async function inThreads(context: StepContext, job: ForestJob): Promise<TreeImportances[]> {
  const { trees } = job.options;
  const path = new URL(`./_forest-thread${extname(import.meta.url)}`, import.meta.url);
  const threads = Array.from({ length: Math.min(context.threads, trees) }, () => new Worker(path, { workerData: job }));
  const found: TreeImportances[] = [];
  let done = 0;
  try {
    await new Promise<void>((resolve, reject) => {
      context.signal.addEventListener('abort', () => reject(context.signal.reason as Error), { once: true });
      for (const thread of threads) {
        thread.once('error', reject);
        thread.on('message', ([t, of]: [number, TreeImportances]) => {
          found[t] = of;
          context.progress(++done / trees, `tree ${done} of ${trees}`);
          if (done === trees) resolve();
        });
      }
    });
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
  return found;
}
