import { expect, it } from 'vitest';
import { type DenseMatrix, toCsc } from '../../data/matrix.ts';
import { anovaF, mrmr } from '../../stats/mrmr.ts';
import { golden, hasShared } from '../kit/shared-data.ts';

it.skipIf(!hasShared)('gives the F values and the order of the reference on a small table', async () => {
  const { X, y, F, smazzanti_order: order } = golden('unit/mrmr_units.json');
  const table: DenseMatrix = { kind: 'dense', rows: X.length, cols: X[0].length, data: Float32Array.from(X.flat()) };
  const matrix = toCsc(table);
  const relevance = anovaF({ matrix: table, rows: Uint32Array.from(y.keys()), codes: Int32Array.from(y), classCount: Math.max(...y) + 1 });
  for (const [gene, value] of Object.entries<number>(F)) expect(Math.abs(relevance[Number(gene)] / value - 1)).toBeLessThan(1e-4);
  expect([...(await mrmr(matrix, relevance, { limit: order.length })).genes.subarray(0, order.length)]).toEqual(order);
});
