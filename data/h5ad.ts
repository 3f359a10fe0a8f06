import { DataError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { matrixSource } from './h5-matrix.ts';
import { readFrame, readUns } from './h5ad-frame.ts';
import { dataset, group, guard, type H5Dataset, type H5File, type H5Group, isGroup, isText, toFloat32, valuesOf, words } from './hdf5.ts';
import { makeUnique } from './names.ts';
import type { DenseMatrix } from './matrix.ts';
import type { Frame } from './dataset.ts';
import type { MatrixSource, OpenDataset, OpenOptions } from './source.ts';

type Node = H5Group | H5Dataset;

/** Opens an AnnData file of any version from 0.5 on; nothing of a matrix is read yet. */
export function openH5ad(file: H5File, path: string, options: OpenOptions): OpenDataset {
  return guard(path, () => {
    const uns = group(file, 'uns');
    const choice = chooseMatrix(file, path, options.layer ?? 'X');
    const categories = (column: string): readonly string[] | undefined => {
      const found = uns && dataset(uns, `${column}_categories`);
      return found && isText(found) ? words(found) : undefined;
    };
    const obs = readFrame(need(file, 'obs', path), { file: path, part: 'obs', columns: options.columns, categories });
    const genes = readFrame(choice.genes, { file: path, part: choice.part === 'raw' ? 'raw/var' : 'var', categories });
    const X = matrixSource(choice.matrix, { file: path, part: choice.part });
    checkShape(X, obs, genes, { file: path, part: choice.part });
    const layers = choice.part === 'raw' ? {} : keptLayers(file, path, { ...options, shape: X });
    const named = makeUnique(genes.index);
    const cells = makeUnique(obs.index);
    return {
      path,
      format: 'h5ad',
      obs: { ...obs, index: cells.names },
      var: { ...genes, index: named.names },
      obsm: readObsm(file, path, obs.index.length),
      uns: uns ? readUns(uns, path) : {},
      X,
      layers,
      notes: renamedNotes(named.renamed, cells.renamed),
      close: () => void file.close(),
    };
  });
}

/** What to tell the user when names had to be made unique. */
export function renamedNotes(genes: number, cells: number): string[] {
  return [
    ...(genes > 0 ? [`${genes} repeated gene names got a suffix such as -1`] : []),
    ...(cells > 0 ? [`${cells} repeated cell names got a suffix such as -1`] : []),
  ];
}

function node(at: H5Group, name: string): Node | undefined {
  return group(at, name) ?? dataset(at, name);
}

function need(at: H5Group, name: string, file: string): Node {
  const found = node(at, name);
  if (found) return found;
  throw new DataError(`The file has no "${name}", so it is not an AnnData file`, {
    context: { file, part: name },
    mend: 'Write it with anndata, or give a 10x, loom, csv or mtx file.',
  });
}

interface Choice {
  readonly part: string;
  readonly matrix: Node;
  readonly genes: Node;
}

/** The matrix that becomes X and the table of its genes. */
function chooseMatrix(file: H5File, path: string, layer: string): Choice {
  const layers = group(file, 'layers');
  const raw = group(file, 'raw');
  const rawX = raw ? node(raw, 'X') : node(file, 'raw.X');
  const rawVar = raw ? node(raw, 'var') : node(file, 'raw.var');
  if (layer === 'raw' && rawX && rawVar) return { part: 'raw', matrix: rawX, genes: rawVar };
  const X = node(file, 'X');
  if (layer === 'X' && X) return { part: 'X', matrix: X, genes: need(file, 'var', path) };
  const matrix = layers && layer !== 'X' && layer !== 'raw' ? node(layers, layer) : undefined;
  if (matrix) return { part: `layers/${layer}`, matrix, genes: need(file, 'var', path) };
  if (layer === 'X') need(file, 'obs', path);
  const there = [...(X ? ['X'] : []), ...(rawX && rawVar ? ['raw'] : []), ...(layers?.keys() ?? [])];
  const near = nearest(layer, there);
  throw new DataError(`There is no matrix "${layer}" in the file`, {
    context: { file: path, layer },
    mend: `${near ? `Did you mean "${near}"? ` : ''}Matrices there: ${there.join(', ') || 'none'}.`,
  });
}

function checkShape(X: MatrixSource, obs: Frame, genes: Frame, place: { file: string; part: string }): void {
  if (X.rows === obs.index.length && X.cols === genes.index.length) return;
  throw new DataError('The matrix and its tables do not fit each other', {
    context: { ...place, rows: X.rows, cells: obs.index.length, columns: X.cols, genes: genes.index.length },
    mend: 'Export the file again.',
  });
}

function keptLayers(file: H5File, path: string, options: OpenOptions & { shape: MatrixSource }): Record<string, MatrixSource> {
  const at = group(file, 'layers');
  const kept: Record<string, MatrixSource> = {};
  for (const name of options.layers ?? ['counts']) {
    const found = at && name !== options.layer ? node(at, name) : undefined;
    if (!found) continue;
    const source = matrixSource(found, { file: path, part: `layers/${name}` });
    if (source.rows === options.shape.rows && source.cols === options.shape.cols) kept[name] = source;
  }
  return kept;
}

/** Embeddings: dense arrays, tables of numbers, or (anndata 0.5) one dataset of records with array members. */
function readObsm(file: H5File, path: string, rows: number): Record<string, DenseMatrix> {
  const at = node(file, 'obsm');
  if (!at) return {};
  if (!isGroup(at)) return compoundObsm(at, rows);
  const out: Record<string, DenseMatrix> = {};
  for (const name of at.keys()) {
    const array = dataset(at, name);
    if (array && array.shape?.length === 2 && array.shape[0] === rows && array.metadata.type < 2) {
      const data = guard(path, () => toFloat32(valuesOf(array)), `obsm/${name}`);
      out[name] = { kind: 'dense', rows, cols: array.shape[1], data };
    }
    const table = group(at, name);
    const frame = table && dataset(table, 'data') === undefined ? readFrame(table, { file: path, part: `obsm/${name}` }) : undefined;
    if (frame && frame.index.length === rows) out[name] = numericColumns(frame);
  }
  return out;
}

function numericColumns(frame: Frame): DenseMatrix {
  const columns = Object.values(frame.columns).flatMap((c) => (c.kind === 'number' ? [c.values] : []));
  const rows = frame.index.length;
  const data = new Float32Array(rows * columns.length);
  columns.forEach((values, j) => {
    for (let i = 0; i < rows; i++) data[i * columns.length + j] = values[i];
  });
  return { kind: 'dense', rows, cols: columns.length, data };
}

function compoundObsm(from: H5Dataset, rows: number): Record<string, DenseMatrix> {
  const members = from.metadata.compound_type?.members ?? [];
  const records = (valuesOf(from) ?? []) as unknown[][];
  const out: Record<string, DenseMatrix> = {};
  if (records.length !== rows) return out;
  members.forEach((member, at) => {
    const first = records[0]?.[at];
    const cols = Array.isArray(first) || ArrayBuffer.isView(first) ? (first as ArrayLike<number>).length : 1;
    const data = new Float32Array(rows * cols);
    for (let i = 0; i < rows; i++) {
      const value = records[i][at];
      if (typeof value === 'number') data[i] = value;
      else data.set(value as ArrayLike<number>, i * cols);
    }
    out[member.name] = { kind: 'dense', rows, cols, data };
  });
  return out;
}
