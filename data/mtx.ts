import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DataError } from '../core/errors.ts';
import { type Features, keepFeatures } from './features.ts';
import { renamedNotes } from './h5ad.ts';
import { makeUnique } from './names.ts';
import { coordinateSource, readHeader } from './mtx-entries.ts';
import type { OpenDataset, OpenOptions } from './source.ts';
import { textLines } from './text.ts';

/** Opens a Cell Ranger folder: matrix.mtx with barcodes.tsv and genes.tsv (version 2) or features.tsv (version 3), each also as .gz; names may carry a common prefix. */
export async function openMtx(path: string, options: OpenOptions): Promise<OpenDataset> {
  const files = findFiles(path);
  const header = await readHeader(files.matrix);
  const barcodes = await firstColumn(files.barcodes);
  const features = await readFeatures(files.features, files.modern);
  checkNames(files, header, barcodes.length, features.names.length);
  const kept = keepFeatures(coordinateSource(files.matrix, header), features, { ...options, file: files.features });
  const cells = makeUnique(barcodes);
  const named = makeUnique(kept.names);
  return {
    path,
    format: files.modern ? '10x-mtx-v3' : '10x-mtx-v2',
    obs: { index: cells.names, columns: {} },
    var: { index: named.names, columns: kept.columns },
    obsm: {},
    uns: {},
    X: kept.X,
    layers: {},
    notes: [...kept.notes, ...renamedNotes(named.renamed, cells.renamed)],
    close: () => undefined,
  };
}

interface Files {
  readonly matrix: string;
  readonly barcodes: string;
  readonly features: string;
  readonly modern: boolean;
}

function findFiles(path: string): Files {
  const folder = statSync(path).isDirectory() ? path : dirname(path);
  const names = readdirSync(folder);
  const matrices = folder === path ? names.filter((n) => /(^|[_.-])matrix\.mtx(\.gz)?$/.test(n)) : [path.slice(folder.length + 1)];
  if (matrices.length !== 1) {
    throw new DataError(matrices.length === 0 ? 'The folder holds no matrix.mtx' : 'The folder holds several matrices', {
      context: { file: path, ...(matrices.length > 0 ? { found: matrices.join(', ') } : {}) },
      mend:
        matrices.length === 0
          ? 'Give the folder with matrix.mtx, barcodes.tsv and features.tsv (or genes.tsv).'
          : 'Give the path of one of them.',
    });
  }
  const prefix = /^(.*?)matrix\.mtx/.exec(matrices[0])?.[1] ?? '';
  const find = (...stems: string[]): string | undefined =>
    stems.flatMap((s) => [`${prefix}${s}.tsv`, `${prefix}${s}.tsv.gz`]).find((n) => existsSync(join(folder, n)));
  const barcodes = find('barcodes');
  const modern = find('features');
  const features = modern ?? find('genes');
  if (!barcodes || !features) {
    throw new DataError(`The folder lacks ${barcodes ? 'features.tsv (or genes.tsv)' : 'barcodes.tsv'}`, {
      context: { file: path },
      mend: 'Put the file beside matrix.mtx; it may be packed as .gz.',
    });
  }
  return {
    matrix: join(folder, matrices[0]),
    barcodes: join(folder, barcodes),
    features: join(folder, features),
    modern: modern !== undefined,
  };
}

async function firstColumn(path: string): Promise<string[]> {
  const out: string[] = [];
  for await (const line of textLines(path)) if (line !== '') out.push(line.split('\t')[0]);
  return out;
}

async function readFeatures(path: string, modern: boolean): Promise<Features> {
  const ids: string[] = [];
  const names: string[] = [];
  const types: string[] = [];
  for await (const line of textLines(path)) {
    if (line === '') continue;
    const [id, name = id, type = 'Gene Expression'] = line.split('\t');
    ids.push(id);
    names.push(name);
    types.push(type);
  }
  return modern ? { ids, names, types } : { ids, names };
}

function checkNames(files: Files, header: { rows: number; cols: number }, barcodes: number, features: number): void {
  if (header.cols === barcodes && header.rows === features) return;
  const which = header.cols === barcodes ? 'features' : 'barcodes';
  throw new DataError(`The matrix and its ${which} do not fit each other`, {
    context: {
      file: which === 'barcodes' ? files.barcodes : files.features,
      matrix_cells: header.cols,
      barcodes,
      matrix_genes: header.rows,
      features,
    },
    mend: 'Take all three files from the same run (filtered with filtered, raw with raw).',
  });
}
