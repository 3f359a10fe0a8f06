import { DataError } from '../core/errors.ts';
import { attribute, dataset, guard, type H5Dataset, type H5Group, isGroup, numbers, toFloat32, toUint32, wordAttribute } from './hdf5.ts';
import type { CsrMatrix } from './matrix.ts';
import { BLOCK_VALUES, type MatrixSource, tidyRows } from './source.ts';

/** So many values of a dense matrix are walked through in minutes; more are never meant, and cost a hostile file nothing. */
const MOST_DENSE = 1e11;

/** Where a matrix lies: for error messages. */
export interface Place {
  readonly file: string;
  readonly part: string;
}

/** The parts of a compressed matrix; `major` counts rows of CSR, columns of CSC. */
interface Compressed extends Place {
  readonly major: number;
  readonly minor: number;
  readonly indptr: Float64Array;
  readonly indices: H5Dataset;
  readonly data: H5Dataset;
}

/** A source over what anndata writes as a matrix: csr_matrix, csc_matrix (also of anndata 0.5) or a dense dataset. */
export function matrixSource(node: H5Group | H5Dataset, place: Place): MatrixSource {
  if (!isGroup(node)) return denseSource(node, place);
  const at = node;
  const kind = wordAttribute(at, 'encoding-type') || wordAttribute(at, 'h5sparse_format');
  const shape = (attribute(at, 'shape') ?? attribute(at, 'h5sparse_shape')) as number[] | undefined;
  if (!/^cs[rc]/.test(kind) || !shape || shape.length !== 2) {
    throw new DataError(`The matrix is of a kind that is not supported: "${kind || 'unknown'}"`, {
      context: { ...place },
      mend: 'Store it as a dense, csr or csc matrix.',
    });
  }
  const [rows, cols] = shape;
  return kind.startsWith('csr') ? rowSource(compressed(at, [rows, cols], place)) : columnSource(compressed(at, [cols, rows], place));
}

/** The three arrays of a compressed matrix in a group, checked against each other. */
export function compressed(at: H5Group, [major, minor]: readonly [number, number], place: Place): Compressed {
  const part = (name: string): H5Dataset => {
    const found = dataset(at, name);
    if (!found) throw new DataError(`The sparse matrix lacks its "${name}"`, { context: { ...place } });
    return found;
  };
  const indptr = guard(place.file, () => numbers(part('indptr')), place.part);
  const [indices, data] = [part('indices'), part('data')];
  let fine = indptr.length === major + 1 && indptr[0] === 0;
  for (let i = 0; fine && i < major; i++) fine = indptr[i] <= indptr[i + 1];
  const stored = data.shape?.[0] ?? 0;
  if (!fine || indptr[major] !== stored || indices.shape?.[0] !== stored) {
    throw new DataError('The file is damaged: the parts of the sparse matrix do not fit each other', {
      context: { ...place, stored },
      mend: 'Fetch or export the file again.',
    });
  }
  return { ...place, major, minor, indptr, indices, data };
}

/** Rows of a CSR matrix, read block by block. */
export function rowSource(m: Compressed): MatrixSource {
  const { major: rows, minor: cols, indptr } = m;
  return {
    rows,
    cols,
    entries: indptr[rows],
    async *blocks(limit = BLOCK_VALUES) {
      for (let from = 0; from < rows;) {
        let to = from + 1;
        while (to < rows && indptr[to + 1] - indptr[from] <= limit) to++;
        const [a, b] = [indptr[from], indptr[to]];
        const block: CsrMatrix = {
          kind: 'csr',
          rows: to - from,
          cols,
          indptr: Uint32Array.from(indptr.subarray(from, to + 1), (p) => p - a),
          indices: stretch(m, m.indices, a, b, toUint32),
          data: stretch(m, m.data, a, b, toFloat32),
        };
        yield { first: from, matrix: tidyRows(block, m.file, from) };
        from = to;
      }
    },
  };
}

function stretch<T>({ file, part }: Place, from: H5Dataset, a: number, b: number, turn: (value: unknown) => T): T {
  return a === b ? turn(new Float32Array(0)) : guard(file, () => turn(from.slice([[a, b]])), part);
}

