import { existsSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { DataError } from '../core/errors.ts';

/** A tensor of a file of weights, row-major. */
export interface StoredTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** An opened file of weights: the names there, and a way to read some of them. */
export interface StoredTensors {
  readonly names: readonly string[];
  read(names: readonly string[]): Promise<Map<string, StoredTensor>>;
}

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

const CONVERT =
  "python -c \"import torch, safetensors.torch as s; w = torch.load('WEIGHTS.pth', map_location='cpu', weights_only=True); " +
  "s.save_file({k: v.contiguous() for k, v in w.items()}, 'WEIGHTS.safetensors')\"";

/**
 * Opens a .safetensors file: an 8-byte length, a JSON header of names, types, shapes and places, then the bytes. F32 and F16 are read.
 * Format: huggingface/safetensors, README. DataError for a pickle (.pth, .pt, .bin), a broken file, and tensors of another type.
 */
export async function openSafetensors(path: string): Promise<StoredTensors> {
  if (!existsSync(path)) throw new DataError('The file of weights does not exist', { context: { file: path }, mend: 'Check the path.' });
  const [start, { size }] = await Promise.all([readBytes(path, 0, 8), stat(path)]);
  if (start.toString('latin1', 0, 2) === 'PK' || start[0] === 0x80) {
    throw new DataError('The weights are a pickle of PyTorch, which can run any code when it is read', {
      context: { file: path },
      mend: `Convert them once: ${CONVERT}`,
    });
  }
  const length = start.length === 8 ? Number(start.readBigUInt64LE()) : Infinity;
  const base = 8 + length;
  const header = base <= size ? parse(await readBytes(path, 8, length)) : undefined;
  const entries = Object.entries(header ?? {}).filter(([name]) => name !== '__metadata__') as [string, Entry][];
  if (header === undefined || entries.some(([, e]) => !isFine(e, size - base))) {
    throw new DataError('The file is no .safetensors file, or not whole', {
      context: { file: path, bytes: size },
      mend: 'Fetch or export it again.',
    });
  }
  const table = new Map(entries);
  return {
    names: [...table.keys()],
    read: async (names) => {
      const found = new Map<string, StoredTensor>();
      for (const name of names) {
        const {
          dtype,
          shape,
          data_offsets: [from, to],
        } = table.get(name)!;
        const bytes = await readBytes(path, base + from, to - from);
        found.set(name, { shape, data: floats(bytes, dtype, { file: path, tensor: name }) });
      }
      return found;
    },
  };
}

async function readBytes(path: string, at: number, length: number): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function parse(bytes: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function isFine({ dtype, shape, data_offsets: offsets }: Partial<Entry>, bytes: number): boolean {
  if (typeof dtype !== 'string' || !Array.isArray(shape) || !Array.isArray(offsets)) return false;
  const [from, to] = offsets as [number, number];
  const width = dtype === 'F32' ? 4 : dtype === 'F16' ? 2 : undefined;
  const wanted = width === undefined ? to - from : shape.reduce((n, d) => n * d, width);
  return from >= 0 && from <= to && to <= bytes && to - from === wanted;
}

function floats(bytes: Buffer, dtype: string, context: { readonly file: string; readonly tensor: string }): Float32Array {
  if (dtype === 'F32') return new Float32Array(Uint8Array.from(bytes).buffer);
  if (dtype === 'F16') return Float32Array.from(new Uint16Array(Uint8Array.from(bytes).buffer), half);
  throw new DataError(`The weights are stored as ${dtype}; F32 and F16 can be read`, {
    context: { ...context, dtype },
    mend: 'Save them as float32: {k: v.float() for k, v in weights.items()}.',
  });
}

/** A half-precision number (IEEE 754 binary16) from its bits. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
