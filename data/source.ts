import { DataError } from '../core/errors.ts';
import type { Frame } from './dataset.ts';
import type { CsrMatrix, DenseMatrix, Matrix } from './matrix.ts';

/** Consecutive rows of a larger matrix, starting at row `first`. */
export interface RowBlock {
  readonly first: number;
  readonly matrix: Matrix;
}

/** A matrix on disk, cells x genes, that can be walked in row blocks as often as wanted. */
export interface MatrixSource {
  readonly rows: number;
  readonly cols: number;
  /** Stored entries, when the file says so; undefined for dense and text files. */
  readonly entries?: number;
  /** True when a row block costs a walk through the whole file (column-major files), so that one big block is best. */
  readonly columnMajor?: boolean;
  /** Blocks in rising order that together are the matrix, each of at most `limit` stored values (but at least one row). */
  blocks(limit?: number): AsyncIterable<RowBlock>;
}

/** Stored values in one block unless asked otherwise: 32 MB of indices and values. */
export const BLOCK_VALUES = 4_194_304;

/** An opened file: names, annotations and a matrix that has not been read yet. */
export interface OpenDataset {
  readonly path: string;
  readonly format: string;
  readonly obs: Frame;
  readonly var: Frame;
  readonly obsm: Readonly<Record<string, DenseMatrix>>;
  readonly uns: Readonly<Record<string, unknown>>;
  readonly X: MatrixSource;
  readonly layers: Readonly<Record<string, MatrixSource>>;
  /** Remarks for the user, e.g. that gene names were made unique. */
  readonly notes: readonly string[];
  close(): void;
}

/** What to take from a file; a format ignores what it does not have. */
export interface OpenOptions {
  /** Which matrix becomes X: 'X', 'raw' or a layer's name. */
  readonly layer?: string;
  /** Layers to keep beside X; default 'counts' where there is one. */
  readonly layers?: readonly string[];
  /** obs columns to read; default all. */
  readonly columns?: readonly string[];
  /** Genome of a 10x file that holds several. */
  readonly genome?: string;
  /** Which way a csv or tsv lies; default found out from its names. */
  readonly orientation?: 'auto' | 'cells-by-genes' | 'genes-by-cells';
  /** Cell names known from elsewhere (a label file): they tell which way a table lies. */
  readonly cellNames?: ReadonlySet<string>;
  /** Feature types of a 10x file to keep; default Gene Expression. */
  readonly featureTypes?: readonly string[];
}

/** A CSR block whose rows have rising columns without repeats; sorts rows and adds up repeats where needed, refuses columns outside the matrix. */
export function tidyRows(m: CsrMatrix, file: string, first = 0): CsrMatrix {
  const { indptr, indices } = m;
  let tidy = true;
  for (let i = 0; i < m.rows; i++) {
    let last = -1;
    for (let p = indptr[i]; p < indptr[i + 1]; p++) {
      const j = indices[p];
      if (j >= m.cols) {
        throw new DataError('The file is damaged: a column index lies outside the matrix', {
          context: { file, row: first + i, index: j, genes: m.cols },
        });
      }
      if (j <= last) tidy = false;
      last = j;
    }
  }
  return tidy ? m : sortRows(m);
}

function sortRows(m: CsrMatrix): CsrMatrix {
  const indptr = new Uint32Array(m.rows + 1);
  const indices = new Uint32Array(m.indices.length);
  const data = new Float32Array(m.data.length);
  let q = 0;
  for (let i = 0; i < m.rows; i++) {
    const a = m.indptr[i];
    const order = Uint32Array.from({ length: m.indptr[i + 1] - a }, (_, t) => a + t).sort((x, y) => m.indices[x] - m.indices[y] || x - y);
    for (const p of order) {
      if (q > indptr[i] && indices[q - 1] === m.indices[p]) data[q - 1] += m.data[p];
      else {
        indices[q] = m.indices[p];
        data[q++] = m.data[p];
      }
    }
    indptr[i + 1] = q;
  }
  return { ...m, indptr, indices: indices.subarray(0, q), data: data.subarray(0, q) };
}

/** Some rows of a matrix as a view that shares its memory. */
export function viewRows(m: Matrix, from: number, to: number): Matrix {
  if (m.kind === 'dense') return { kind: 'dense', rows: to - from, cols: m.cols, data: m.data.subarray(from * m.cols, to * m.cols) };
  const [a, b] = [m.indptr[from], m.indptr[to]];
  const indptr = m.indptr.slice(from, to + 1).map((p) => p - a);
  return { kind: 'csr', rows: to - from, cols: m.cols, indptr, indices: m.indices.subarray(a, b), data: m.data.subarray(a, b) };
}

/** A source over a matrix that is in memory already. */
export function memorySource(m: Matrix): MatrixSource {
  return {
    rows: m.rows,
    cols: m.cols,
    entries: m.kind === 'csr' ? m.data.length : undefined,
    async *blocks(limit = BLOCK_VALUES) {
      if (limit >= m.data.length) {
        yield { first: 0, matrix: m };
        return;
      }
      for (let from = 0; from < m.rows;) {
        let to = from + 1;
        const size = (end: number): number => (m.kind === 'csr' ? m.indptr[end] - m.indptr[from] : (end - from) * m.cols);
        while (to < m.rows && size(to + 1) <= limit) to++;
        yield { first: from, matrix: viewRows(m, from, to) };
        from = to;
      }
    },
  };
}
