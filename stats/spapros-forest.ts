import type { CscMatrix } from '../data/matrix.ts';
import { type CodedColumns, codeSparseColumns } from './forest-columns.ts';
import { type Tree, TreeGrower } from './forest-tree.ts';
import { importances } from './forest.ts';
import { Random } from './random.ts';

/** A tree that tells one class from the others. */
export interface ClassTree {
  /** Mean of the F1 of the class and of the F1 of all others together, on held-out cells, each class of the same weight. */
  readonly f1: number;
  /** Per class: share of its held-out cells that the tree keeps out of its own class (for the own class: that it misses). */
  readonly kept: Float64Array;
  /** Genes that it splits by, and their shares of the gain. */
  readonly genes: Uint32Array;
  readonly shares: Float64Array;
}

/** Trees of each class, best first. */
export type ClassForests = readonly (readonly ClassTree[])[];

/** Settings of the trees. */
export interface ClassForestOptions {
  readonly trees: number;
  readonly maxDepth: number;
  /** Cells of each class that a tree learns from at most. */
  readonly trainCells: number;
  /** Cells of each class that trees are judged by at most. */
  readonly testCells: number;
  readonly seed: number;
}

/** Called after each tree; it may throw to stop. */
export type OnTree = () => void | Promise<void>;

/**
 * Grows forests of one-against-rest trees (Gini, all genes looked at, both sides of the same weight) as Spapros does (Kuemmerle et al.
 * 2024, doi:10.1038/s41592-024-02496-z): four fifths of each class to learn from, each tree on a draw of its own in which all classes have
 * the same number of cells. Draws and held-out cells depend on the seed only, so that two sets of genes are compared on the same cells.
 */
export class ForestGrower {
  readonly #matrix: CscMatrix;
  readonly #codes: Int32Array;
  readonly #classCount: number;
  readonly #options: ClassForestOptions;
  readonly #draws: readonly Uint32Array[];
  readonly #held: readonly Uint32Array[];

  /** `matrix`: cells x genes by columns; `codes`: the class of each cell, every class with a cell at least. */
  constructor(matrix: CscMatrix, codes: Int32Array, classCount: number, options: ClassForestOptions) {
    this.#matrix = matrix;
    this.#codes = codes;
    this.#classCount = classCount;
    this.#options = options;
    const { trees, trainCells, testCells, seed } = options;
    const { learn, held } = folds(codes, classCount, seed);
    const size = Math.min(
      trainCells,
      learn.reduce((most, cells) => Math.max(most, cells.length), 0),
    );
    this.#draws = Array.from({ length: trees }, (_, t) => drawn(learn, size, codes.length, Random.of(seed, 'spapros', 'cells', t)));
    this.#held = held.map((cells) => cells.subarray(0, testCells));
  }

