import { describe, expect, test } from 'vitest';
import { DataError } from '../../core/errors.ts';
import type { Column } from '../../data/dataset.ts';
import { type CsrMatrix, type Matrix, takeRows } from '../../data/matrix.ts';
import { readDataset } from '../../data/open.ts';
import { type HvgFlavor, hvgRanking } from '../../stats/hvg.ts';
import { normalizeCounts } from '../../stats/normalize.ts';
import { farthest } from '../kit/near.ts';
import { golden, hasShared, sharedPath } from '../kit/shared-data.ts';

const FILES = { zeisel: 'zeisel.h5ad', kang: 'kang_ifnb_multitask.h5ad', pbmc3k: 'pbmc3k.h5ad', paul15_240: 'paul15_240genes.h5ad' };

/** Share of the larger of two sets that both have. */
const overlap = (a: readonly number[], b: readonly number[]): number =>
  a.filter((x) => b.includes(x)).length / Math.max(a.length, b.length);
const rising = (list: ArrayLike<number>): number[] => Array.from(list).sort((a, b) => a - b);

describe.skipIf(!hasShared).each(Object.entries(FILES))('highly variable genes of %s', (name, file) => {
  const load = async (): Promise<{ counts: Matrix; log: Matrix; names: readonly string[]; samples: Column | undefined }> => {
    const { data } = await readDataset(sharedPath(`data/${file}`));
    const rows = golden(`${name}/data.json`).kept_rows_of_h5ad;
    const counts = Array.isArray(rows) ? takeRows(data.X, rows) : data.X;
    return {
      counts,
      log: normalizeCounts(counts, { target: 1e4, log1p: true }),
      names: data.var.index,
      samples: data.obs.columns.sample_id,
    };
  };
  const loaded = hasShared ? load() : undefined;
  const want = hasShared ? golden(`${name}/hvg.json`) : {};

  test.each(Object.keys(want).filter((k) => k !== 'meta'))('equal scanpy: %s', async (key) => {
    const { counts, log, names, samples } = (await loaded) ?? (await load());
    const batched = key.endsWith('_batch');
    const flavor = key.replace('_batch', '') as HvgFlavor;
    const bySample = name === 'kang' && samples?.kind === 'category' ? samples.codes : undefined;
    const batches = batched ? (bySample ?? Int32Array.from({ length: counts.rows }, (_, i) => i % 2)) : undefined;
    const rank = (top?: number): ReturnType<typeof hvgRanking> =>
      hvgRanking({ counts, log }, { flavor, top, batches, nBatches: batches && Math.max(...batches) + 1, names });
    const { table, top, table_n_top, default_cutoffs_hv } = want[key];
    const found = rank(table_n_top);
    expect(farthest(found.means, table.means)).toBeLessThan(1e-4);
    expect(farthest(found.spread, table.variances ?? table.dispersions, 0.1)).toBeLessThan(1e-4);
    expect(farthest(found.scores, table.variances_norm ?? table.dispersions_norm, 0.1)).toBeLessThan(1e-4);
    // numpy's sort leaves genes of equal score in any order, and float32 noise moves genes at a cut: ranks may shift by a few
    if (table.highly_variable_rank) {
      const moved = (table.highly_variable_rank as (number | null)[]).filter((r, j) =>
        r === null ? !Number.isNaN(found.ranks[j]) : !(Math.abs(r - found.ranks[j]) < 40),
      );
      expect(moved.length).toBeLessThanOrEqual(0.02 * table_n_top);
    }
    const nBatches: number[] | undefined = table.highly_variable_nbatches;
    if (nBatches) expect(nBatches.filter((n, j) => n !== found.batchCounts[j]).length).toBeLessThan(0.02 * nBatches.length);
    for (const [k, genes] of Object.entries<number[]>(top)) {
      const { selected, order } = rank(Number(k));
      const chosen = Array.from(selected.keys()).filter((j) => selected[j]);
      expect(overlap(chosen, genes), `top ${k}`).toBeGreaterThanOrEqual(batched || key === 'seurat_v3' ? 0.99 : 1);
      if (genes.length === Number(k))
        expect(overlap(Array.from(order.subarray(0, Number(k))), genes)).toBeGreaterThanOrEqual(batched || key === 'seurat_v3' ? 0.99 : 1);
    }
    if (default_cutoffs_hv) {
      const { selected } = rank();
      expect(Array.from(selected.keys()).filter((j) => selected[j])).toEqual(rising(default_cutoffs_hv));
    }
  });
});

const small: CsrMatrix = {
  kind: 'csr',
  rows: 4,
  cols: 3,
  indptr: Uint32Array.of(0, 2, 4, 5, 6),
  indices: Uint32Array.of(0, 1, 0, 2, 1, 2),
  data: Float32Array.of(3, 1, 2, 5, 4, 1),
};

test('refuses fractions and negatives for seurat_v3, naming the value', () => {
  for (const bad of [0.5, -1]) {
    const counts: Matrix = { ...small, data: Float32Array.of(3, 1, 2, 5, bad, 1) };
    expect(() => hvgRanking({ counts }, { flavor: 'seurat_v3' })).toThrow(
      expect.objectContaining({ code: 'DATA', context: { value: bad, gene: 1, cell: 2 } }),
    );
  }
});

test('refuses a flavor whose matrix was not given', () => {
  expect(() => hvgRanking({ counts: small }, { flavor: 'seurat' })).toThrow(DataError);
  expect(() => hvgRanking({ log: small }, { flavor: 'seurat_v3' })).toThrow(DataError);
});

test('looks only at the rows given, sparse or dense alike', () => {
  const dense: Matrix = { kind: 'dense', rows: 5, cols: 3, data: Float32Array.of(3, 1, 0, 2, 0, 5, 0, 4, 0, 0, 0, 1, 99, 99, 99) };
  for (const flavor of ['seurat', 'cell_ranger', 'seurat_v3'] as const) {
    const a = hvgRanking({ counts: small, log: small }, { flavor });
    const b = hvgRanking({ counts: dense, log: dense }, { flavor, rows: [0, 1, 2, 3] });
    expect(farthest(b.means, Array.from(a.means))).toBeLessThan(1e-12);
    expect(b.order).toEqual(a.order);
  }
});

test('gives a rank to every gene when all are constant', () => {
  const flat: Matrix = { kind: 'dense', rows: 3, cols: 4, data: new Float32Array(12).fill(2) };
  for (const flavor of ['seurat', 'cell_ranger', 'seurat_v3'] as const)
    expect(rising(hvgRanking({ counts: flat, log: flat }, { flavor }).order)).toEqual([0, 1, 2, 3]);
});
