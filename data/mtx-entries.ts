import { DataError } from '../core/errors.ts';
import type { CsrMatrix } from './matrix.ts';
import { BLOCK_VALUES, type MatrixSource, type RowBlock, tidyRows } from './source.ts';
import { textChunks } from './text.ts';

/** The size line of a Matrix Market file, which here lies genes x cells. */
export interface MtxHeader {
  readonly rows: number;
  readonly cols: number;
  readonly entries: number;
  /** Bytes before the first entry, and lines. */
  readonly bytes: number;
  readonly lines: number;
  /** True for `pattern` files: entries without a value are ones. */
  readonly pattern: boolean;
}

/** Reads the head of a Matrix Market coordinate file. */
export async function readHeader(path: string): Promise<MtxHeader> {
  let text = '';
  for await (const chunk of textChunks(path)) {
    text += chunk.toString('latin1');
    const size = /^(%[^\n]*\n|\s*\n)*([^%\n][^\n]*)\n/.exec(text);
    if (!size && text.length < 1 << 20) continue;
    const banner = /^%%MatrixMarket\s+matrix\s+coordinate\s+(real|integer|pattern|double)\s+general/i.exec(text);
    const [rows, cols, entries] = (size?.[2] ?? '').trim().split(/\s+/).map(Number);
    if (!banner || !size || ![rows, cols, entries].every((n) => Number.isInteger(n) && n >= 0 && n <= 0xffffffff)) break;
    const bytes = size[0].length;
    return { rows, cols, entries, bytes, lines: size[0].split('\n').length - 1, pattern: banner[1].toLowerCase() === 'pattern' };
  }
  throw new DataError('The file is not a general coordinate matrix in Matrix Market format', {
    context: { file: path, line: 1 },
    mend: 'Its first line must be "%%MatrixMarket matrix coordinate integer general" (or real, or pattern).',
  });
}

/** The longest line, in bytes: three numbers. */
const LONGEST = 1_000;

type Visit = (gene: number, cell: number, value: number) => void;

/** Walks all entries in file order (numbers from 0); bad lines and a wrong number of entries give a DataError with the line. */
async function* walk(path: string, header: MtxHeader, visit: Visit): AsyncGenerator<number> {
  let skip = header.bytes;
  let line = header.lines + 1;
  let entries = 0;
  let rest: Buffer = Buffer.alloc(0);
  const bad = (what: string): never => {
    throw new DataError(what, { context: { file: path, line }, mend: 'Fetch or export the file again.' });
  };
  const parse = (bytes: Buffer, from: number, to: number): void => {
    let [a, b, value] = [0, 0, header.pattern ? 1 : Number.NaN];
    let at = from;
    while (at < to && bytes[at] >= 48) a = a * 10 + bytes[at++] - 48;
    while (at < to && bytes[at] <= 32) at++;
    while (at < to && bytes[at] >= 48) b = b * 10 + bytes[at++] - 48;
    while (at < to && bytes[at] <= 32) at++;
    if (at < to) {
      let whole = 0;
      let p = at;
      while (p < to && bytes[p] >= 48 && bytes[p] <= 57) whole = whole * 10 + bytes[p++] - 48;
      value = p === to || bytes[p] <= 32 ? whole : Number(bytes.toString('latin1', at, to));
    }
    if (
      !(a >= 1 && a <= header.rows && b >= 1 && b <= header.cols) ||
      (Number.isNaN(value) && !/nan/i.test(bytes.toString('latin1', at, to)))
    )
      bad('The line is not an entry of the matrix');
    visit(a - 1, b - 1, value);
    entries++;
  };
  for await (const chunk of textChunks(path)) {
    let bytes: Buffer = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    const drop = Math.min(skip, bytes.length);
    skip -= drop;
    bytes = bytes.subarray(drop);
    let from = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
      if (end > from && bytes[from] > 32) parse(bytes, from, end);
      from = end + 1;
      line++;
    }
    rest = bytes.subarray(from);
    if (rest.length > LONGEST) bad('The line does not end');
    yield entries;
  }
  if (rest.length > 0 && rest[0] > 32) parse(rest, 0, rest.length);
  if (entries !== header.entries) bad(`The matrix has ${entries} entries, not the ${header.entries} of its head`);
  yield entries;
}