  /** Forests for all classes on some genes (column numbers of the matrix, no repeats). */
  async grow(genes: readonly number[], onTree: OnTree): Promise<ClassForests> {
    const used = Uint32Array.from(genes).sort();
    const columns = codeSparseColumns(someColumns(this.#matrix, used));
    const forests: ClassTree[][] = [];
    for (let c = 0; c < this.#classCount; c++) forests.push(await this.#growClass(columns, used, c, onTree));
    return forests;
  }

  async #growClass(columns: CodedColumns, genes: Uint32Array, own: number, onTree: OnTree): Promise<ClassTree[]> {
    const { maxDepth, seed } = this.#options;
    const rest = this.#classCount - 1;
    const target = { kind: 'classes', codes: this.#codes.map((c) => Number(c === own)), classCount: 2 } as const;
    const grower = new TreeGrower(columns, target, genes.length, { maxDepth, classWeight: [1 / rest, 1] });
    const trees: ClassTree[] = [];
    for (const [t, draw] of this.#draws.entries()) {
      const tree = grower.growOn(draw, Random.of(seed, 'spapros', 'tree', own, t));
      const { feature, share } = importances(tree);
      const split = [...feature.keys()].filter((q) => share[q] > 0);
      const kept = keptOut(tree, columns, this.#held);
      trees.push({
        f1: macroF1(kept, own),
        kept,
        genes: Uint32Array.from(split, (q) => genes[feature[q]]),
        shares: Float64Array.from(split, (q) => share[q]),
      });
      await onTree();
    }
    const order = [...trees.keys()].sort((a, b) => trees[b].f1 - trees[a].f1 || a - b);
    return order.map((t) => trees[t]);
  }
}

/** Per class, in random order: cells to learn from (4 of each full 5; of fewer than five all but one), and the others; a single cell is both. */
function folds(codes: Int32Array, classCount: number, seed: number): { learn: Uint32Array[]; held: Uint32Array[] } {
  const random = Random.of(seed, 'spapros', 'folds');
  const cells: number[][] = Array.from({ length: classCount }, () => []);
  for (const i of random.permutation(codes.length)) cells[codes[i]].push(i);
  const learning = (n: number): number => (n < 5 ? Math.max(1, n - 1) : 4 * Math.floor(n / 5));
  return {
    learn: cells.map((own) => Uint32Array.from(own.slice(0, learning(own.length)))),
    held: cells.map((own) => Uint32Array.from(own.length === 1 ? own : own.slice(learning(own.length)))),
  };
}

/** How often each cell is drawn: `size` cells of each class, with replacement where the class is smaller. */
function drawn(classes: readonly Uint32Array[], size: number, cells: number, random: Random): Uint32Array {
  const times = new Uint32Array(cells);
  for (const own of classes) {
    if (own.length < size) {
      for (let i = 0; i < size; i++) times[own[random.below(own.length)]]++;
    } else {
      const left = own.slice();
      for (let i = 0; i < size; i++) {
        const at = i + random.below(left.length - i);
        times[left[at]]++;
        left[at] = left[i];
      }
    }
  }
  return times;
}

/** Copies some columns, in the order given, of a matrix that lies by columns. */
function someColumns({ rows, indptr, indices, data }: CscMatrix, columns: Uint32Array): CscMatrix {
  const starts = new Uint32Array(columns.length + 1);
  columns.forEach((j, f) => (starts[f + 1] = starts[f] + indptr[j + 1] - indptr[j]));
  const part = { indices: new Uint32Array(starts[columns.length]), data: new Float32Array(starts[columns.length]) };
  columns.forEach((j, f) => {
    part.indices.set(indices.subarray(indptr[j], indptr[j + 1]), starts[f]);
    part.data.set(data.subarray(indptr[j], indptr[j + 1]), starts[f]);
  });
  return { kind: 'csc', rows, cols: columns.length, indptr: starts, ...part };
}

/** Per class: the share of the held-out cells that a tree puts on the other side. */
function keptOut(tree: Tree, { codes, rows, values }: CodedColumns, held: readonly Uint32Array[]): Float64Array {
  const { feature, threshold, left, right, leafStart, leafClass, leafShare } = tree;
  const cut = Float64Array.from(threshold, (x, node) => (feature[node] < 0 ? 0 : lastUpTo(values[feature[node]], x)));
  const isOwn = Uint8Array.from(feature, (f, node) => {
    if (f >= 0) return 0;
    for (let q = leafStart[node]; q < leafStart[node + 1]; q++) if (leafClass[q] === 1 && leafShare[q] > 0.5) return 1;
    return 0;
  });
  return Float64Array.from(held, (cells) => {
    let others = 0;
    for (const i of cells) {
      let node = 0;
      for (let f = feature[0]; f >= 0; f = feature[node]) node = codes[f * rows + i] <= cut[node] ? left[node] : right[node];
      others += 1 - isOwn[node];
    }
    return others / cells.length;
  });
}

/** The place of the last of the rising values that is not above x. */
function lastUpTo(values: Float32Array, x: number): number {
  let [low, high] = [-1, values.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (values[middle] <= x) low = middle;
    else high = middle - 1;
  }
  return low;
}

function macroF1(kept: Float64Array, own: number): number {
  const missed = kept[own];
  let rejected = 0;
  for (let c = 0; c < kept.length; c++) if (c !== own) rejected += kept[c];
  const wrong = missed + kept.length - 1 - rejected;
  const f1 = (right: number): number => (right === 0 ? 0 : (2 * right) / (2 * right + wrong));
  return (f1(1 - missed) + f1(rejected)) / 2;
}
