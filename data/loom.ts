import { DataError } from '../core/errors.ts';
import type { Column, Frame } from './dataset.ts';
import { transposedSource } from './h5-matrix.ts';
import { renamedNotes } from './h5ad.ts';
import { dataset, group, guard, type H5File, type H5Group, isText, numbers, words } from './hdf5.ts';
import { makeUnique } from './names.ts';
import type { MatrixSource, OpenDataset, OpenOptions } from './source.ts';

/** Attributes that may name cells and genes, in the order of trust. */
const CELL_NAMES = ['obs_names', 'CellID', 'cell_id', 'Cell'];
const GENE_NAMES = ['var_names', 'Gene', 'gene', 'GeneName', 'Accession'];

/** Opens a loom file (genes x cells); its matrix is turned block by block. */
export function openLoom(file: H5File, path: string, options: OpenOptions): OpenDataset {
  return guard(path, () => {
    const X = chooseMatrix(file, path, options.layer ?? 'X');
    const rowAttributes = group(file, 'row_attrs');
    const colAttributes = group(file, 'col_attrs');
    if (!rowAttributes || !colAttributes) throw new DataError('The loom file lacks its attributes', { context: { file: path } });
    const obs = frame(colAttributes, CELL_NAMES, { n: X.rows, prefix: 'cell', columns: options.columns });
    const genes = frame(rowAttributes, GENE_NAMES, { n: X.cols, prefix: 'gene' });
    const named = makeUnique(genes.index);
    const cells = makeUnique(obs.index);
    return {
      path,
      format: 'loom',
      obs: { ...obs, index: cells.names },
      var: { ...genes, index: named.names },
      obsm: {},
      uns: {},
      X,
      layers: {},
      notes: renamedNotes(named.renamed, cells.renamed),
      close: () => void file.close(),
    };
  });
}

function chooseMatrix(file: H5File, path: string, layer: string): MatrixSource {
  const layers = group(file, 'layers');
  const found = layer === 'X' ? dataset(file, 'matrix') : layers && dataset(layers, layer);
  if (found) return transposedSource(found, { file: path, part: layer === 'X' ? 'matrix' : `layers/${layer}` });
  throw new DataError(`There is no matrix "${layer}" in the file`, {
    context: { file: path, layer },
    mend: `Matrices there: ${['X', ...(layers?.keys() ?? [])].join(', ')}.`,
  });
}

function frame(at: H5Group, nameColumns: readonly string[], options: { n: number; prefix: string; columns?: readonly string[] }): Frame {
  const { n, prefix } = options;
  const indexName = nameColumns.find((name) => at.keys().includes(name));
  const indexData = indexName === undefined ? undefined : dataset(at, indexName);
  const columns: Record<string, Column> = {};
  for (const name of at.keys()) {
    const found = dataset(at, name);
    if (!found || name === indexName || found.shape?.length !== 1 || found.shape[0] !== n) continue;
    if (options.columns && !options.columns.includes(name)) continue;
    columns[name] = isText(found) ? { kind: 'string', values: words(found) } : { kind: 'number', values: numbers(found) };
  }
  return { index: indexData ? words(indexData) : Array.from({ length: n }, (_, i) => `${prefix}${i}`), columns };
}
