import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DataError } from '../core/errors.ts';
import type { Column, Dataset, Frame } from './dataset.ts';
import { guard, hdf5, type H5Dataset, type H5File, type H5Group, openHdf5 } from './hdf5.ts';
import type { Matrix } from './matrix.ts';

/** HDF5 takes one array in one piece; above this the library's memory would not hold it. */
const MOST_VALUES = 400_000_000;

/** Writes a dataset as .h5ad that anndata opens: to a temporary file first, read back, then renamed, so that the file is whole or not there. */
export async function writeH5ad(path: string, data: Dataset): Promise<void> {
  check(path, data);
  const library = await hdf5();
  const module = await library.ready;
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.part`;
  // the library leaves broken files behind when it throws in the middle of a write, so it must not throw here
  module.deactivate_throwing_error_handler();
  try {
    const file = new library.File(temporary, 'w');
    writeAll(file, data);
    file.close();
  } finally {
    module.activate_throwing_error_handler();
  }
  try {
    await readBack(temporary, data);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function check(path: string, data: Dataset): void {
  for (const [name, m] of Object.entries({ X: data.X, ...data.layers })) {
    if (m.data.length > MOST_VALUES)
      throw new DataError('The matrix is too large to write in one piece', { context: { file: path, part: name, values: m.data.length } });
    if (m.rows !== data.obs.index.length || m.cols !== data.var.index.length)
      throw new DataError('The matrix and its tables do not fit each other', { context: { file: path, part: name } });
  }
}

async function readBack(path: string, data: Dataset): Promise<void> {
  const file = await openHdf5(path);
  try {
    const fine = guard(path, () => {
      const stored = data.X.kind === 'csr' ? file.get('X/data') : file.get('X');
      const [n] = (stored as H5Dataset).shape ?? [];
      return n === (data.X.kind === 'csr' ? data.X.data.length : data.X.rows) && file.keys().includes('uns');
    });
    if (!fine) throw new DataError('The file was not written whole', { context: { file: path }, mend: 'Is the disk full?' });
  } finally {
    file.close();
  }
}

function encode(at: H5Group | H5Dataset, type: string, version: string): void {
  at.create_attribute('encoding-type', type);
  at.create_attribute('encoding-version', version);
}

function folder(at: H5Group, name: string): H5Group {
  const made = at.create_group(name);
  encode(made, 'dict', '0.1.0');
  return made;
}

function writeAll(file: H5File, data: Dataset): void {
  encode(file, 'anndata', '0.1.0');
  writeMatrix(file, 'X', data.X);
  writeFrame(file, 'obs', data.obs);
  writeFrame(file, 'var', data.var);
  const layers = folder(file, 'layers');
  for (const [name, m] of Object.entries(data.layers)) writeMatrix(layers, name, m);
  const obsm = folder(file, 'obsm');
  for (const [name, m] of Object.entries(data.obsm)) writeMatrix(obsm, name, m);
  for (const name of ['varm', 'obsp', 'varp']) folder(file, name);
  writeDict(folder(file, 'uns'), data.uns);
}

type Values = Float32Array | Float64Array | Int32Array | Int8Array | BigInt64Array;

function array(at: H5Group, name: string, values: Values, shape: number[] = [values.length]): void {
  const packed = values.length > 1024;
  const chunks =
    shape.length === 1 ? [Math.min(values.length, 65_536)] : [Math.max(1, Math.min(shape[0], Math.floor(65_536 / shape[1]))), shape[1]];
  at.create_dataset({ name, data: values, shape, ...(packed ? { chunks, compression: 'gzip' as const, compression_opts: 4 } : {}) });
}

function encodedArray(at: H5Group, name: string, values: Values, shape?: number[]): void {
  array(at, name, values, shape);
  encode(at.get(name) as H5Dataset, 'array', '0.2.0');
}

function strings(at: H5Group, name: string, values: readonly string[]): void {
  at.create_dataset({ name, data: [...values], shape: [values.length], dtype: 'S' });
  encode(at.get(name) as H5Dataset, 'string-array', '0.2.0');
}

function writeMatrix(at: H5Group, name: string, m: Matrix): void {
  if (m.kind === 'dense') {
    encodedArray(at, name, m.data, [m.rows, m.cols]);
    return;
  }
  const made = at.create_group(name);
  encode(made, 'csr_matrix', '0.1.0');
  made.create_attribute('shape', BigInt64Array.of(BigInt(m.rows), BigInt(m.cols)), [2], '<q');
  array(made, 'data', m.data);
  array(made, 'indices', new Int32Array(m.indices.buffer, m.indices.byteOffset, m.indices.length));
  array(made, 'indptr', m.data.length > 0x7fffffff ? BigInt64Array.from(m.indptr, BigInt) : Int32Array.from(m.indptr));
}

/** HDF5 reads a slash as a folder. */
const safe = (name: string): string => name.replaceAll('/', '_');

function writeFrame(at: H5Group, name: string, frame: Frame): void {
  const made = at.create_group(name);
  encode(made, 'dataframe', '0.2.0');
  made.create_attribute('_index', '_index');
  const columns = Object.entries(frame.columns).filter(([n]) => n !== '_index');
  if (columns.length > 0)
    made.create_attribute(
      'column-order',
      columns.map(([n]) => safe(n)),
    );
  else made.create_attribute('column-order', new Float64Array(0), [0], '<d');
  strings(made, '_index', frame.index);
  for (const [n, column] of columns) writeColumn(made, safe(n), column);
}

function writeColumn(at: H5Group, name: string, column: Column): void {
  if (column.kind === 'number') encodedArray(at, name, column.values);
  else if (column.kind === 'category') writeCategory(at, name, column.codes, column.categories);
  else if (column.values.every((v) => v !== null)) strings(at, name, column.values);
  else {
    // missing words have no place in a string array: as a category they read back as missing
    const categories = [...new Set(column.values.filter((v): v is string => v !== null))].sort();
    const code = new Map(categories.map((w, i) => [w, i]));
    writeCategory(
      at,
      name,
      Int32Array.from(column.values, (v) => (v === null ? -1 : (code.get(v) ?? -1))),
      categories,
    );
  }
}

function writeCategory(at: H5Group, name: string, codes: Int32Array, categories: readonly string[]): void {
  const made = at.create_group(name);
  encode(made, 'categorical', '0.2.0');
  made.create_attribute('ordered', 0, [], '<b');
  strings(made, 'categories', categories);
  encodedArray(made, 'codes', categories.length < 128 ? Int8Array.from(codes) : codes);
}

function writeDict(at: H5Group, values: Readonly<Record<string, unknown>>): void {
  for (const [raw, value] of Object.entries(values)) {
    const name = safe(raw);
    if (value === null || value === undefined) continue;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') scalar(at, name, value);
    else if (ArrayBuffer.isView(value) || (Array.isArray(value) && value.length > 0 && value.every((v) => typeof v === 'number')))
      encodedArray(at, name, Float64Array.from(value as ArrayLike<number>));
    else if (Array.isArray(value) && value.length > 0 && value.every((v) => typeof v === 'string')) strings(at, name, value);
    else if (Array.isArray(value)) scalar(at, name, JSON.stringify(value));
    else writeDict(folder(at, name), value as Record<string, unknown>);
  }
}

function scalar(at: H5Group, name: string, value: string | number | boolean): void {
  if (typeof value === 'string') at.create_dataset({ name, data: value });
  else if (typeof value === 'number') at.create_dataset({ name, data: value, shape: [], dtype: '<d' });
  else at.create_dataset({ name, data: Number(value), shape: [], dtype: '<b' });
  encode(at.get(name) as H5Dataset, typeof value === 'string' ? 'string' : 'numeric-scalar', '0.2.0');
}
