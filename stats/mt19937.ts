/**
 * The Mersenne Twister MT19937 (Matsumoto and Nishimura 1998, doi:10.1145/272991.272995) seeded by one number, with the permutation of
 * numpy's `RandomState`: the same stream and the same orders as `numpy.random.seed(seed)`. For methods whose reference fixes such a seed;
 * everything else draws from `Random`.
 */
export class Mt19937 {
  readonly #state = new Uint32Array(624);
  #next = 624;

  /** The seed is taken modulo 2^32. */
  constructor(seed: number) {
    const s = this.#state;
    s[0] = seed >>> 0;
    for (let i = 1; i < 624; i++) s[i] = Math.imul(1812433253, s[i - 1] ^ (s[i - 1] >>> 30)) + i;
  }

  /** A draw from 0 .. 2^32 - 1. */
  uint32(): number {
    if (this.#next === 624) this.#turn();
    let y = this.#state[this.#next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  #turn(): void {
    const s = this.#state;
    for (let i = 0; i < 624; i++) {
      const y = (s[i] & 0x80000000) | (s[(i + 1) % 624] & 0x7fffffff);
      s[i] = s[(i + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.#next = 0;
  }

  /** A draw from 0 .. most (both included): bits beyond those of `most` are cut off, and what is still higher is drawn anew. */
  upTo(most: number): number {
    if (most === 0) return 0;
    const mask = 0xffffffff >>> Math.clz32(most);
    for (;;) {
      const value = (this.uint32() & mask) >>> 0;
      if (value <= most) return value;
    }
  }

  /** A shuffled copy (Fisher-Yates from the end), as `numpy.random.permutation(values)`. */
  permutation(values: Uint32Array): Uint32Array {
    const out = values.slice();
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.upTo(i);
      [out[i], out[j]] = [out[j], out[i]];
    }
    return out;
  }
}
