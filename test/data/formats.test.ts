import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readObsFile, joinObs } from '../../data/obs-file.ts';
import { openDataset, readDataset } from '../../data/open.ts';
import { hasShared, sharedPath } from '../kit/shared-data.ts';

interface Expected {
  readonly shape: readonly [number, number];
  readonly sum: number;
  readonly options?: { readonly layer?: string; readonly genome?: string };
}

/** Made with anndata, h5py, scipy and pandas. */
const expected: Record<string, Expected> = JSON.parse(readFileSync(new URL('../fixtures/shared-shapes.json', import.meta.url), 'utf8'));
const refused = new Set(['formats/odd/pbmc3k_100x100_nan.h5ad']);

describe.skipIf(!hasShared)('reference files', () => {
  test.each(Object.entries(expected))('%s holds what its own library sees', async (name, { shape, sum, options }) => {
    const path = sharedPath(`data/${name.split('#')[0]}`);
    if (refused.has(name)) {
      await expect(readDataset(path, options)).rejects.toMatchObject({
        code: 'DATA',
        context: { cell: expect.any(String), gene: expect.any(String) },
      });
      return;
    }
    const { data } = await readDataset(path, options);
    expect([data.X.rows, data.X.cols]).toEqual(shape);
    expect([data.obs.index.length, data.var.index.length]).toEqual(shape);
    expect(new Set(data.var.index).size).toBe(shape[1]);
    const total = data.X.data.reduce((s, x) => s + x, 0);
    expect(Math.abs(total - sum)).toBeLessThanOrEqual(1e-4 * Math.max(1, Math.abs(sum)));
    for (const column of Object.values(data.obs.columns))
      expect(column.kind === 'category' ? column.codes.length : column.values.length).toBe(shape[0]);
  });

  test('no matrix among the reference files is left out', () => {
    const root = sharedPath('data');
    const names = readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((e) => e.isFile() && /\.(h5ad|h5|mtx\.gz)$|count\.csv\.gz$|counts_original\.tsv\.gz$/.test(e.name))
      .map((e) => relative(root, e.name.includes('.mtx') ? e.parentPath : join(e.parentPath, e.name)));
    expect(names.filter((name) => !Object.keys(expected).some((known) => known.split('#')[0] === name))).toEqual([]);
  });

  test('tells counts, logs and scaled values apart', async () => {
    const scale = async (name: string, layer?: string): Promise<string> =>
      (await readDataset(sharedPath(`data/${name}`), { layer })).data.scale;
    expect(await scale('kang_ifnb_multitask.h5ad')).toBe('counts');
    expect(await scale('pbmc68k_reduced_lognorm.h5ad')).toBe('log');
    expect(await scale('formats/odd/pbmc68k_reduced_scaled_with_raw.h5ad')).toBe('scaled');
    expect(await scale('formats/odd/pbmc68k_reduced_scaled_with_raw.h5ad', 'raw')).toBe('log');
    expect(await scale('formats/odd/pbmc10k_protein_200cells_compound.h5ad')).toBe('counts');
  });

  test('reads categories of every layout', async () => {
    const classes = async (name: string, column: string): Promise<string[]> => {
      const found = (await readDataset(sharedPath(`data/${name}`))).data.obs.columns[column];
      return found?.kind === 'category' ? [...found.categories] : [];
    };
    expect(await classes('formats/odd/pbmc68k_reduced_anndata0.5_compound.h5ad', 'bulk_labels')).toHaveLength(10);
    expect(await classes('formats/odd/pbmc3k_legacy__categories.h5ad', 'celltype')).toHaveLength(8);
    expect(await classes('zeisel.h5ad', 'cell_class')).toHaveLength(7);
  });

  test('makes repeated gene names unique as anndata does', async () => {
    const { data, facts } = await readDataset(sharedPath('data/formats/pbmc3k_10x_v2/hg19'));
    expect(facts.notes).toContain('95 repeated gene names');
    expect(data.var.index.some((n) => n.endsWith('-1') && data.var.index.includes(n.slice(0, -2)))).toBe(true);
  });

  test.each([
    ['formats/pbmc3k_10x_v2/hg19', 'formats/pbmc3k_10x_v2/labels.csv', 'celltype', 8, 2638],
    ['formats/sc_celseq2.count.csv.gz', 'formats/sc_celseq2.metadata.csv.gz', 'cell_line', 3, 274],
  ] as const)('joins labels to %s by cell name', async (matrix, file, column, classes, labelled) => {
    const extra = await readObsFile(sharedPath(`data/${file}`));
    const { data } = joinObs((await readDataset(sharedPath(`data/${matrix}`), { cellNames: new Set(extra.index) })).data, extra, file);
    const found = data.obs.columns[column];
    expect(found.kind === 'category' && found.categories.length).toBe(classes);
    expect(found.kind === 'category' && found.codes.filter((c) => c >= 0).length).toBe(labelled);
  });

  test.each([
    'zeisel.h5ad',
    'formats/odd/zeisel_200_csc_layers_uncompressed.h5ad',
    'formats/odd/pbmc10k_protein_200cells_compound.h5ad',
    'formats/visium_v2_mouse/filtered_feature_bc_matrix',
  ])('walks %s in small blocks that add up to the whole', async (name) => {
    const open = await openDataset(sharedPath(`data/${name}`));
    let [next, sum, blocks] = [0, 0, 0];
    for await (const { first, matrix } of open.X.blocks(300_000)) {
      expect(first).toBe(next);
      if (matrix.kind === 'csr') expect(matrix.indptr[matrix.rows]).toBe(matrix.data.length);
      next += matrix.rows;
      sum += matrix.data.reduce((s, x) => s + x, 0);
      blocks++;
    }
    open.close();
    expect(blocks).toBeGreaterThan(1);
    expect(next).toBe(expected[name].shape[0]);
    expect(sum).toBeCloseTo(expected[name].sum, 0);
  });
});