/** Rows of a CSC matrix: one walk counts entries per row, then one walk per block scatters them; no dense copy. */
function columnSource(m: Compressed): MatrixSource {
  const { major: cols, minor: rows, indptr } = m;
  return {
    rows,
    cols,
    entries: indptr[cols],
    columnMajor: true,
    async *blocks(limit = BLOCK_VALUES) {
      const counts = rowCounts(m);
      for (let from = 0; from < rows;) {
        let to = from + 1;
        let size = counts[from];
        while (to < rows && size + counts[to] <= limit) size += counts[to++];
        yield { first: from, matrix: scatter(m, counts, from, to) };
        from = to;
      }
    },
  };
}

function rowCounts(m: Compressed): Uint32Array {
  const counts = new Uint32Array(m.minor);
  const stored = m.indptr[m.major];
  for (let a = 0; a < stored; a += BLOCK_VALUES) {
    const rows = stretch(m, m.indices, a, Math.min(stored, a + BLOCK_VALUES), toUint32);
    for (let p = 0; p < rows.length; p++) {
      if (rows[p] >= m.minor)
        throw new DataError('The file is damaged: a row index lies outside the matrix', {
          context: { file: m.file, part: m.part, index: rows[p] },
        });
      counts[rows[p]]++;
    }
  }
  return counts;
}

function scatter(m: Compressed, counts: Uint32Array, from: number, to: number): CsrMatrix {
  const out = new Uint32Array(to - from + 1);
  for (let i = from; i < to; i++) out[i - from + 1] = out[i - from] + counts[i];
  const indices = new Uint32Array(out[to - from]);
  const data = new Float32Array(out[to - from]);
  const next = out.slice();
  const stored = m.indptr[m.major];
  for (let a = 0, j = 0; a < stored; a += BLOCK_VALUES) {
    const end = Math.min(stored, a + BLOCK_VALUES);
    const rows = stretch(m, m.indices, a, end, toUint32);
    const values = stretch(m, m.data, a, end, toFloat32);
    for (let p = 0; p < rows.length; p++) {
      while (m.indptr[j + 1] <= a + p) j++;
      if (rows[p] < from || rows[p] >= to) continue;
      const q = next[rows[p] - from]++;
      indices[q] = j;
      data[q] = values[p];
    }
  }
  return tidyRows({ kind: 'csr', rows: to - from, cols: m.major, indptr: out, indices, data }, m.file, from);
}

function shapeOf(from: H5Dataset, place: Place): readonly [number, number] {
  const shape = from.shape ?? [];
  if (shape.length === 2 && shape[0] * shape[1] <= MOST_DENSE) return [shape[0], shape[1]];
  if (shape.length === 2)
    throw new DataError('The dense matrix declares more values than can be read', {
      context: { ...place, rows: shape[0], columns: shape[1] },
      mend: 'Store it as a sparse matrix (csr).',
    });
  throw new DataError('The matrix is not two-dimensional', { context: { ...place, dimensions: shape.length } });
}

/** Rows of a dense dataset, cells x genes. */
function denseSource(from: H5Dataset, place: Place): MatrixSource {
  const [rows, cols] = shapeOf(from, place);
  return {
    rows,
    cols,
    async *blocks(limit = BLOCK_VALUES) {
      const step = Math.max(1, Math.floor(Math.min(limit, BLOCK_VALUES) / Math.max(1, cols)));
      for (let first = 0; first < rows; first += step) {
        const last = Math.min(rows, first + step);
        const data =
          cols === 0
            ? new Float32Array(0)
            : guard(
                place.file,
                () =>
                  toFloat32(
                    from.slice([
                      [first, last],
                      [0, cols],
                    ]),
                  ),
                place.part,
              );
        yield { first, matrix: { kind: 'dense', rows: last - first, cols, data } };
      }
    },
  };
}

/** Cells of a dense dataset that lies genes x cells (loom), turned block by block. */
export function transposedSource(from: H5Dataset, place: Place): MatrixSource {
  const [cols, rows] = shapeOf(from, place);
  return {
    rows,
    cols,
    async *blocks(limit = BLOCK_VALUES) {
      const step = Math.max(1, Math.floor(Math.min(limit, BLOCK_VALUES) / Math.max(1, cols)));
      for (let first = 0; first < rows; first += step) {
        const n = Math.min(rows, first + step) - first;
        const turned = guard(
          place.file,
          () =>
            toFloat32(
              from.slice([
                [0, cols],
                [first, first + n],
              ]),
            ),
          place.part,
        );
        const data = new Float32Array(n * cols);
        for (let j = 0, p = 0; j < cols; j++) for (let i = 0; i < n; i++, p++) data[i * cols + j] = turned[p];
        yield { first, matrix: { kind: 'dense', rows: n, cols, data } };
      }
    },
  };
}
