import { describe, expect, test } from 'vitest';
import { type Dataset, takeCells } from '../../data/dataset.ts';
import type { Matrix } from '../../data/matrix.ts';
import { readDataset } from '../../data/open.ts';
import { binarize, normalizeCounts, scaleGenes } from '../../stats/normalize.ts';
import { cellMetrics, geneMetrics, mitochondrial, topShares } from '../../stats/qc.ts';
import { farthest } from '../kit/near.ts';
import { golden, hasShared, sharedPath } from '../kit/shared-data.ts';

const FILES = { zeisel: 'zeisel.h5ad', kang: 'kang_ifnb_multitask.h5ad', pbmc3k: 'pbmc3k.h5ad', paul15_240: 'paul15_240genes.h5ad' };

function block(m: Matrix): number[] {
  const out = Array.from({ length: 400 }, () => 0);
  for (let i = 0; i < 20; i++) {
    if (m.kind === 'dense') for (let j = 0; j < 20; j++) out[i * 20 + j] = m.data[i * m.cols + j];
    else for (let p = m.indptr[i]; p < m.indptr[i + 1]; p++) if (m.indices[p] < 20) out[i * 20 + m.indices[p]] = m.data[p];
  }
  return out;
}

describe.skipIf(!hasShared).each(Object.entries(FILES))('preparation of %s', (name, file) => {
  const load = async (): Promise<{ data: Dataset }> => {
    const { data } = await readDataset(sharedPath(`data/${file}`));
    const rows = golden(`${name}/data.json`).kept_rows_of_h5ad;
    return { data: Array.isArray(rows) ? takeCells(data, rows) : data };
  };

  test('quality numbers equal scanpy', async () => {
    const { data } = await load();
    const { obs, var: genes, mt_genes } = golden(`${name}/qc.json`);
    const mt = mitochondrial(data.var.index);
    expect(Array.from(mt.keys()).filter((j) => mt[j]).length).toBe(mt_genes.length);
    const cells = cellMetrics(data.X, mt);
    expect(farthest(cells.genes, obs.n_genes_by_counts)).toBe(0);
    expect(farthest(cells.total, obs.total_counts)).toBeLessThan(1e-5);
    expect(farthest(cells.markedPercent, obs.pct_counts_mt)).toBeLessThan(1e-5);
    const found = geneMetrics(data.X);
    expect(farthest(found.cells, genes.n_cells_by_counts)).toBe(0);
    expect(farthest(found.mean, genes.mean_counts)).toBeLessThan(1e-5);
    expect(farthest(found.dropoutPercent, genes.pct_dropout_by_counts)).toBeLessThan(1e-5);
    const tops = [50, 100, 200, 500].filter((n) => obs[`pct_counts_in_top_${n}_genes`]);
    const shares = topShares(data.X, tops);
    tops.forEach((n, t) =>
      expect(
        farthest(
          shares.filter((_, i) => i % tops.length === t),
          obs[`pct_counts_in_top_${n}_genes`],
        ),
      ).toBeLessThan(1e-5),
    );
  });

  test.each([
    ['1e4', 1e4],
    ['median', null],
    ['1e6', 1e6],
  ] as const)('normalised values equal scanpy: total %s', async (key, target) => {
    const { data } = await load();
    const want = golden(`${name}/norm.json`)[key];
    expect(farthest(block(normalizeCounts(data.X, { target })), want.norm_block_20x20.flat())).toBeLessThan(1e-5);
    const log = normalizeCounts(data.X, { target, log1p: true });
    expect(farthest(block(log), want.log1p_block_20x20.flat())).toBeLessThan(1e-5);
    expect(farthest(cellMetrics(log).total, want.log1p_cell_sums)).toBeLessThan(1e-5);
    expect(farthest(geneMetrics(log).total, want.log1p_gene_sums)).toBeLessThan(1e-5);
  });

  test('scaled values equal scanpy, clipped at 10', async () => {
    const { data } = await load();
    const want = golden(`${name}/norm.json`).scale_max10;
    const { matrix, mean, sd } = scaleGenes(normalizeCounts(data.X, { target: 1e4, log1p: true }), 10);
    expect(farthest(mean, want.mean)).toBeLessThan(1e-5);
    expect(farthest(sd, want.std)).toBeLessThan(1e-5);
    expect(farthest(block(matrix), want.block_20x20.flat())).toBeLessThan(1e-5);
    if (typeof want.n_clipped === 'number') expect(matrix.data.reduce((n, x) => n + (x >= 10 ? 1 : 0), 0)).toBe(want.n_clipped);
  });
});

test('a cell without counts stays zero, and a constant gene scales to zero', () => {
  const X: Matrix = { kind: 'dense', rows: 3, cols: 2, data: Float32Array.of(1, 2, 0, 0, 1, 5) };
  expect(Array.from(normalizeCounts(X, { target: 10, log1p: true }).data.subarray(2, 4))).toEqual([0, 0]);
  const flat: Matrix = { kind: 'dense', rows: 2, cols: 1, data: Float32Array.of(4, 4) };
  expect(Array.from(scaleGenes(flat, 10).matrix.data)).toEqual([0, 0]);
  expect(Array.from(binarize(X).data)).toEqual([1, 1, 0, 0, 1, 1]);
});
