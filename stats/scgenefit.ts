import { DataError } from '../core/errors.ts';
import type { Matrix } from '../data/matrix.ts';
import { classSizes, classSums, type LabelledRows } from './class-cells.ts';
import type { Random } from './random.ts';

/**
 * What a panel should tell apart (scGeneFit: Dumitrascu et al. 2021, doi:10.1038/s41467-021-21453-4): weights alpha of the genes, from 0
 * to 1, should make each row . alpha at least `margin`.
 */
export interface Separations {
  readonly genes: number;
  /** Row-major, rows x genes. */
  readonly rows: Float64Array;
  /** Smallest length of a row, before some are left out. */
  readonly margin: number;
  /** Rows there were. */
  readonly found: number;
}

/** How rows are made of cells. */
export interface SeparationOptions {
  readonly random: Random;
  /** Rows kept at most, drawn at random. */
  readonly most: number;
  /** Awaited now and then. */
  readonly breathe?: () => void | Promise<void>;
}

const centresOf = new WeakMap<LabelledRows, Float64Array>();

/** Means of classes: classes x genes; computed once for the same cells. */
export function classCentres(input: LabelledRows): Float64Array {
  const known = centresOf.get(input);
  if (known) return known;
  const { sizes, sums } = classSums(input);
  const { cols } = input.matrix;
  const centres = sums.map((sum, at) => sum / sizes[Math.floor(at / cols)]);
  centresOf.set(input, centres);
  return centres;
}

/** Variance between classes of each gene: the mean over cells of the squared distance of their class's mean from the mean of all. */
export function betweenClassVariance(input: LabelledRows): Float64Array {
  const centres = classCentres(input);
  const sizes = classSizes(input);
  const { cols } = input.matrix;
  const n = input.rows.length;
  return Float64Array.from({ length: cols }, (_, j) => {
    let [mean, square] = [0, 0];
    sizes.forEach((size, c) => (mean += (size * centres[c * cols + j]) / n));
    sizes.forEach((size, c) => (square += (size * (centres[c * cols + j] - mean) ** 2) / n));
    return square;
  });
}

/**
 * Squared differences of the means of two classes. Every class and its next one (the last and the first too), and of the other pairs a
 * share of `redundancy` drawn at random. `consecutive`: as the reference code has it, each such draw repeats a pair of neighbours, and two
 * classes make their pair twice.
 */
export function centreSeparations(
  input: LabelledRows,
  { redundancy, consecutive, random, most }: SeparationOptions & { readonly redundancy: number; readonly consecutive: boolean },
): Separations {
  const { classCount: C } = input;
  const centres = classCentres(input);
  const { cols } = input.matrix;
  const pairs: [number, number][] = [];
  if (consecutive) {
    for (let a = 0; a < C; a++) {
      pairs.push([a, (a + 1) % C]);
      for (let j = 0; j < C; j++) if (j !== a && j !== (a + 1) % C && random.uniform() < redundancy) pairs.push([j, (j + 1) % C]);
    }
  } else {
    for (let a = 0; a < C; a++) {
      for (let j = a + 1; j < C; j++) {
        const isNext = j === a + 1 || (a === 0 && j === C - 1);
        if (isNext || random.uniform() < redundancy) pairs.push([a, j]);
      }
    }
  }
  const collected = collector(cols, pairs.length, { random, most });
  for (const [a, b] of pairs) {
    let square = 0;
    for (let j = 0; j < cols; j++) {
      const d = centres[a * cols + j] - centres[b * cols + j];
      collected.row[j] = d * d;
      square += d * d;
    }
    collected.add(square);
  }
  return collected.done();
}

/** For sampled cells and each other class: how much nearer they are to the mean of their own, gene by gene. */
export async function cellCentreSeparations(
  input: LabelledRows,
  { samplingRate, random, most, breathe = () => {} }: SeparationOptions & { readonly samplingRate: number },
): Promise<Separations> {
  const { matrix, rows, codes, classCount } = input;
  const { cols } = matrix;
  const centres = classCentres(input);
  const sampled = sampleCells(input, samplingRate, random);
  const collected = collector(cols, sampled.length * (classCount - 1), { random, most });
  const own = new Float64Array(cols);
  for (const i of sampled) {
    const x = denseRow(matrix, rows[i]);
    for (let j = 0; j < cols; j++) own[j] = (x[j] - centres[codes[i] * cols + j]) ** 2;
    for (let c = 0; c < classCount; c++) {
      if (c === codes[i]) continue;
      let square = 0;
      for (let j = 0; j < cols; j++) {
        const d = (x[j] - centres[c * cols + j]) ** 2 - own[j];
        collected.row[j] = d;
        square += d * d;
      }
      collected.add(Math.sqrt(square));
    }
    await breathe();
  }
  return collected.done();
}

