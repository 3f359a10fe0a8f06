import type { CodedColumns } from './forest-columns.ts';

/** Sorts the samples of a node by one feature, with the cheapest of three sorts for its size and range. */
export class NodeOrder {
  /** Sample rows in rising order of the feature, after `sort`. */
  readonly order: Uint32Array;
  /** Their codes, in the same order. */
  readonly keys: Uint32Array;
  readonly #columns: CodedColumns;
  readonly #raw: Uint32Array;
  readonly #packed: Float64Array;
  readonly #histogram: Uint32Array;

  constructor(columns: CodedColumns) {
    const { rows: n, values } = columns;
    this.#columns = columns;
    this.order = new Uint32Array(n);
    this.keys = new Uint32Array(n);
    this.#raw = new Uint32Array(n);
    this.#packed = new Float64Array(n);
    this.#histogram = new Uint32Array(values.reduce((most, v) => Math.max(most, v.length), 0) + 1);
  }

  /** Orders samples start .. end-1 of `rows`; false when the feature is constant among them. */
  sort(rows: Uint32Array, start: number, end: number, feature: number): boolean {
    const { codes, rows: n } = this.#columns;
    const offset = feature * n;
    const raw = this.#raw;
    const length = end - start;
    let low = 0xffffffff;
    let high = 0;
    for (let i = 0; i < length; i++) {
      const key = codes[offset + rows[start + i]];
      raw[i] = key;
      if (key < low) low = key;
      if (key > high) high = key;
    }
    if (low === high) return false;
    const samples = rows.subarray(start, end);
    if (length <= 24) this.#insertion(samples);
    else if (high - low < 4 * length + 64) this.#counting(samples, low, high);
    else this.#packedSort(samples);
    return true;
  }

  #insertion(samples: Uint32Array): void {
    const { order, keys } = this;
    const raw = this.#raw;
    for (let i = 0; i < samples.length; i++) {
      const key = raw[i];
      const row = samples[i];
      let at = i - 1;
      for (; at >= 0 && keys[at] > key; at--) {
        keys[at + 1] = keys[at];
        order[at + 1] = order[at];
      }
      keys[at + 1] = key;
      order[at + 1] = row;
    }
  }

  #counting(samples: Uint32Array, low: number, high: number): void {
    const { order, keys } = this;
    const raw = this.#raw;
    const histogram = this.#histogram;
    const range = high - low + 1;
    histogram.fill(0, 0, range + 1);
    for (let i = 0; i < samples.length; i++) histogram[raw[i] - low + 1]++;
    for (let c = 1; c < range; c++) histogram[c] += histogram[c - 1];
    for (let i = 0; i < samples.length; i++) {
      const at = histogram[raw[i] - low]++;
      keys[at] = raw[i];
      order[at] = samples[i];
    }
  }

  #packedSort(samples: Uint32Array): void {
    const packed = this.#packed.subarray(0, samples.length);
    for (let i = 0; i < samples.length; i++) packed[i] = this.#raw[i] * 4294967296 + samples[i];
    packed.sort();
    for (let i = 0; i < samples.length; i++) {
      const key = Math.floor(packed[i] / 4294967296);
      this.keys[i] = key;
      this.order[i] = packed[i] - key * 4294967296;
    }
  }
}
