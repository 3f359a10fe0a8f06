import type { CodedColumns } from './forest-columns.ts';

/**
 * Sorts the samples of a node by one feature. Samples of the lowest value, mostly zeros in expression data, are set aside first; the
 * others go through the cheapest of three sorts for their number and range.
 */
export class NodeOrder {
  /** Sample rows in rising order of the feature, after `sort`. */
  readonly order: Uint32Array;
  /** Their codes, in the same order. */
  readonly keys: Uint32Array;
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
    this.#rawKeys = new Uint32Array(n);
    this.#rawRows = new Uint32Array(n);
    this.#histogram = new Uint32Array(values.reduce((most, v) => Math.max(most, v.length), 0) + 1);
  }

  /** Orders samples start .. end-1 of `rows`; false when the feature is constant among them. */
  sort(rows: Uint32Array, start: number, end: number, feature: number): boolean {
    const { codes, rows: n } = this.#columns;
    const { keys, order } = this;
    const [rawKeys, rawRows] = [this.#rawKeys, this.#rawRows];
    const offset = feature * n;
    let low = 0xffffffff;
    let high = 0;
    for (let i = start; i < end; i++) {
      const key = codes[offset + rows[i]];
      keys[i - start] = key;
      if (key < low) low = key;
      if (key > high) high = key;
    }
    if (low === high) return false;
    let lowest = 0;
    let others = 0;
    for (let i = start; i < end; i++) {
      const key = keys[i - start];
      if (key === low) {
        order[lowest++] = rows[i];
      } else {
        rawKeys[others] = key;
        rawRows[others++] = rows[i];
      }
    }
    keys.fill(low, 0, lowest);
    if (others <= 24) this.#insertion(lowest, others);
    else if (high - low < 2 * others + 256) this.#counting(lowest, others, low + 1, high);
    else this.#radix(lowest, others, high);
    return true;
  }

  #insertion(at: number, length: number): void {
    const { order, keys } = this;
    const [rawKeys, rawRows] = [this.#rawKeys, this.#rawRows];
    for (let i = 0; i < length; i++) {
      const key = rawKeys[i];
      let to = at + i;
      for (; to > at && keys[to - 1] > key; to--) {
        keys[to] = keys[to - 1];
        order[to] = order[to - 1];
      }
      keys[to] = key;
      order[to] = rawRows[i];
    }
  }

  #counting(at: number, length: number, low: number, high: number): void {
    const { order, keys } = this;
    const [rawKeys, rawRows] = [this.#rawKeys, this.#rawRows];
    const histogram = this.#histogram;
    const range = high - low + 1;
    histogram.fill(0, 0, range + 1);
    for (let i = 0; i < length; i++) histogram[rawKeys[i] - low + 1]++;
    for (let c = 1; c < range; c++) histogram[c] += histogram[c - 1];
    for (let i = 0; i < length; i++) {
      const to = at + histogram[rawKeys[i] - low]++;
      keys[to] = rawKeys[i];
      order[to] = rawRows[i];
    }
  }

  /** Least significant digit first, eight bits at a time. */
  #radix(at: number, length: number, high: number): void {
    const passes = Math.ceil((32 - Math.clz32(high)) / 8);
    for (let pass = 0; pass < passes; pass++) {
      if (pass % 2 === 0) this.#pass(8 * pass, length, this.#rawKeys, this.#rawRows, 0, this.keys, this.order, at);
      else this.#pass(8 * pass, length, this.keys, this.order, at, this.#rawKeys, this.#rawRows, 0);
    }
    if (passes % 2 === 1) return;
    for (let i = 0; i < length; i++) {
      this.keys[at + i] = this.#rawKeys[i];
      this.order[at + i] = this.#rawRows[i];
    }
  }

  #pass(
    shift: number,
    length: number,
    fromKeys: Uint32Array,
    fromRows: Uint32Array,
    from: number,
    toKeys: Uint32Array,
    toRows: Uint32Array,
    to: number,
  ): void {
    const starts = this.#digits;
    starts.fill(0);
    for (let i = from; i < from + length; i++) starts[((fromKeys[i] >>> shift) & 255) + 1]++;
    for (let d = 1; d < 256; d++) starts[d] += starts[d - 1];
    for (let i = from; i < from + length; i++) {
      const at = to + starts[(fromKeys[i] >>> shift) & 255]++;
      toKeys[at] = fromKeys[i];
      toRows[at] = fromRows[i];
    }
  }
}