/** Cells of a coordinate file. Files sorted by cell (as 10x writes them) stream in blocks; others take one walk to count and one to fill. */
export function coordinateSource(path: string, header: MtxHeader): MatrixSource {
  const { rows: cols, cols: rows, entries } = header;
  return {
    rows,
    cols,
    entries,
    async *blocks(limit = BLOCK_VALUES) {
      const builder = new CellBlocks(rows, cols, limit, entries);
      for await (const _ of walk(path, header, builder.visit)) {
        if (!builder.sorted) break;
        yield* builder.take(path);
      }
      if (builder.sorted) yield* builder.finish(path);
      else if (builder.given > 0)
        throw new DataError('The entries of the matrix are sorted by cell at first, but not later', {
          context: { file: path },
          mend: 'Sort the entries by cell, or use fewer cells.',
        });
      else yield { first: 0, matrix: await unsorted(path, header) };
    },
  };
}

/** Collects entries that come cell by cell into row blocks. */
class CellBlocks {
  sorted = true;
  given = 0;
  readonly #rows: number;
  readonly #cols: number;
  readonly #limit: number;
  #indptr: number[] = [0];
  #indices: Uint32Array;
  #data: Float32Array;
  #used = 0;
  #first = 0;

  constructor(rows: number, cols: number, limit: number, entries: number) {
    this.#rows = rows;
    this.#cols = cols;
    this.#limit = Math.min(limit, entries);
    this.#indices = new Uint32Array(this.#limit + 1024);
    this.#data = new Float32Array(this.#limit + 1024);
  }

  readonly visit: Visit = (gene, cell, value) => {
    let open = this.#first + this.#indptr.length - 1;
    if (cell < open) this.sorted = false;
    for (; open < cell; open++) this.#indptr.push(this.#used);
    if (this.#used === this.#data.length) this.#grow();
    this.#indices[this.#used] = gene;
    this.#data[this.#used++] = value;
  };

  #grow(): void {
    const size = Math.ceil(this.#data.length * 1.5);
    const indices = new Uint32Array(size);
    const data = new Float32Array(size);
    indices.set(this.#indices);
    data.set(this.#data);
    this.#indices = indices;
    this.#data = data;
  }

  /** The finished cells so far, when there are enough of them for a block. */
  *take(path: string): Generator<RowBlock> {
    if (this.#used < this.#limit || this.#indptr.length < 2) return;
    const done = this.#indptr[this.#indptr.length - 1];
    const block = this.#cut(done, Uint32Array.from(this.#indptr), path);
    const left = this.#used - done;
    this.#indices.copyWithin(0, done, this.#used);
    this.#data.copyWithin(0, done, this.#used);
    this.#used = left;
    this.#indptr = [0];
    yield block;
  }

  *finish(path: string): Generator<RowBlock> {
    while (this.#first + this.#indptr.length - 1 < this.#rows) this.#indptr.push(this.#used);
    if (this.#indptr.length > 1) yield this.#cut(this.#used, Uint32Array.from(this.#indptr), path);
  }

  #cut(end: number, indptr: Uint32Array, path: string): RowBlock {
    const first = this.#first;
    const matrix: CsrMatrix = {
      kind: 'csr',
      rows: indptr.length - 1,
      cols: this.#cols,
      indptr,
      indices: this.#indices.slice(0, end),
      data: this.#data.slice(0, end),
    };
    this.#first += matrix.rows;
    this.given++;
    return { first, matrix: tidyRows(matrix, path, first) };
  }
}

async function unsorted(path: string, header: MtxHeader): Promise<CsrMatrix> {
  const indptr = new Uint32Array(header.cols + 1);
  for await (const _ of walk(path, header, (_gene, cell) => indptr[cell + 1]++));
  for (let i = 0; i < header.cols; i++) indptr[i + 1] += indptr[i];
  const next = indptr.slice(0, header.cols);
  const indices = new Uint32Array(header.entries);
  const data = new Float32Array(header.entries);
  const fill: Visit = (gene, cell, value) => {
    indices[next[cell]] = gene;
    data[next[cell]++] = value;
  };
  for await (const _ of walk(path, header, fill));
  return tidyRows({ kind: 'csr', rows: header.cols, cols: header.rows, indptr, indices, data }, path);
}
