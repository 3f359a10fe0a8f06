import { codeColumns } from './forest-columns.ts';
import { type ForestTarget, type Tree, TreeGrower } from './forest-tree.ts';
import { Random } from './random.ts';

/** Training samples: a row-major float32 block, rows x features, and what to learn. */
export interface ForestProblem {
  readonly block: Float32Array;
  readonly rows: number;
  readonly features: number;
  readonly target: ForestTarget;
}

/** Settings of a forest; the defaults are scikit-learn's. */
export interface ForestOptions {
  readonly trees?: number;
  /** Features tried at each split; default sqrt(features) for classes, all of them for values. */
  readonly tried?: number;
  readonly seed: number;
}

/** A random forest: exact splits, soft voting. The trees depend on the seed and the samples only. */
export interface Forest {
  readonly trees: readonly Tree[];
  readonly features: number;
  /** Columns of the prediction: the number of classes, or 1. */
  readonly outputs: number;
}

/** Grows a forest; `onTree` is awaited after each tree, so that it may report progress or throw to stop. */
export async function fitForest(
  problem: ForestProblem,
  { trees: count = 100, tried, seed }: ForestOptions,
  onTree: (done: number) => void | Promise<void> = () => {},
): Promise<Forest> {
  const { block, rows, features, target } = problem;
  const outputs = target.kind === 'classes' ? target.classCount : 1;
  const byDefault = target.kind === 'classes' ? Math.max(1, Math.floor(Math.sqrt(features))) : features;
  const grower = new TreeGrower(codeColumns(block, rows, features), target, tried ?? byDefault);
  const trees: Tree[] = [];
  for (let t = 0; t < count; t++) {
    trees.push(grower.grow(Random.of(seed, 'tree', t)));
    await onTree(t + 1);
  }
  return { trees, features, outputs };
}

/** The mean over trees of each leaf's class shares (rows x classes, row-major) or values (one a row). */
export function predictForest({ trees, features, outputs }: Forest, block: Float32Array): Float64Array {
  const rows = block.length / features;
  const out = new Float64Array(rows * outputs);
  for (const { feature, threshold, left, right, leafStart, leafClass, leafShare } of trees) {
    for (let i = 0; i < rows; i++) {
      let node = 0;
      for (let f = feature[0]; f >= 0; f = feature[node]) node = block[i * features + f] <= threshold[node] ? left[node] : right[node];
      for (let q = leafStart[node]; q < leafStart[node + 1]; q++) out[i * outputs + leafClass[q]] += leafShare[q];
    }
  }
  for (let i = 0; i < out.length; i++) out[i] /= trees.length;
  return out;
}
