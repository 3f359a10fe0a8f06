import type { CodedColumns } from './forest-columns.ts';

/** Samples of a node up to which their rows stay in the processor's cache from one feature to the next. */
const FEW = 512;

/**
 * Sorts the samples of a node by one feature. Samples of the lowest value, mostly zeros in expression data, are left out: a sweep from
 * the highest value down knows them as what remains. The others go through the cheapest of three sorts for their number and range.
 */
export class NodeOrder {
  /** After `sort`: rows of the samples above the lowest value, in rising order of the feature. */
  readonly order: Uint32Array;
  /** Their codes, in the same order. */
  readonly keys: Uint32Array;
  /** The lowest code in the node. */
  low = 0;
  readonly #columns: CodedColumns;
  readonly #rawKeys: Uint32Array;
  readonly #rawRows: Uint32Array;
  readonly #digits = new Uint32Array(257);
  readonly #histogram: Uint32Array;

  constructor(columns: CodedColumns) {
    const { rows: n, values } = columns;
    this.#columns = columns;
    this.order = new Uint32Array(n);
    this.keys = new Uint32Array(n);
    this.#rawKeys = new Uint32Array(n + 1);
    this.#rawRows = new Uint32Array(n + 1);
    this.#histogram = new Uint32Array(values.reduce((most, v) => Math.max(most, v.length), 0) + 1);
  }

  /** Orders those of the samples start .. end-1 of `rows` that lie above the lowest value; gives their number, 0 for a constant feature. */
  sort(rows: Uint32Array, start: number, end: number, feature: number): number {
    const { codes, byRow, rows: n, features } = this.#columns;
    const [rawKeys, rawRows] = [this.#rawKeys, this.#rawRows];
    const isFew = byRow !== undefined && end - start <= FEW;
    const table = isFew ? byRow : codes;
    const [step, offset] = isFew ? [features, feature] : [1, feature * n];
    let low = 0xffffffff;
    let high = 0;
    let count = 0;
    // Code 0, mostly the zeros of expression data, is left out on the way, without a branch.
    for (let i = start; i < end; i++) {
      const row = rows[i];
      const key = table[offset + row * step];
      rawKeys[count] = key;
      rawRows[count] = row;
      count += Number(key !== 0);
      if (key < low) low = key;
      if (key > high) high = key;
    }
    if (low === high) return 0;
    if (low > 0) count = this.#leaveOut(low, count);
    this.low = low;
    if (count <= 24) this.#insertion(count);
    else if (high - low < 2 * count + 256) this.#counting(count, low + 1, high);
    else this.#radix(count, high);
    return count;
  }

  #leaveOut(low: number, length: number): number {
    const [rawKeys, rawRows] = [this.#rawKeys, this.#rawRows];
    let count = 0;
    for (let i = 0; i < length; i++) {
      const key = rawKeys[i];
      rawKeys[count] = key;
      rawRows[count] = rawRows[i];
      count += Number(key !== low);
    }
    return count;
  }

  #insertion(length: number): void {
    const { order, keys } = this;
    const [rawKeys, rawRows] = [this.#rawKeys, this.#rawRows];
    for (let i = 0; i < length; i++) {
      const key = rawKeys[i];
      let to = i;
      for (; to > 0 && keys[to - 1] > key; to--) {
        keys[to] = keys[to - 1];
        order[to] = order[to - 1];
      }
      keys[to] = key;
      order[to] = rawRows[i];
    }
  }

  #counting(length: number, low: number, high: number): void {
    const { order, keys } = this;
    const [rawKeys, rawRows] = [this.#rawKeys, this.#rawRows];
    const histogram = this.#histogram;
    const range = high - low + 1;
    histogram.fill(0, 0, range + 1);
    for (let i = 0; i < length; i++) histogram[rawKeys[i] - low + 1]++;
    for (let c = 1; c < range; c++) histogram[c] += histogram[c - 1];
    for (let i = 0; i < length; i++) {
      const to = histogram[rawKeys[i] - low]++;
      keys[to] = rawKeys[i];
      order[to] = rawRows[i];
    }
  }

  /** Least significant digit first, eight bits at a time. */
  #radix(length: number, high: number): void {
    const passes = Math.ceil((32 - Math.clz32(high)) / 8);
    for (let pass = 0; pass < passes; pass++) {
      if (pass % 2 === 0) this.#pass(8 * pass, length, this.#rawKeys, this.#rawRows, this.keys, this.order);
      else this.#pass(8 * pass, length, this.keys, this.order, this.#rawKeys, this.#rawRows);
    }
    if (passes % 2 === 1) return;
    this.keys.set(this.#rawKeys.subarray(0, length));
    this.order.set(this.#rawRows.subarray(0, length));
  }

  #pass(shift: number, length: number, fromKeys: Uint32Array, fromRows: Uint32Array, toKeys: Uint32Array, toRows: Uint32Array): void {
    const starts = this.#digits;
    starts.fill(0);
    for (let i = 0; i < length; i++) starts[((fromKeys[i] >>> shift) & 255) + 1]++;
    for (let d = 1; d < 256; d++) starts[d] += starts[d - 1];
    for (let i = 0; i < length; i++) {
      const to = starts[(fromKeys[i] >>> shift) & 255]++;
      toKeys[to] = fromKeys[i];
      toRows[to] = fromRows[i];
    }
  }
}