/** For sampled cells: squared differences to their nearest cells of each other class, ties by lower row. */
export async function cellPairSeparations(
  input: LabelledRows,
  {
    samplingRate,
    neighbours,
    random,
    most,
    breathe = () => {},
  }: SeparationOptions & { readonly samplingRate: number; readonly neighbours: number },
): Promise<Separations> {
  const { matrix, rows, codes, classCount } = input;
  const { cols } = matrix;
  const sizes = classSizes(input);
  const sampled = sampleCells(input, samplingRate, random);
  const pairs: [number, number][] = [];
  const squares = squaredLengths(matrix, rows);
  const distances = new Float64Array(rows.length);
  for (const i of sampled) {
    const x = denseRow(matrix, rows[i]);
    for (let t = 0; t < rows.length; t++)
      distances[t] = codes[t] === codes[i] ? 0 : squares[i] + squares[t] - 2 * dotRow(matrix, rows[t], x);
    for (let c = 0; c < classCount; c++) {
      if (c === codes[i]) continue;
      const near = Uint32Array.from(distances.keys())
        .filter((t) => codes[t] === c)
        .sort((a, b) => distances[a] - distances[b] || a - b);
      for (const t of near.subarray(0, Math.min(neighbours, sizes[c]))) pairs.push([i, t]);
    }
    await breathe();
  }
  const collected = collector(cols, pairs.length, { random, most });
  for (const [i, t] of pairs) {
    const x = denseRow(matrix, rows[i]);
    const y = denseRow(matrix, rows[t]);
    let square = 0;
    for (let j = 0; j < cols; j++) {
      const d = (x[j] - y[j]) ** 2;
      collected.row[j] = d;
      square += d;
    }
    collected.add(square);
    await breathe();
  }
  return collected.done();
}

/** A share of each class's cells (rounded up), drawn at random: positions in `rows`. */
function sampleCells({ codes, classCount }: LabelledRows, rate: number, random: Random): number[] {
  return Array.from({ length: classCount }, (_, c) => {
    const own = [...codes.keys()].filter((i) => codes[i] === c);
    return Array.from(random.permutation(own.length).subarray(0, Math.ceil(own.length * rate)), (at) => own[at]);
  }).flat();
}

/** Keeps at most `most` of the rows given, drawn at random, and the smallest length of all but those of zeros. */
function collector(genes: number, count: number, { random, most }: SeparationOptions) {
  const kept = count > most ? new Set(random.permutation(count).subarray(0, most)) : undefined;
  const rows = new Float64Array(Math.min(count, most) * genes);
  const row = new Float64Array(genes);
  let [at, used, margin] = [0, 0, Number.POSITIVE_INFINITY];
  return {
    /** Where the next row is put together. */
    row,
    add: (length: number): void => {
      if (length > 0) {
        margin = Math.min(margin, length);
        if (kept === undefined || kept.has(at)) rows.set(row, genes * used++);
      }
      at++;
    },
    done: (): Separations => {
      if (used > 0) return { genes, rows: rows.subarray(0, used * genes), margin, found: count };
      throw new DataError('No gene tells the classes apart: their cells are the same', {
        context: { comparisons: count },
        mend: 'Keep more genes, or take another label.',
      });
    },
  };
}

const denseRow = (matrix: Matrix, i: number): Float32Array => {
  if (matrix.kind === 'dense') return matrix.data.subarray(i * matrix.cols, (i + 1) * matrix.cols);
  const out = new Float32Array(matrix.cols);
  for (let p = matrix.indptr[i]; p < matrix.indptr[i + 1]; p++) out[matrix.indices[p]] = matrix.data[p];
  return out;
};

function dotRow(matrix: Matrix, i: number, x: Float32Array): number {
  let dot = 0;
  if (matrix.kind === 'dense') for (let j = 0, p = i * matrix.cols; j < matrix.cols; j++, p++) dot += matrix.data[p] * x[j];
  else for (let p = matrix.indptr[i]; p < matrix.indptr[i + 1]; p++) dot += matrix.data[p] * x[matrix.indices[p]];
  return dot;
}

const squaredLengths = (matrix: Matrix, rows: Uint32Array): Float64Array =>
  Float64Array.from(rows, (i) => dotRow(matrix, i, denseRow(matrix, i)));
