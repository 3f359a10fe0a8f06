import type { CodedColumns } from './forest-columns.ts';
import { NodeOrder } from './forest-order.ts';
import type { Random } from './random.ts';

/** What the trees learn: class codes, or values. */
export type ForestTarget =
  | { readonly kind: 'classes'; readonly codes: ArrayLike<number>; readonly classCount: number }
  | { readonly kind: 'values'; readonly values: ArrayLike<number> };

/** A grown tree as parallel arrays; `feature` -1 marks a leaf. */
export interface Tree {
  readonly feature: Int32Array;
  /** Left when value <= threshold. */
  readonly threshold: Float64Array;
  readonly left: Int32Array;
  readonly right: Int32Array;
  /** nodes + 1 offsets into the two arrays below (empty for inner nodes). */
  readonly leafStart: Uint32Array;
  readonly leafClass: Uint32Array;
  /** Share of each class present in the leaf, or its mean value. */
  readonly leafShare: Float64Array;
  /** Per node: by how much its split lowers the impurity (Gini or variance), times the node's share of the samples' weight; 0 in a leaf. */
  readonly gain: Float64Array;
}

/** Limits and weights of a tree; the defaults are scikit-learn's. */
export interface TreeOptions {
  /** Splits on the way to a leaf at most. */
  readonly maxDepth?: number;
  /** Weight of a sample of each class. */
  readonly classWeight?: ArrayLike<number>;
}

interface Node {
  readonly feature: number;
  readonly threshold: number;
  readonly gain: number;
  left: number;
  right: number;
}

function packed(nodes: readonly Node[]): Pick<Tree, 'feature' | 'threshold' | 'left' | 'right' | 'gain'> {
  return {
    feature: Int32Array.from(nodes, (n) => n.feature),
    threshold: Float64Array.from(nodes, (n) => n.threshold),
    left: Int32Array.from(nodes, (n) => n.left),
    right: Int32Array.from(nodes, (n) => n.right),
    gain: Float64Array.from(nodes, (n) => n.gain),
  };
}

interface Split {
  feature: number;
  /** Code of the last value on the left, and of the first on the right. */
  code: number;
  next: number;
  score: number;
}

/** Nothing found yet. */
const none = (): Split => ({ feature: -1, code: 0, next: 0, score: -1 });

/**
 * Grows trees as scikit-learn's defaults do (Breiman 2001, doi:10.1023/A:1010933404324): bootstrap, full depth, `tried` features drawn
 * anew at each split until one is not constant, Gini impurity or variance, thresholds half-way between neighbouring values.
 */
export class TreeGrower {
  readonly #columns: CodedColumns;
  readonly #target: ForestTarget;
  readonly #tried: number;
  readonly #rows: Uint32Array;
  /** Weight of each row in this tree: how often it was drawn, times the weight of its class. */
  readonly #weight: Float64Array;
  readonly #classWeight: Float64Array | undefined;
  readonly #maxDepth: number;
  readonly #sorter: NodeOrder;
  readonly #features: Int32Array;
  readonly #classOf: Int32Array;
  readonly #valueOf: Float64Array;
  readonly #counts: Float64Array;
  readonly #leftCounts: Float64Array;
  readonly #rightCounts: Float64Array;
  #total = 0;
  #sum = 0;
  #squares = 0;
  #best = none();

  constructor(columns: CodedColumns, target: ForestTarget, tried: number, { maxDepth, classWeight }: TreeOptions = {}) {
    const { rows: n, features } = columns;
    const k = target.kind === 'classes' ? target.classCount : 0;
    this.#columns = columns;
    this.#target = target;
    this.#tried = tried;
    this.#rows = new Uint32Array(n);
    this.#weight = new Float64Array(n);
    this.#classWeight = classWeight && Float64Array.from(classWeight);
    this.#maxDepth = maxDepth ?? Number.POSITIVE_INFINITY;
    this.#sorter = new NodeOrder(columns);
    this.#features = new Int32Array(features);
    this.#classOf = target.kind === 'classes' ? Int32Array.from(target.codes) : new Int32Array(0);
    this.#valueOf = target.kind === 'values' ? Float64Array.from(target.values) : new Float64Array(0);
    this.#counts = new Float64Array(k);
    this.#leftCounts = new Float64Array(k);
    this.#rightCounts = new Float64Array(k);
  }

