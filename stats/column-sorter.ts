import type { CscMatrix } from '../data/matrix.ts';

const DIGITS = 2048;
const word = new Uint32Array(1);
const value = new Float32Array(word.buffer);

/** Sorts the non-zero values of a column, keeping the cells they belong to: radix sort on the bits of the float32. */
export class ColumnSorter {
  /** Keys in the order of the values. */
  keys: Uint32Array;
  cells: Uint32Array;
  /** How many values are below zero. */
  below = 0;
  #spareKeys: Uint32Array;
  #spareCells: Uint32Array;
  readonly #starts = new Uint32Array(3 * DIGITS);
  readonly #pairs: Float64Array;

  constructor(n: number) {
    [this.keys, this.cells, this.#spareKeys, this.#spareCells] = Array.from({ length: 4 }, () => new Uint32Array(n)) as [
      Uint32Array,
      Uint32Array,
      Uint32Array,
      Uint32Array,
    ];
    this.#pairs = new Float64Array(Math.min(n, 256));
  }

  /** Fills `keys` and `cells`; gives the number of non-zero values. */
  sort({ indptr, indices, data }: CscMatrix, column: number): number {
    const { keys, cells } = this;
    const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
    let m = 0;
    this.below = 0;
    for (let p = indptr[column]; p < indptr[column + 1]; p++) {
      const x = data[p];
      if (x === 0) continue;
      if (x < 0) this.below++;
      keys[m] = x < 0 ? ~bits[p] >>> 0 : (bits[p] | 0x80000000) >>> 0;
      cells[m++] = indices[p];
    }
    if (m <= this.#pairs.length) this.#sortFew(m);
    else this.#radix(m);
    return m;
  }

  /** The value of the i-th key. */
  valueAt(i: number): number {
    const key = this.keys[i];
    word[0] = key & 0x80000000 ? key ^ 0x80000000 : ~key;
    return value[0];
  }

  /** Few values: the key and its place, packed into one float64 that is exact. */
  #sortFew(m: number): void {
    const { keys, cells } = this;
    for (let i = 0; i < m; i++) this.#pairs[i] = keys[i] * 256 + i;
    const sorted = this.#pairs.subarray(0, m).sort();
    this.#spareCells.set(cells.subarray(0, m));
    for (let i = 0; i < m; i++) {
      keys[i] = Math.floor(sorted[i] / 256);
      cells[i] = this.#spareCells[sorted[i] - keys[i] * 256];
    }
  }

  #radix(m: number): void {
    const starts = this.#starts.fill(0);
    const { keys } = this;
    for (let i = 0; i < m; i++) {
      const key = keys[i];
      starts[key & 2047]++;
      starts[DIGITS + ((key >>> 11) & 2047)]++;
      starts[2 * DIGITS + (key >>> 22)]++;
    }
    for (let pass = 0; pass < 3; pass++) this.#pass(m, 11 * pass, starts.subarray(pass * DIGITS, (pass + 1) * DIGITS));
  }

  #pass(m: number, shift: number, starts: Uint32Array): void {
    const { keys, cells } = this;
    if (starts[(keys[0] >>> shift) & 2047] === m) return;
    for (let d = 0, sum = 0; d < DIGITS; d++) {
      const count = starts[d];
      starts[d] = sum;
      sum += count;
    }
    const [toKeys, toCells] = [this.#spareKeys, this.#spareCells];
    for (let i = 0; i < m; i++) {
      const at = starts[(keys[i] >>> shift) & 2047]++;
      toKeys[at] = keys[i];
      toCells[at] = cells[i];
    }
    [this.keys, this.#spareKeys] = [toKeys, keys];
    [this.cells, this.#spareCells] = [toCells, cells];
  }
}
