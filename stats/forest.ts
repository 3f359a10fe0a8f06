import { codeColumns } from './forest-columns.ts';
import type { CodedColumns } from './forest-columns.ts';
import { type ForestTarget, type Tree, TreeGrower, type TreeOptions } from './forest-tree.ts';
import { Random } from './random.ts';

/** Training samples: a row-major float32 block, rows x features, and what to learn. */
export interface ForestProblem {
  readonly block: Float32Array;
  readonly rows: number;
  readonly features: number;
  readonly target: ForestTarget;
}

/** Settings of a forest; the defaults are scikit-learn's. */
export interface ForestOptions extends TreeOptions {
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
  { block, rows, features, target }: ForestProblem,
  options: ForestOptions,
  onTree: OnTree = () => {},
): Promise<Forest> {
  const trees: Tree[] = [];
  await growTrees(codeColumns(block, rows, features), target, options, async (tree, done) => {
    trees.push(tree);
    await onTree(done);
  });
  return { trees, features, outputs: target.kind === 'classes' ? target.classCount : 1 };
}

type OnTree = (done: number) => void | Promise<void>;

async function growTrees(
  columns: CodedColumns,
  target: ForestTarget,
  { trees = 100, ...options }: ForestOptions,
  onTree: (tree: Tree, done: number) => Promise<void>,
): Promise<void> {
  const grow = treeGrower(columns, target, options);
  for (let t = 0; t < trees; t++) await onTree(grow(t), t + 1);
}

/** Grows the t-th tree of a forest, the same whichever were grown before it. */
export function treeGrower(
  columns: CodedColumns,
  target: ForestTarget,
  { tried, seed, ...options }: Omit<ForestOptions, 'trees'>,
): (t: number) => Tree {
  const { features } = columns;
  const byDefault = target.kind === 'classes' ? Math.max(1, Math.floor(Math.sqrt(features))) : features;
  const grower = new TreeGrower(columns, target, tried ?? byDefault, options);
  return (t) => grower.grow(Random.of(seed, 'tree', t));
}

/** The features that a tree splits on, and the share of each in its total gain (sums to 1; empty for a tree without a split). */
export interface TreeImportances {
  readonly feature: Uint32Array;
  readonly share: Float64Array;
}

/** How much each feature counts in a tree. */
export function importances({ feature, gain }: Tree): TreeImportances {
  const shares = new Map<number, number>();
  let total = 0;
  for (let node = 0; node < feature.length; node++) {
    if (feature[node] < 0) continue;
    shares.set(feature[node], (shares.get(feature[node]) ?? 0) + gain[node]);
    total += gain[node];
  }
  const known = total > 0 ? [...shares] : [];
  return { feature: Uint32Array.from(known, ([f]) => f), share: Float64Array.from(known, ([, gained]) => gained / total) };
}

/** Importance of each feature: its share of a tree's gain in impurity, averaged over trees (scikit-learn's `feature_importances_`). */
export function meanImportances(perTree: readonly TreeImportances[], features: number): Float64Array {
  const sum = new Float64Array(features);
  for (const { feature, share } of perTree) feature.forEach((f, i) => (sum[f] += share[i]));
  const total = sum.reduce((a, b) => a + b, 0);
  return total > 0 ? sum.map((share) => share / total) : sum;
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
