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
}

interface Node {
  readonly feature: number;
  readonly threshold: number;
  left: number;
  right: number;
}

function packed(nodes: readonly Node[]): Pick<Tree, 'feature' | 'threshold' | 'left' | 'right'> {
  return {
    feature: Int32Array.from(nodes, (n) => n.feature),
    threshold: Float64Array.from(nodes, (n) => n.threshold),
    left: Int32Array.from(nodes, (n) => n.left),
    right: Int32Array.from(nodes, (n) => n.right),
  };
}

interface Split {
  feature: number;
  /** Code of the last value on the left, and of the first on the right. */
  code: number;
  next: number;
  score: number;
}

/**
 * Grows trees as scikit-learn's defaults do (Breiman 2001, doi:10.1023/A:1010933404324): bootstrap, full depth, `tried` features drawn
 * anew at each split until one is not constant, Gini impurity or variance, thresholds half-way between neighbouring values.
 */
export class TreeGrower {
  readonly #columns: CodedColumns;
  readonly #target: ForestTarget;
  readonly #tried: number;
  readonly #rows: Uint32Array;
  readonly #weight: Uint32Array;
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

  constructor(columns: CodedColumns, target: ForestTarget, tried: number) {
    const { rows: n, features } = columns;
    const k = target.kind === 'classes' ? target.classCount : 0;
    this.#columns = columns;
    this.#target = target;
    this.#tried = tried;
    this.#rows = new Uint32Array(n);
    this.#weight = new Uint32Array(n);
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
    const { features } = this.#columns;
    const inBag = this.#bootstrap(random);
    for (let f = 0; f < features; f++) this.#features[f] = f;
    const nodes: Node[] = [];
    const leafStart: number[] = [];
    const leafClass: number[] = [];
    const leafShare: number[] = [];
    const pending: number[] = [0, inBag, -1];
    while (pending.length > 0) {
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
      const isPure = this.#describe(start, end);
      const split = isPure ? undefined : this.#bestSplit(start, end, random);
      if (!split) {
        nodes.push({ feature: -1, threshold: 0, left: -1, right: -1 });
        this.#writeLeaf(leafClass, leafShare);
        continue;
      }
      nodes.push({ feature: split.feature, threshold: this.#threshold(split), left: -1, right: -1 });
      const middle = this.#partition(start, end, split);
      pending.push(middle, end, id, start, middle, id);
    }
    leafStart.push(leafShare.length);
    const leaves = {
      leafStart: Uint32Array.from(leafStart),
      leafClass: Uint32Array.from(leafClass),
      leafShare: Float64Array.from(leafShare),
    };
    return { ...packed(nodes), ...leaves };
  }

  #bootstrap(random: Random): number {
    const { rows: n } = this.#columns;
    this.#weight.fill(0);
    for (let i = 0; i < n; i++) this.#weight[random.below(n)]++;
    let m = 0;
    for (let i = 0; i < n; i++) if (this.#weight[i] > 0) this.#rows[m++] = i;
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
    const best: Split = { feature: -1, code: 0, next: 0, score: -1 };
    let available = features.length;
    let visited = 0;
    let useful = 0;
    while (available > 0 && (visited < this.#tried || useful === 0)) {
      const at = random.below(available--);
      const feature = features[at];
      features[at] = features[available];
      features[available] = feature;
      visited++;
      if (!this.#sorter.sort(this.#rows, start, end, feature)) continue;
      useful++;
      if (this.#target.kind === 'classes') this.#sweepClasses(end - start, feature, best);
      else this.#sweepValues(end - start, feature, best);
    }
    return best.feature < 0 ? undefined : best;
  }

  /** Gini: the best split maximises the sum over both sides of (sum of squared class counts) / size. */
  #sweepClasses(length: number, feature: number, best: Split): void {
    const { order, keys } = this.#sorter;
    const [weight, classOf] = [this.#weight, this.#classOf];
    const left = this.#leftCounts.fill(0);
    const right = this.#rightCounts;
    right.set(this.#counts);
    let size = 0;
    let leftSquares = 0;
    let rightSquares = this.#squares;
    for (let i = 0; i < length - 1; i++) {
      const row = order[i];
      const c = classOf[row];
      const w = weight[row];
      leftSquares += w * (2 * left[c] + w);
      rightSquares -= w * (2 * right[c] - w);
      left[c] += w;
      right[c] -= w;
      size += w;
      if (keys[i] === keys[i + 1]) continue;
      const score = leftSquares / size + rightSquares / (this.#total - size);
      if (score > best.score) {
        best.score = score;
        best.feature = feature;
        best.code = keys[i];
        best.next = keys[i + 1];
      }
    }
  }

  /** Variance: the best split maximises the sum over both sides of (sum)^2 / size. */
  #sweepValues(length: number, feature: number, best: Split): void {
    const { order, keys } = this.#sorter;
    const [weight, valueOf] = [this.#weight, this.#valueOf];
    let size = 0;
    let sum = 0;
    for (let i = 0; i < length - 1; i++) {
      const row = order[i];
      sum += weight[row] * valueOf[row];
      size += weight[row];
      if (keys[i] === keys[i + 1]) continue;
      const score = (sum * sum) / size + (this.#sum - sum) ** 2 / (this.#total - size);
      if (score > best.score) {
        best.score = score;
        best.feature = feature;
        best.code = keys[i];
        best.next = keys[i + 1];
      }
    }
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
