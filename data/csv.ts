import { DataError } from '../core/errors.ts';
import { renamedNotes } from './h5ad.ts';
import { type CsrMatrix, type Matrix, toCsc } from './matrix.ts';
import { makeUnique } from './names.ts';
import { cellsAreRows } from './orientation.ts';
import { memorySource, type OpenDataset, type OpenOptions } from './source.ts';
import { fields, tableLines } from './text.ts';

/** Opens a table of numbers (csv, tsv; also .gz) with names in the first row and first column, lying either way; text is read in one walk, zeros are not kept. */
export async function openCsv(path: string, options: OpenOptions): Promise<OpenDataset> {
  const table = await readTable(path);
  const { rowNames, columnNames } = table;
  const byCells = cellsAreRows(rowNames, columnNames, { ...options, file: path });
  const matrix = table.finish(byCells);
  const cells = makeUnique(byCells ? rowNames : columnNames);
  const genes = makeUnique(byCells ? columnNames : rowNames);
  return {
    path,
    format: path.replace(/\.gz$/i, '').toLowerCase().endsWith('.csv') ? 'csv' : 'tsv',
    obs: { index: cells.names, columns: {} },
    var: { index: genes.names, columns: {} },
    obsm: {},
    uns: {},
    X: memorySource(matrix),
    layers: {},
    notes: [byCells ? 'rows are cells' : 'rows are genes', ...renamedNotes(genes.renamed, cells.renamed)],
    close: () => undefined,
  };
}

/** A table read line by line: the numbers that are not zero, and names. */
class Table {
  readonly rowNames: string[] = [];
  columnNames: readonly string[] = [];
  #indptr: number[] = [0];
  #indices = new Uint32Array(1 << 16);
  #data = new Float32Array(1 << 16);
  #used = 0;

  put(column: number, value: number): void {
    if (value === 0) return;
    if (this.#used === this.#data.length) {
      const indices = new Uint32Array(this.#used * 2);
      const data = new Float32Array(this.#used * 2);
      indices.set(this.#indices);
      data.set(this.#data);
      this.#indices = indices;
      this.#data = data;
    }
    this.#indices[this.#used] = column;
    this.#data[this.#used++] = value;
  }

  endRow(name: string): void {
    this.rowNames.push(name);
    this.#indptr.push(this.#used);
  }

  /** Cells x genes: CSR, or dense when at least half of the numbers are not zero. */
  finish(byCells: boolean): Matrix {
    const [rows, cols] = [this.rowNames.length, this.columnNames.length];
    const indptr = Uint32Array.from(this.#indptr);
    const lying: CsrMatrix = {
      kind: 'csr',
      rows,
      cols,
      indptr,
      indices: this.#indices.slice(0, this.#used),
      data: this.#data.slice(0, this.#used),
    };
    const turned = byCells ? lying : toCsc(lying);
    const matrix: CsrMatrix = byCells ? lying : { ...turned, kind: 'csr', rows: cols, cols: rows };
    if (this.#used < 0.5 * rows * cols) return matrix;
    const data = new Float32Array(rows * cols);
    for (let i = 0; i < matrix.rows; i++)
      for (let p = matrix.indptr[i]; p < matrix.indptr[i + 1]; p++) data[i * matrix.cols + matrix.indices[p]] = matrix.data[p];
    return { kind: 'dense', rows: matrix.rows, cols: matrix.cols, data };
  }
}

async function readTable(path: string): Promise<Table> {
  const table = new Table();
  for await (const { header, separator, line, number } of tableLines(path)) {
    if (table.rowNames.length === 0) table.columnNames = columnNames(header, fields(line, separator).length, path);
    readLine(table, line, { separator, number, path });
  }
  if (table.rowNames.length === 0 || table.columnNames.length === 0) {
    throw new DataError('The table is empty', {
      context: { file: path },
      mend: 'It needs a row of names, and below it rows that start with a name.',
    });
  }
  return table;
}

/** R leaves out the name of the first column, so that the header is one short. */
function columnNames(header: string[], width: number, path: string): string[] {
  if (header.length === width - 1) return header;
  if (header.length === width) return header.slice(1);
  throw new DataError('The first row of numbers has another length than the row of names', {
    context: { file: path, line: 2, names: header.length, fields: width },
  });
}

interface Line {
  readonly separator: string;
  readonly number: number;
  readonly path: string;
}

function readLine(table: Table, line: string, { separator, number, path }: Line): void {
  const [name, start] = rowName(line, separator);
  const width = table.columnNames.length;
  const code = separator.charCodeAt(0);
  let column = 0;
  for (let at = start; at <= line.length; column++) {
    let whole = 0;
    let p = at;
    for (let c = line.charCodeAt(p); c >= 48 && c <= 57 && p - at < 15; c = line.charCodeAt(++p)) whole = whole * 10 + c - 48;
    if (p === at || (p < line.length && line.charCodeAt(p) !== code)) {
      p = line.indexOf(separator, at);
      if (p < 0) p = line.length;
      const field = line
        .slice(at, p)
        .trim()
        .replace(/^"(.*)"$/, '$1');
      whole = toNumber(field);
      if (whole !== whole && !/^[+-]?nan$/i.test(field)) {
        throw new DataError(field === '' ? 'A field is empty where a number is needed' : `"${field.slice(0, 40)}" is not a number`, {
          context: { file: path, line: number, column: column + 2, row: name, name: table.columnNames[column] ?? '' },
          mend: 'The table must hold numbers only; give labels in a file of their own (obs_file).',
        });
      }
    }
    if (column < width) table.put(column, whole);
    at = p + 1;
  }
  if (column !== width) {
    throw new DataError('The row has another number of fields than the row of names', {
      context: { file: path, line: number, fields: column, names: width },
    });
  }
  table.endRow(name);
}

function toNumber(field: string): number {
  if (field === '') return Number.NaN;
  if (/^[+-]?inf(inity)?$/i.test(field)) return field.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(field);
}

/** The first field, and where the second starts. */
function rowName(line: string, separator: string): [string, number] {
  const quoted = /^"((?:[^"]|"")*)"/.exec(line);
  if (quoted) return [quoted[1].replaceAll('""', '"'), quoted[0].length + 1];
  const end = line.indexOf(separator);
  return end < 0 ? [line, line.length + 1] : [line.slice(0, end), end + 1];
}
