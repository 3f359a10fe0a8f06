import { existsSync, statSync } from 'node:fs';
import { DataError } from '../core/errors.ts';
import type { Dataset } from './dataset.ts';
import { gather, type Pause, ValueWatch } from './gather.ts';
import type { Matrix } from './matrix.ts';
import type { OpenDataset, OpenOptions } from './source.ts';
import { checkPlain } from './text.ts';

export type { OpenDataset, OpenOptions } from './source.ts';

/** Opens a dataset of any known format, found out from the file itself: h5ad, 10x h5, loom, a 10x mtx folder, csv or tsv (also .gz). Close it after use. */
export async function openDataset(path: string, options: OpenOptions = {}): Promise<OpenDataset> {
  if (!existsSync(path))
    throw new DataError('The file does not exist', {
      context: { file: path },
      mend: 'Check the path; a relative path starts at the folder of the benchmark file.',
    });
  const isFolder = statSync(path).isDirectory();
  if (!isFolder) checkPlain(path);
  if (isFolder || /(^|[\\/.])matrix\.mtx(\.gz)?$|\.mtx(\.gz)?$/.test(path)) return (await import('./mtx.ts')).openMtx(path, options);
  if (/\.(csv|tsv|txt|tab)(\.gz)?$/i.test(path)) return (await import('./csv.ts')).openCsv(path, options);
  if (/\.(h5ad|h5|hdf5|loom)$/i.test(path)) return openHierarchical(path, options);
  const { isHdf5 } = await import('./hdf5.ts');
  if (isHdf5(path)) return openHierarchical(path, options);
  throw new DataError('The format of the file is not known', {
    context: { file: path },
    mend: 'Known: .h5ad, 10x .h5, .loom, a folder with matrix.mtx, .csv or .tsv (also with .gz).',
  });
}

async function openHierarchical(path: string, options: OpenOptions): Promise<OpenDataset> {
  const { openHdf5, group, dataset, guard } = await import('./hdf5.ts');
  const file = await openHdf5(path);
  try {
    const keys = guard(path, () => file.keys());
    if (keys.includes('row_attrs') && keys.includes('col_attrs') && dataset(file, 'matrix'))
      return (await import('./loom.ts')).openLoom(file, path, options);
    const tenx = !keys.includes('obs') && keys.some((k) => group(file, k)?.keys().includes('barcodes'));
    if (tenx) return (await import('./tenx-h5.ts')).openTenx(file, path, options);
    return (await import('./h5ad.ts')).openH5ad(file, path, options);
  } catch (error) {
    file.close();
    throw error;
  }
}

/** What a reading found out, small enough to keep beside the dataset. */
export interface ReadFacts {
  readonly format: string;
  readonly cells: number;
  readonly genes: number;
  readonly nnz: number;
  readonly density: number;
  readonly scale: string;
  readonly notes: string;
  readonly [key: string]: string | number;
}

/** Reads a dataset into memory block by block: checked for NaN and infinities, X's kind of values found out, sparse left sparse. */
export async function readDataset(
  path: string,
  options: OpenOptions & { pause?: Pause } = {},
): Promise<{ data: Dataset; facts: ReadFacts }> {
  const open = await openDataset(path, options);
  try {
    const watch = new ValueWatch(path, open.obs, open.var);
    const X = await gather(open.X, watch, options.pause);
    const layers: Record<string, Matrix> = {};
    for (const [name, source] of Object.entries(open.layers))
      layers[name] = await gather(source, new ValueWatch(path, open.obs, open.var), options.pause);
    const [cells, genes] = [X.rows, X.cols];
    if (cells === 0 || genes === 0)
      throw new DataError(`The file holds no ${cells === 0 ? 'cells' : 'genes'}`, { context: { file: path, cells, genes } });
    const data: Dataset = { X, scale: watch.scale, layers, obs: open.obs, var: open.var, obsm: open.obsm, uns: open.uns };
    const nnz = watch.nonZero;
    const facts = {
      format: open.format,
      cells,
      genes,
      nnz,
      density: Number((nnz / (cells * genes)).toFixed(6)),
      scale: watch.scale,
      notes: open.notes.join('; '),
    };
    return { data, facts };
  } finally {
    open.close();
  }
}
