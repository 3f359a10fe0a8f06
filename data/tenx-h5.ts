import { DataError } from '../core/errors.ts';
import { compressed, rowSource } from './h5-matrix.ts';
import { renamedNotes } from './h5ad.ts';
import { dataset, group, guard, type H5File, type H5Group, numbers, words } from './hdf5.ts';
import { makeUnique } from './names.ts';
import { type Features, keepFeatures } from './features.ts';
import type { OpenDataset, OpenOptions } from './source.ts';

/** Opens Cell Ranger's HDF5: version 3 (`matrix`, with feature types) or version 2 (one group for each genome). */
export function openTenx(file: H5File, path: string, options: OpenOptions): OpenDataset {
  return guard(path, () => {
    const modern = group(file, 'matrix');
    const at = modern ?? chooseGenome(file, path, options.genome);
    const shape = dataset(at, 'shape');
    const barcodes = dataset(at, 'barcodes');
    if (!shape || !barcodes) throw new DataError('The 10x file lacks its shape or barcodes', { context: { file: path } });
    const [genes, cells] = numbers(shape);
    const X = rowSource(compressed(at, [cells, genes], { file: path, part: modern ? 'matrix' : 'genome' }));
    const features = modern ? modernFeatures(modern, path) : oldFeatures(at, path);
    const barcodeNames = makeUnique(words(barcodes));
    const kept = keepFeatures(X, features, { ...options, file: path });
    const named = makeUnique(kept.names);
    if (barcodeNames.names.length !== cells || features.names.length !== genes) {
      throw new DataError('The matrix and its names do not fit each other', {
        context: { file: path, cells, barcodes: barcodeNames.names.length, genes, features: features.names.length },
      });
    }
    return {
      path,
      format: modern ? '10x-h5-v3' : '10x-h5-v2',
      obs: { index: barcodeNames.names, columns: {} },
      var: { index: named.names, columns: kept.columns },
      obsm: {},
      uns: {},
      X: kept.X,
      layers: {},
      notes: [...kept.notes, ...renamedNotes(named.renamed, barcodeNames.renamed)],
      close: () => void file.close(),
    };
  });
}

function chooseGenome(file: H5File, path: string, wanted: string | undefined): H5Group {
  const genomes = file.keys().filter((k) => group(file, k)?.keys().includes('barcodes'));
  const choice = wanted ?? (genomes.length === 1 ? genomes[0] : undefined);
  const found = choice !== undefined && genomes.includes(choice) ? group(file, choice) : undefined;
  if (found) return found;
  throw new DataError(
    wanted === undefined ? 'The file holds several genomes, and none was chosen' : `There is no genome "${wanted}" in the file`,
    {
      context: { file: path },
      mend: `Set \`genome\` to one of: ${genomes.join(', ')}.`,
    },
  );
}

function column(at: H5Group, name: string, file: string): string[] {
  const found = dataset(at, name);
  if (!found) throw new DataError(`The 10x file lacks "${name}"`, { context: { file } });
  return words(found);
}

function modernFeatures(at: H5Group, file: string): Features {
  const features = group(at, 'features');
  if (!features) throw new DataError('The 10x file lacks its features', { context: { file } });
  return {
    names: column(features, 'name', file),
    ids: column(features, 'id', file),
    types: dataset(features, 'feature_type') && column(features, 'feature_type', file),
    genomes: dataset(features, 'genome') && column(features, 'genome', file),
  };
}

function oldFeatures(at: H5Group, file: string): Features {
  return { names: column(at, 'gene_names', file), ids: column(at, 'genes', file) };
}
