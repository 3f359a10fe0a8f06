import type { CscMatrix, Matrix } from '../data/matrix.ts';

/** Some cells of a matrix, each with the code of its class (0 .. classCount-1). */
export interface LabelledRows {
  readonly matrix: Matrix;
  /** Row numbers into the matrix. */
  readonly rows: Uint32Array;
  /** One for each of the rows. */
  readonly codes: Int32Array;
  readonly classCount: number;
}

/** Genes x cells by columns, with the class code of each cell (0 .. classCount-1). */
export interface LabelledColumns {
  readonly matrix: CscMatrix;
  readonly codes: Int32Array;
  readonly classCount: number;
}

/** Cells in each class. */
export function classSizes({ codes, classCount }: { readonly codes: Int32Array; readonly classCount: number }): Float64Array {
  const sizes = new Float64Array(classCount);
  for (const c of codes) sizes[c]++;
  return sizes;
}

/** Per class and gene, class-major (classes x genes). */
export interface ClassSums {
  readonly sizes: Float64Array;
  /** In float64. */
  readonly sums: Float64Array;
  readonly squares: Float64Array;
  /** Cells in which the gene is above zero. */
  readonly above: Uint32Array;
}

/** Sums, sums of squares and numbers of expressing cells in one pass over the rows: no copy of the matrix. */
export function classSums(input: LabelledRows): ClassSums {
  const { matrix, rows, codes, classCount } = input;
  const { cols, data } = matrix;
  const sums = new Float64Array(classCount * cols);
  const squares = new Float64Array(classCount * cols);
  const above = new Uint32Array(classCount * cols);
  for (let r = 0; r < rows.length; r++) {
    const i = rows[r];
    const offset = codes[r] * cols;
    if (matrix.kind === 'csr') {
      const { indptr, indices } = matrix;
      const end = indptr[i + 1];
      for (let p = indptr[i]; p < end; p++) {
        const at = offset + indices[p];
        const x = data[p];
        sums[at] += x;
        squares[at] += x * x;
        if (x > 0) above[at]++;
      }
    } else {
      for (let j = 0, p = i * cols; j < cols; j++, p++) {
        const x = data[p];
        if (x === 0) continue;
        sums[offset + j] += x;
        squares[offset + j] += x * x;
        if (x > 0) above[offset + j]++;
      }
    }
  }
  return { sizes: classSizes(input), sums, squares, above };
}
