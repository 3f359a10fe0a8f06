import { ArtifactError } from '../core/errors.ts';

/** Typed arrays that an artifact may hold, by their name in the header. */
const ARRAYS = { f32: Float32Array, f64: Float64Array, i32: Int32Array, u32: Uint32Array, u16: Uint16Array, u8: Uint8Array } as const;
type ArrayName = keyof typeof ARRAYS;
type TypedArray = InstanceType<(typeof ARRAYS)[ArrayName]>;

const MAGIC = 'PFLOW001';
const ALIGN = 8;
const padded = (bytes: number): number => Math.ceil(bytes / ALIGN) * ALIGN;

function nameOf(value: object): ArrayName | undefined {
  return (Object.keys(ARRAYS) as ArrayName[]).find((name) => value instanceof ARRAYS[name]);
}

/**
 * A value of JSON and typed arrays as bytes: magic, header length, JSON header, then the arrays, aligned to 8 bytes.
 * The same value gives the same bytes; an array that stands in several places is stored once; NaN and infinities survive.
 */
export function encode(value: unknown): Uint8Array[] {
  const arrays: TypedArray[] = [];
  const places = new Map<object, number>();
  const table: { type: ArrayName; length: number; offset: number }[] = [];
  let offset = 0;
  const visit = (v: unknown): unknown => {
    if (typeof v === 'number' && !Number.isFinite(v)) return { $number: String(v) };
    if (v === null || typeof v !== 'object') return v;
    const type = nameOf(v);
    if (type !== undefined) {
      const array = v as TypedArray;
      if (!places.has(v)) {
        places.set(v, arrays.length);
        arrays.push(array);
        table.push({ type, length: array.length, offset });
        offset += padded(array.byteLength);
      }
      return { $array: places.get(v) };
    }
    if (Array.isArray(v)) return v.map(visit);
    return Object.fromEntries(
      Object.entries(v)
        .filter(([, inner]) => inner !== undefined)
        .map(([key, inner]) => [key, visit(inner)]),
    );
  };
  const header = Buffer.from(JSON.stringify({ value: visit(value) ?? null, arrays: table }));
  const start = Buffer.alloc(padded(MAGIC.length + 4 + header.length));
  start.write(MAGIC, 'latin1');
  start.writeUInt32LE(header.length, MAGIC.length);
  header.copy(start, MAGIC.length + 4);
  const parts: Uint8Array[] = [start];
  for (const array of arrays) {
    parts.push(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    if (padded(array.byteLength) > array.byteLength) parts.push(new Uint8Array(padded(array.byteLength) - array.byteLength));
  }
  return parts;
}

/** The value again; its arrays are views of `bytes`, without a copy where the bytes are aligned. */
export function decode(bytes: Uint8Array): unknown {
  try {
    return decoded(bytes);
  } catch (error) {
    if (error instanceof ArtifactError) throw error;
    throw new ArtifactError('The artifact is damaged: its parts do not fit each other', {
      cause: error,
      retryable: false,
      mend: 'Make it anew: run the pipeline again.',
    });
  }
}

function decoded(bytes: Uint8Array): unknown {
  const aligned = bytes.byteOffset % ALIGN === 0 ? bytes : Uint8Array.from(bytes);
  const buffer = Buffer.from(aligned.buffer, aligned.byteOffset, aligned.byteLength);
  if (buffer.toString('latin1', 0, MAGIC.length) !== MAGIC)
    throw new ArtifactError('These bytes are no panelflow artifact', {
      retryable: false,
      mend: 'Give a file that panelflow wrote, such as results/NAME/models/*.model.',
    });
  const length = buffer.readUInt32LE(MAGIC.length);
  const { value, arrays } = JSON.parse(buffer.toString('utf8', MAGIC.length + 4, MAGIC.length + 4 + length)) as {
    value: unknown;
    arrays: { type: ArrayName; length: number; offset: number }[];
  };
  const base = aligned.byteOffset + padded(MAGIC.length + 4 + length);
  if (!arrays.every(({ type }) => Object.hasOwn(ARRAYS, type))) throw new TypeError('an array is of no known type');
  const views = arrays.map((a) => new ARRAYS[a.type](aligned.buffer as ArrayBuffer, base + a.offset, a.length));
  const visit = (v: unknown): unknown => {
    if (v === null || typeof v !== 'object') return v;
    if (Array.isArray(v)) return typeof v[0] === 'string' ? v : v.map(visit);
    const map = v as Record<string, unknown>;
    if (typeof map.$array === 'number') return views[map.$array];
    if (typeof map.$number === 'string') return Number(map.$number);
    return Object.fromEntries(Object.entries(map).map(([key, inner]) => [key, visit(inner)]));
  };
  return visit(value);
}