  /** Grows one tree on a bootstrap sample drawn from `random`. */
  grow(random: Random): Tree {
    const { rows: n } = this.#columns;
    const drawn = new Uint32Array(n);
    for (let i = 0; i < n; i++) drawn[random.below(n)]++;
    return this.growOn(drawn, random);
  }

  /** Grows one tree on samples that count as often as `drawn` says (rows long; 0 leaves a row out). */
  growOn(drawn: ArrayLike<number>, random: Random): Tree {
    const inBag = this.#take(drawn);
    const total = this.#weight.reduce((a, b) => a + b, 0);
    this.#features.forEach((_, f) => (this.#features[f] = f));
    const nodes: Node[] = [];
    const leafStart: number[] = [];
    const leafClass: number[] = [];
    const leafShare: number[] = [];
    const pending: number[] = [0, inBag, -1, 0];
    while (pending.length > 0) {
      const depth = pending.pop()!;
      const parent = pending.pop()!;
      const end = pending.pop()!;
      const start = pending.pop()!;
      const id = nodes.length;
      // The left child is popped right after its parent, so a parent whose left is unset gets this node there.
      if (parent >= 0) {
        if (nodes[parent].left < 0) nodes[parent].left = id;
        else nodes[parent].right = id;
      }
      leafStart.push(leafShare.length);
      const isDone = this.#describe(start, end) || depth >= this.#maxDepth;
      const split = isDone ? undefined : this.#bestSplit(start, end, random);
      if (!split) {
        nodes.push({ feature: -1, threshold: 0, gain: 0, left: -1, right: -1 });
        this.#writeLeaf(leafClass, leafShare);
        continue;
      }
      const before = this.#target.kind === 'classes' ? this.#squares : this.#sum ** 2;
      const gain = Math.max(0, split.score - before / this.#total) / total;
      nodes.push({ feature: split.feature, threshold: this.#threshold(split), gain, left: -1, right: -1 });
      const middle = this.#partition(start, end, split);
      pending.push(middle, end, id, depth + 1, start, middle, id, depth + 1);
    }
    leafStart.push(leafShare.length);
    const leaves = {
      leafStart: Uint32Array.from(leafStart),
      leafClass: Uint32Array.from(leafClass),
      leafShare: Float64Array.from(leafShare),
    };
    return { ...packed(nodes), ...leaves };
  }

  #take(drawn: ArrayLike<number>): number {
    const { rows: n } = this.#columns;
    const classWeight = this.#classWeight;
    let m = 0;
    for (let i = 0; i < n; i++) {
      this.#weight[i] = classWeight ? drawn[i] * classWeight[this.#classOf[i]] : drawn[i];
      if (drawn[i] > 0) this.#rows[m++] = i;
    }
    return m;
  }

  /** Takes stock of the samples of a node; true when nothing is left to split. */
  #describe(start: number, end: number): boolean {
    const weight = this.#weight;
    this.#total = 0;
    this.#squares = 0;
    if (this.#target.kind === 'values') {
      let low = Number.POSITIVE_INFINITY;
      let high = Number.NEGATIVE_INFINITY;
      this.#sum = 0;
      for (let i = start; i < end; i++) {
        const row = this.#rows[i];
        const y = this.#valueOf[row];
        this.#total += weight[row];
        this.#sum += weight[row] * y;
        low = Math.min(low, y);
        high = Math.max(high, y);
      }
      return high - low < 1e-12 * Math.max(1, Math.abs(high));
    }
    const counts = this.#counts.fill(0);
    for (let i = start; i < end; i++) {
      const row = this.#rows[i];
      counts[this.#classOf[row]] += weight[row];
      this.#total += weight[row];
    }
    let present = 0;
    for (const count of counts) {
      if (count > 0) present++;
      this.#squares += count * count;
    }
    return present < 2;
  }

  #bestSplit(start: number, end: number, random: Random): Split | undefined {
    const features = this.#features;
    this.#best = none();
    let available = features.length;
    let visited = 0;
    let useful = 0;
    while (available > 0 && (visited < this.#tried || useful === 0)) {
      const at = random.below(available--);
      const feature = features[at];
      features[at] = features[available];
      features[available] = feature;
      visited++;
      const count = this.#sorter.sort(this.#rows, start, end, feature);
      if (count === 0) continue;
      useful++;
      if (this.#target.kind === 'classes') this.#sweepClasses(count, feature);
      else this.#sweepValues(count, feature);
    }
    return this.#best.feature < 0 ? undefined : this.#best;
  }

  /** Gini: the best split maximises the sum over both sides of (sum of squared class counts) / size. Goes from the highest value down. */
  #sweepClasses(count: number, feature: number): void {
    const { order, keys, low } = this.#sorter;
    const [weight, classOf] = [this.#weight, this.#classOf];
    const right = this.#rightCounts.fill(0);
    const left = this.#leftCounts;
    left.set(this.#counts);
    const total = this.#total;
    let size = 0;
    let rightSquares = 0;
    let leftSquares = this.#squares;
    let [bestScore, bestAt] = [-1, -1];
    for (let i = count - 1; i >= 0; i--) {
      const row = order[i];
      const c = classOf[row];
      const w = weight[row];
      rightSquares += w * (2 * right[c] + w);
      leftSquares -= w * (2 * left[c] - w);
      right[c] += w;
      left[c] -= w;
      size += w;
      if (i > 0 && keys[i] === keys[i - 1]) continue;
      const score = leftSquares / (total - size) + rightSquares / size;
      if (score >= bestScore) [bestScore, bestAt] = [score, i];
    }
    this.#keep(bestScore, feature, bestAt === 0 ? low : keys[bestAt - 1], keys[bestAt]);
  }

  /** Variance: the best split maximises the sum over both sides of (sum)^2 / size. Goes from the highest value down. */
  #sweepValues(count: number, feature: number): void {
    const { order, keys, low } = this.#sorter;
    const [weight, valueOf] = [this.#weight, this.#valueOf];
    let size = 0;
    let sum = 0;
    let [bestScore, bestAt] = [-1, -1];
    for (let i = count - 1; i >= 0; i--) {
      const row = order[i];
      sum += weight[row] * valueOf[row];
      size += weight[row];
      if (i > 0 && keys[i] === keys[i - 1]) continue;
      const score = (sum * sum) / size + (this.#sum - sum) ** 2 / (this.#total - size);
      if (score >= bestScore) [bestScore, bestAt] = [score, i];
    }
    this.#keep(bestScore, feature, bestAt === 0 ? low : keys[bestAt - 1], keys[bestAt]);
  }

  #keep(score: number, feature: number, code: number, next: number): void {
    if (score > this.#best.score) this.#best = { score, feature, code, next };
  }

  #threshold({ feature, code, next }: Split): number {
    const values = this.#columns.values[feature];
    const middle = values[code] / 2 + values[next] / 2;
    return middle < values[next] ? middle : values[code];
  }

  #partition(start: number, end: number, { feature, code }: Split): number {
    const { codes, rows: n } = this.#columns;
    const rows = this.#rows;
    const spare = this.#sorter.order;
    let at = start;
    let moved = 0;
    for (let i = start; i < end; i++) {
      const row = rows[i];
      if (codes[feature * n + row] <= code) rows[at++] = row;
      else spare[moved++] = row;
    }
    for (let i = 0; i < moved; i++) rows[at + i] = spare[i];
    return at;
  }

  #writeLeaf(leafClass: number[], leafShare: number[]): void {
    if (this.#target.kind === 'values') {
      leafClass.push(0);
      leafShare.push(this.#sum / this.#total);
      return;
    }
    this.#counts.forEach((count, c) => {
      if (count === 0) return;
      leafClass.push(c);
      leafShare.push(count / this.#total);
    });
  }
}
