import type { Dataset } from '../../data/dataset.ts';
import { type DenseMatrix, denseBlock, type Matrix } from '../../data/matrix.ts';
import { readDataset } from '../../data/open.ts';
import type { Split } from '../../plugins/contract.ts';
import { golden, sharedPath } from './shared-data.ts';

const FILES = {
  zeisel: ['zeisel.h5ad', 'counts'],
  kang: ['kang_ifnb_multitask.h5ad', 'counts'],
  pbmc68k_reduced: ['pbmc68k_reduced_lognorm.h5ad', 'log'],
} as const;

/** A reference dataset with its log-normalised values in X, raw counts (if any) in layers.counts, and its golden splits. */
export async function goldenSet(name: keyof typeof FILES): Promise<{ data: Dataset; split: (seed: number) => Split }> {
  const [file, scale] = FILES[name];
  const { data } = await readDataset(sharedPath(`data/${file}`));
  const { splits } = golden(`${name}/data.json`);
  const logged: Dataset = scale === 'log' ? data : { ...data, X: logNormalise(data.X), scale: 'log', layers: { counts: data.X } };
  return {
    data: logged,
    split: (seed) => {
      const { train, val, test } = splits[seed] as Record<string, number[]>;
      const rising = (rows: number[]): Uint32Array => Uint32Array.from(rows).sort();
      return { train: rising(train), validation: rising(val), test: rising(test) };
    },
  };
}

function logNormalise(matrix: Matrix): Matrix {
  if (matrix.kind !== 'csr') throw new Error('the reference counts are sparse');
  const { indptr, rows } = matrix;
  const values = new Float32Array(matrix.data.length);
  for (let i = 0; i < rows; i++) {
    let total = 0;
    for (let p = indptr[i]; p < indptr[i + 1]; p++) total += matrix.data[p];
    const factor = Math.fround(total / 1e4);
    for (let p = indptr[i]; p < indptr[i + 1]; p++) values[p] = Math.log1p(Math.fround(matrix.data[p] / factor));
  }
  return { ...matrix, data: values };
}

/** The same dataset z-scaled over all cells and clipped at 10, as the references do before they split. */
export function scaled(data: Dataset): Dataset {
  const all = (n: number): Uint32Array => Uint32Array.from({ length: n }, (_, i) => i);
  const { rows, cols } = data.X;
  const dense = denseBlock(data.X, all(rows), all(cols)).data;
  const out = new Float32Array(dense.length);
  for (let j = 0; j < cols; j++) {
    let sum = 0;
    let square = 0;
    for (let i = 0; i < rows; i++) sum += dense[i * cols + j];
    const mean = sum / rows;
    for (let i = 0; i < rows; i++) square += (dense[i * cols + j] - mean) ** 2;
    const sd = Math.sqrt(square / (rows - 1)) || 1;
    for (let i = 0; i < rows; i++) out[i * cols + j] = Math.max(-10, Math.min(10, (dense[i * cols + j] - mean) / sd));
  }
  const X: DenseMatrix = { kind: 'dense', rows, cols, data: out };
  return { ...data, X, scale: 'scaled' };
}
