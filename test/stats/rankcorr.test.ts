import { describe, expect, it } from 'vitest';
import { labels } from '../../data/dataset.ts';
import { type DenseMatrix, toCsc } from '../../data/matrix.ts';
import { rankCorrelations, rankCorrPanel, unionAt } from '../../stats/rankcorr.ts';
import { goldenSet } from '../kit/golden-set.ts';
import { farthest } from '../kit/near.ts';
import { golden, hasShared } from '../kit/shared-data.ts';

describe.skipIf(!hasShared)('RankCorr', () => {
  it('gives the correlations and the sets of the reference on a small table', async () => {
    const { X, y, markers_by_lamb: sets, ...reference } = golden('unit/rankcorr_units.json');
    const table: DenseMatrix = { kind: 'dense', rows: X.length, cols: X[0].length, data: Float32Array.from(X.flat()) };
    const found = await rankCorrelations(toCsc(table), { codes: Int32Array.from(y), classCount: 3 });
    expect(farthest(found, reference['consts(cluster x gene)'].flat())).toBeLessThan(1e-4);
    for (const [s, set] of Object.entries(sets)) expect([...(unionAt(found, table.cols, Number(s)) ?? [])], s).toEqual(set);
  });

  // On counts where there are any: numpy's float32 log1p is not correctly rounded, so its log values have other ties than ours.
  it.each([
    ['zeisel', 'cell_class', 'counts'],
    ['kang', 'cluster_id', 'counts'],
    ['pbmc68k_reduced', 'bulk_labels', 'log'],
  ] as const)('gives the sets of the reference on %s', async (name, column, form) => {
    const { data, split } = await goldenSet(name);
    const matrix = data.layers.counts ?? data.X;
    const { train, validation } = split(0);
    const rows = Uint32Array.from([...train, ...validation]).sort();
    const { codes, classes } = labels(data.obs, column);
    const known = { codes: Int32Array.from(rows, (i) => codes[i]), classCount: classes.length };
    const found = await rankCorrelations(toCsc(matrix, rows), known);
    const reference = golden(`${name}/rankcorr.json`)[form];
    classes.forEach((label, c) => {
      const own = found.subarray(c * matrix.cols, (c + 1) * matrix.cols).filter((_, j) => j % 37 === 0);
      expect(farthest(own, reference.consts_every37th_gene[label], 1), label).toBeLessThan(1e-4);
    });
    for (const [s, set] of Object.entries(reference.markers_by_lamb as Record<string, number[]>))
      expect([...(unionAt(found, matrix.cols, Number(s)) ?? [])], s).toEqual([...set].sort((a, b) => a - b));
    expect(rankCorrPanel(found, matrix.cols, 50).kept).toBe(reference.panel_k.n_before_cut);
  });
});
