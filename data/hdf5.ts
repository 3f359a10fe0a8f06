import { existsSync, openSync, readSync, closeSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import type { Dataset as H5Dataset, File as H5File, Group as H5Group } from 'h5wasm/node';
import { DataError, isPanelflowError } from '../core/errors.ts';
import { checkPlain } from './text.ts';

export type { H5Dataset, H5File, H5Group };
type Library = typeof import('h5wasm/node');

let loading: Promise<Library> | undefined;

/** The HDF5 library, ready to read: errors throw, and plugins for lzf, blosc and zstd are found. */
export async function hdf5(): Promise<Library> {
  loading ??= import('h5wasm/node').then(async (library) => {
    const module = await library.ready;
    module.activate_throwing_error_handler();
    const plugins = join(dirname(createRequire(import.meta.url).resolve('h5wasm-plugins/package.json')), 'plugins');
    module.insert_plugin_search_path(plugins, 0);
    fence(module as unknown as Fenced, plugins);
    return library;
  });
  return loading;
}

interface Fenced {
  open: (path: string, ...rest: unknown[]) => unknown;
  readonly FS: { open: (path: string, ...rest: unknown[]) => unknown; readonly ErrnoError: new (code: number) => Error };
}
/** "No such file", as the library's file system counts. */
const ENOENT = 44;

/**
 * An HDF5 file can point at others: external links, raw data in any file, virtual datasets. The library opens what it was told to open, and
 * its codecs; all else is not there for it.
 */
function fence(module: Fenced, plugins: string): void {
  const { FS } = module;
  const [open, openFile] = [module.open.bind(module), FS.open.bind(FS)];
  let named: string | undefined;
  module.open = (path, ...rest) => {
    named = resolve(path);
    try {
      return open(path, ...rest);
    } finally {
      named = undefined;
    }
  };
  FS.open = (path, ...rest) => {
    const asked = resolve(path);
    if (asked !== named && asked !== plugins && dirname(asked) !== plugins) throw new FS.ErrnoError(ENOENT);
    return openFile(path, ...rest);
  };
}

/** True when the file starts as an HDF5 file does. */
export function isHdf5(path: string): boolean {
  const head = Buffer.alloc(8);
  guard(path, () => {
    const fd = openSync(path, 'r');
    try {
      readSync(fd, head, 0, 8, 0);
    } finally {
      closeSync(fd);
    }
  });
  return head.toString('latin1') === '\x89HDF\r\n\x1a\n';
}

/** Opens an HDF5 file for reading; a missing, empty, foreign or truncated file gives one DataError with its name. */
export async function openHdf5(path: string): Promise<H5File> {
  if (!existsSync(path)) throw new DataError('The file does not exist', { context: { file: path }, mend: 'Check the path.' });
  checkPlain(path);
  if (statSync(path).size === 0) throw new DataError('The file is empty', { context: { file: path }, mend: 'Fetch or export it again.' });
  if (!isHdf5(path)) {
    throw new DataError('The file is not HDF5, although its name says so', {
      context: { file: path },
      mend: 'Give an .h5ad, .h5 or .loom file, or rename the file after its true format.',
    });
  }
  const { File } = await hdf5();
  return guard(path, () => new File(path, 'r'));
}

/** Runs `read`, turning whatever the HDF5 library throws into one DataError that names the file. */
export function guard<T>(file: string, read: () => T, part?: string): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof DataError && error.context.file === undefined)
      throw new DataError(error.message, { context: { file, ...error.context }, mend: error.mend });
    if (isPanelflowError(error) || error instanceof ReferenceError) throw error;
    const reason = firstLine(error);
    const codec = /required filter '([^']+)'/.exec(String(error instanceof Error ? error.message : error))?.[1];
    throw new DataError(codec ? `The file is packed with "${codec}", which is not supported` : 'The file is damaged or truncated', {
      cause: error,
      context: { file, ...(part ? { part } : {}), ...(reason ? { reason } : {}) },
      mend: codec ? 'Write it again with gzip or lzf.' : 'Fetch or export the file again.',
    });
  }
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const line = text.split('\n').find((l) => /^\s*#000/.test(l)) ?? text.split('\n')[0];
  return line
    .replace(/^.*?\): /, '')
    .trim()
    .slice(0, 120);
}

/** The group at a path inside the file, or undefined. */
export function group(at: H5Group, name: string): H5Group | undefined {
  const found = entity(at, name);
  return found && isGroup(found) ? found : undefined;
}

