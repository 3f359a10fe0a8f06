import { DataError } from '../core/errors.ts';
import type { Column } from './dataset.ts';
import { takeColumns } from './matrix.ts';
import type { MatrixSource, OpenOptions } from './source.ts';

/** Names, ids and types of the features of a 10x file, as they stand there. */
export interface Features {
  readonly names: readonly string[];
  readonly ids: readonly string[];
  readonly types?: readonly string[];
  readonly genomes?: readonly string[];
}

interface Kept {
  readonly X: MatrixSource;
  readonly names: readonly string[];
  readonly columns: Readonly<Record<string, Column>>;
  readonly notes: readonly string[];
}

/** Keeps Gene Expression (or the types asked for, or one genome) of a 10x matrix, and says what it left out. */
export function keepFeatures(X: MatrixSource, features: Features, options: OpenOptions & { file: string }): Kept {
  const { types, genomes } = features;
  const wanted = options.featureTypes ?? ['Gene Expression'];
  const known = new Set(genomes);
  if (options.genome !== undefined && genomes && !known.has(options.genome)) {
    throw new DataError(`There is no genome "${options.genome}" in the file`, {
      context: { file: options.file },
      mend: `Genomes there: ${[...known].join(', ')}.`,
    });
  }
  const keep: number[] = [];
  for (let j = 0; j < features.names.length; j++) {
    const type = !types || wanted.includes(types[j]);
    const genome = options.genome === undefined || !genomes || genomes[j] === options.genome;
    if (type && genome) keep.push(j);
  }
  if (keep.length === 0) {
    throw new DataError('None of the features is of the wanted type', {
      context: { file: options.file, wanted: wanted.join(', ') },
      mend: `Types there: ${[...new Set(types)].join(', ')}.`,
    });
  }
  const left = features.names.length - keep.length;
  const pick = (values: readonly string[]): Column => ({ kind: 'string', values: keep.map((j) => values[j]) });
  return {
    X: left === 0 ? X : chosenColumns(X, keep),
    names: keep.map((j) => features.names[j]),
    columns: {
      gene_ids: pick(features.ids),
      ...(types ? { feature_types: pick(types) } : {}),
      ...(genomes ? { genome: pick(genomes) } : {}),
    },
    notes: left === 0 ? [] : [`${left} features of other types or genomes left out`],
  };
}

/** A source with some columns only; how many entries remain is not known before reading. */
function chosenColumns(X: MatrixSource, keep: readonly number[]): MatrixSource {
  return {
    rows: X.rows,
    cols: keep.length,
    columnMajor: X.columnMajor,
    async *blocks(limit) {
      for await (const { first, matrix } of X.blocks(limit)) yield { first, matrix: takeColumns(matrix, keep) };
    },
  };
}
