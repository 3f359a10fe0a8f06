/** The little of WebAssembly that is used here. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: Record<string, unknown> };
  Memory: new (size: { initial: number }) => { buffer: ArrayBuffer };
};

/** Squared distances in float32 of four queries, at addresses query + 0..3 rows, to the references from..to: one line of `stride` bytes a query. */
type Measure = (query: number, from: number, to: number, row: number, out: number, stride: number) => void;

const leb = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...leb(n >>> 7)]);
const simd = (op: number): number[] => [0xfd, ...leb(op)];
const vector = (parts: readonly (readonly number[])[]): number[] => [...leb(parts.length), ...parts.flat()];
const section = (id: number, body: readonly number[]): number[] => [id, ...leb(body.length), ...body];
const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const I32 = { add: 0x6a, mul: 0x6c, less: 0x49 };
const F32 = { add: 0x92 };
const load = [...simd(0x00), 4, 0];
const constant = (n: number): number[] => [0x41, ...leb(n)];

/** Locals: 0 query, 1 reference, 2 end, 3 row, 4 out, 5 stride, 6 offset; v128: 7-10 sums, 11 reference values, 12 difference. */
function body(): number[] {
  const code: number[] = [0x03, 0x40];
  for (let q = 0; q < 4; q++) code.push(...simd(0x0c), ...Array.from({ length: 16 }, () => 0), ...set(7 + q));
  code.push(...constant(0), ...set(6), 0x03, 0x40);
  code.push(...get(1), ...get(6), I32.add, ...load, ...set(11));
  for (let q = 0; q < 4; q++) {
    code.push(...get(11), ...get(0), ...get(3), ...constant(q), I32.mul, I32.add, ...get(6), I32.add, ...load, ...simd(0xe5), ...set(12));
    code.push(...get(7 + q), ...get(12), ...get(12), ...simd(0xe6), ...simd(0xe4), ...set(7 + q));
  }
  code.push(...get(6), ...constant(16), I32.add, 0x22, 6, ...get(3), I32.less, 0x0d, 0, 0x0b);
  for (let q = 0; q < 4; q++) {
    code.push(...get(4), ...get(5), ...constant(q), I32.mul, I32.add);
    for (let lane = 0; lane < 4; lane++) code.push(...get(7 + q), ...simd(0x1f), lane, ...(lane > 0 ? [F32.add] : []));
    code.push(0x38, 2, 0);
  }
  code.push(...get(4), ...constant(4), I32.add, ...set(4));
  code.push(...get(1), ...get(3), I32.add, 0x22, 1, ...get(2), I32.less, 0x0d, 0, 0x0b, 0x0b);
  return code;
}

const MAGIC = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

/** Assembles the kernel: 4 x 1 register block of float32x4. */
function assemble(): Uint8Array {
  const [i32, v128] = [0x7f, 0x7b];
  const code = [
    ...vector([
      [1, i32],
      [6, v128],
    ]),
    ...body(),
  ];
  const text = (s: string): number[] => vector(Array.from(s, (c) => [c.charCodeAt(0)]));
  return Uint8Array.from([
    ...MAGIC,
    ...section(1, vector([[0x60, ...vector([[i32], [i32], [i32], [i32], [i32], [i32]]), 0]])),
    ...section(2, vector([[...text('m'), ...text('m'), 0x02, 0x00, 1]])),
    ...section(3, vector([[0]])),
    ...section(7, vector([[...text('measure'), 0x00, 0]])),
    ...section(10, vector([[...leb(code.length), ...code]])),
  ]);
}

const REFERENCES = 512;
const QUERIES = 32;
const LARGEST = 2 ** 31;

/** Reference and query rows in WebAssembly memory, measured block by block so that the references stay in cache. */
export class DistanceKernel {
  readonly #measure: Measure;
  readonly #memory: { buffer: ArrayBuffer };
  readonly #row: number;
  readonly #references: number;
  readonly #queryAt: number;
  readonly #outAt: number;

  /** How many queries `distances` takes at most. */
  static readonly queries = QUERIES;

  /** Whether so many references fit. */
  static fits(references: number, features: number): boolean {
    return references * (4 * Math.ceil(features / 4) * 4 + QUERIES * 4) < LARGEST;
  }

  constructor(block: Float32Array, references: number, features: number) {
    this.#row = 16 * Math.ceil(features / 4);
    this.#references = references;
    this.#queryAt = references * this.#row;
    this.#outAt = this.#queryAt + QUERIES * this.#row;
    const bytes = this.#outAt + QUERIES * references * 4;
    this.#memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / 65_536) });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(assemble()), { m: { m: this.#memory } });
    this.#measure = instance.exports.measure as Measure;
    this.#fill(0, block, features);
  }

  /** Squared distances of up to 32 queries (row-major float32) to all references, queries x references; valid until the next call. */
  distances(queries: Float32Array, features: number): Float32Array {
    const count = queries.length / features;
    this.#fill(this.#queryAt, queries, features);
    const stride = this.#references * 4;
    for (let r = 0; r < this.#references; r += REFERENCES) {
      const [from, to] = [r * this.#row, Math.min(r + REFERENCES, this.#references) * this.#row];
      for (let q = 0; q < count; q += 4) {
        this.#measure(this.#queryAt + q * this.#row, from, to, this.#row, this.#outAt + q * stride + r * 4, stride);
      }
    }
    return new Float32Array(this.#memory.buffer, this.#outAt, count * this.#references);
  }

  /** Copies rows padded with zeros to whole vectors. */
  #fill(at: number, block: Float32Array, features: number): void {
    const width = this.#row / 4;
    const target = new Float32Array(this.#memory.buffer, at, (block.length / features) * width);
    for (let i = 0, o = 0; o < block.length; i += width, o += features) target.set(block.subarray(o, o + features), i);
  }
}