/** The dataset at a path inside the file, or undefined. */
export function dataset(at: H5Group, name: string): H5Dataset | undefined {
  const found = entity(at, name);
  return found && 'slice' in found ? found : undefined;
}

function entity(at: H5Group, name: string): H5Group | H5Dataset | undefined {
  return at.keys().includes(name) ? ((at.get(name) as H5Group | H5Dataset | null) ?? undefined) : undefined;
}

/** True for a group, false for a dataset. */
export function isGroup(node: H5Group | H5Dataset): node is H5Group {
  return 'keys' in node;
}

/** An attribute as plain JSON values (whole numbers of 64 bits become numbers), or undefined. */
export function attribute(at: H5Group | H5Dataset, name: string): unknown {
  const found = at.attrs[name];
  return found ? plain(found.value) : undefined;
}

/** An attribute as a word, '' when there is none. */
export function wordAttribute(at: H5Group | H5Dataset, name: string): string {
  const value = attribute(at, name);
  return typeof value === 'string' ? value : '';
}

/** Numbers, strings and lists of them, without BigInt and typed arrays. */
export function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return Array.from(value as unknown as ArrayLike<number | bigint>, Number);
  if (Array.isArray(value)) return value.map(plain);
  return value;
}

/** So many bytes, as declared, are read in one piece: a file of some kB can declare any number of values. */
const MOST_BYTES = 2 ** 31;

/** All values of a dataset as the library gives them; DataError where it declares more than could ever be read in one piece. */
export function valuesOf(from: H5Dataset): unknown {
  const { shape, metadata } = from;
  const bytes = (shape ?? []).reduce((product, n) => product * n, metadata.size);
  if (bytes > MOST_BYTES)
    throw new DataError('The file declares more values than can be read', {
      context: { part: from.path, shape: String(shape), bytes },
      mend: 'Is it damaged? Names and columns have a value for each cell or gene.',
    });
  return from.value;
}

/** All values of a numeric dataset; 64-bit whole numbers and booleans become numbers. */
export function numbers(from: H5Dataset): Float64Array {
  return toFloat64(valuesOf(from));
}

/** Values of any numeric kind as float64. */
export function toFloat64(value: unknown): Float64Array {
  if (value instanceof Float64Array) return value;
  if (value instanceof BigInt64Array || value instanceof BigUint64Array) return Float64Array.from(value as BigInt64Array, Number);
  if (ArrayBuffer.isView(value)) return Float64Array.from(value as unknown as ArrayLike<number>);
  if (Array.isArray(value)) return Float64Array.from(value, Number);
  return Float64Array.of(Number(value));
}

/** Values of any numeric kind as float32. */
export function toFloat32(value: unknown): Float32Array {
  if (value instanceof Float32Array) return value;
  if (value instanceof BigInt64Array || value instanceof BigUint64Array) return Float32Array.from(value as BigInt64Array, Number);
  return Float32Array.from(value as ArrayLike<number>);
}

/** Index values of any whole-number kind as uint32. */
export function toUint32(value: unknown): Uint32Array {
  if (value instanceof Int32Array) return new Uint32Array(value.buffer, value.byteOffset, value.length);
  // What no 32 bits hold lies outside of every matrix, and must not wrap around into it.
  if (value instanceof BigInt64Array || value instanceof BigUint64Array)
    return Uint32Array.from(value as BigInt64Array, (index) => (index < 0n || index > 0xffffffffn ? 0xffffffff : Number(index)));
  return Uint32Array.from(value as ArrayLike<number>);
}

/** True for a dataset of strings, fixed or variable in length. */
export function isText(of: H5Dataset): boolean {
  return of.metadata.type === 3;
}

const LZF = 32_000;

/** False for text packed with lzf: the codec stops the whole library there, so it must not be tried. */
export function isReadable(of: H5Dataset): boolean {
  return !isText(of) || !of.filters.some((f) => f.id === LZF && f.cd_values.length < 3);
}

/** All values of a string dataset (numbers are turned into words). */
export function words(from: H5Dataset): string[] {
  if (!isReadable(from)) {
    throw new DataError('The file holds names packed with lzf, which cannot be read', {
      context: { part: from.path },
      mend: "Write it again without lzf, e.g. anndata.read_h5ad(old).write_h5ad(new, compression='gzip').",
    });
  }
  const value = valuesOf(from);
  const list = Array.isArray(value)
    ? value
    : ArrayBuffer.isView(value)
      ? Array.from(value as unknown as ArrayLike<number | bigint>)
      : [value];
  return list.map((w: unknown) => (typeof w === 'string' ? w : typeof w === 'number' || typeof w === 'bigint' ? `${w}` : ''));
}
