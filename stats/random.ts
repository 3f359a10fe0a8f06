import type { RandomSource } from '../core/plugin.ts';

/** xoshiro128** with 16 bytes of state that can be saved and restored: the same stream on every machine. */
export class Random implements RandomSource {
  #s: Uint32Array;
  #spare: number | undefined;

  constructor(seed: number) {
    let z = (seed ^ Math.imul(Math.floor(seed / 4294967296), 0x9e3779b9)) >>> 0;
    const next = (): number => {
      z = (z + 0x9e3779b9) >>> 0;
      let t = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      t = Math.imul(t ^ (t >>> 15), 0x735a2d97);
      return (t ^ (t >>> 15)) >>> 0;
    };
    this.#s = Uint32Array.from([next(), next(), next(), next()]);
  }

  /** A stream of its own for each word or number, so that adding a draw here moves nothing there. */
  static of(seed: number, ...path: (string | number)[]): Random {
    let h = seed >>> 0;
    for (const part of path) {
      for (const c of String(part)) h = Math.imul(h ^ c.charCodeAt(0), 0x01000193) >>> 0;
      h = Math.imul(h ^ (h >>> 15) ^ 0x2f, 0x85ebca6b) >>> 0;
    }
    return new Random(h);
  }

  get state(): number[] {
    return [...this.#s, this.#spare ?? Number.NaN];
  }

  set state(saved: readonly number[]) {
    this.#s = Uint32Array.from(saved.slice(0, 4));
    this.#spare = Number.isNaN(saved[4]) || saved[4] === undefined || saved[4] === null ? undefined : saved[4];
  }

  uint32(): number {
    const s = this.#s;
    const r = Math.imul(s[1], 5);
    const out = Math.imul((r << 7) | (r >>> 25), 9) >>> 0;
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = (s[3] << 11) | (s[3] >>> 21);
    return out;
  }

  uniform(): number {
    return (this.uint32() + 0.5) / 4294967296;
  }

  below(bound: number): number {
    return Math.floor((this.uint32() / 4294967296) * bound);
  }

  /** One standard normal draw (Box-Muller; the second of each pair is kept). */
  normal(): number {
    if (this.#spare !== undefined) {
      const kept = this.#spare;
      this.#spare = undefined;
      return kept;
    }
    const r = Math.sqrt(-2 * Math.log(this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spare = r * Math.sin(angle);
    return r * Math.cos(angle);
  }

  gumbel(): number {
    return -Math.log(-Math.log(this.uniform()));
  }

  /** A random order of 0 .. n-1. */
  permutation(n: number): Int32Array {
    const p = new Int32Array(n);
    for (let i = 0; i < n; i++) {
      const j = this.below(i + 1);
      p[i] = p[j];
      p[j] = i;
    }
    return p;
  }
}
