import { describe, expect, test } from 'vitest';
import { type Dataset, labels } from '../../../data/dataset.ts';
import { readDataset } from '../../../data/open.ts';
import { simulateAtlas } from '../../../data/simulate.ts';
import qc from '../../../plugins/transforms/qc.ts';
import { golden, hasShared, sharedPath } from '../../kit/shared-data.ts';
import { testContext } from '../../kit/tiny-atlas.ts';
import { testTransform } from '../../kit/transform.ts';

testTransform(qc, { params: { min_genes: 3, tasks: [{ column: 'type' }] } });

const atlas = simulateAtlas({
  cells: 400,
  genes: 300,
  types: 3,
  subtypes: 2,
  markers: 4,
  batches: 2,
  counts: 800,
  separation: 1,
  dropout: 0.2,
  seed: 4,
});
const run = async (params: object, data: Dataset = atlas, log?: (line: string) => void): Promise<{ data: Dataset; facts: any }> => {
  const { outputs, facts } = await qc.run(testContext({ log }), { data }, qc.params.parse(params));
  return { data: outputs.data as Dataset, facts };
};

test('drops cells rich in mitochondrial counts and says how many', async () => {
  const { data, facts } = await run({ max_pct_mt: 10 });
  expect(facts.cells_removed_max_pct_mt).toBeGreaterThan(0);
  expect(data.X.rows).toBe(400 - facts.cells_removed_max_pct_mt);
});

test('drops genes by prefix and by name, case mattering', async () => {
  const { data } = await run({ drop_genes_prefix: ['MT-'], drop_genes: ['ABCA1'] });
  expect(data.var.index.some((n) => n.startsWith('MT-') || n === 'ABCA1')).toBe(false);
  expect((await run({ drop_genes_prefix: ['mt-'] })).data.var.index.some((n) => n.startsWith('MT-'))).toBe(true);
});

test('drops rare classes of every classification task, and keeps cells without a label', async () => {
  const type = Int32Array.from({ length: 400 }, (_, i) => (i < 4 ? 2 : i < 20 ? -1 : i % 2));
  const data: Dataset = {
    ...atlas,
    obs: { ...atlas.obs, columns: { ...atlas.obs.columns, type: { kind: 'category', codes: type, categories: ['a', 'b', 'rare'] } } },
  };
  const made = await run({ min_class_cells: 10, min_genes: 0, tasks: [{ column: 'type' }] }, data);
  expect(made.facts.cells_removed_min_class_cells).toBe(4);
  expect(made.data.X.rows).toBe(396);
});

test('drops named classes, and refuses a name that no task has', async () => {
  const [name] = labels(atlas.obs, 'cell_type').classes;
  const { data, facts } = await run({ min_genes: 0, drop_classes: [name], tasks: [{ column: 'cell_type' }] });
  expect(facts.cells_removed_drop_classes).toBeGreaterThan(0);
  expect(data.X.rows).toBe(400 - facts.cells_removed_drop_classes);
  await expect(run({ drop_classes: [`${name}x`], tasks: [{ column: 'cell_type' }] })).rejects.toThrow(/no classification task has/);
});

test('keeps genes seen in enough of one class, drops those seen everywhere', async () => {
  const { facts } = await run({ min_class_fraction: 0.3, max_class_fraction: {}, tasks: [{ column: 'cell_type' }] });
  expect(facts.genes_removed_min_class_fraction).toBeGreaterThan(0);
  expect(facts.genes_removed_max_class_fraction).toBeGreaterThan(0);
  await expect(run({ min_class_fraction: 0.3 })).rejects.toMatchObject({ code: 'DATA' });
});

test('refuses to leave nothing, and says which filter did it', async () => {
  await expect(run({ min_genes: 299 })).rejects.toMatchObject({
    code: 'DATA',
    message: expect.stringContaining('min_genes removed 400'),
    mend: expect.stringContaining('Lower min_genes'),
  });
  await expect(run({ min_cells: 500 })).rejects.toMatchObject({ code: 'DATA', message: expect.stringContaining('no genes') });
});

test('refuses tasks that cannot be learned', async () => {
  const columns: Dataset['obs']['columns'] = {
    ...atlas.obs.columns,
    one: { kind: 'category', codes: new Int32Array(400), categories: ['same', 'unused'] },
    flat: { kind: 'number', values: new Float64Array(400) },
  };
  const data: Dataset = { ...atlas, obs: { ...atlas.obs, columns } };
  await expect(run({ tasks: [{ column: 'cell_typ' }] }, data)).rejects.toMatchObject({
    code: 'DATA',
    mend: expect.stringContaining('cell_type'),
  });
  await expect(run({ tasks: [{ column: 'one' }] }, data)).rejects.toMatchObject({
    code: 'DATA',
    message: expect.stringContaining('one class only'),
  });
  await expect(run({ tasks: [{ column: 'cell_type', kind: 'regression' }] }, data)).rejects.toMatchObject({
    code: 'DATA',
    message: expect.stringContaining('numbers'),
  });
  await expect(run({ tasks: [{ column: 'flat', kind: 'regression' }] }, data)).rejects.toMatchObject({ code: 'DATA' });
  await expect(run({ min_class_cells: 300, tasks: [{ column: 'cell_type' }] }, data)).rejects.toMatchObject({
    code: 'DATA',
    message: expect.stringContaining(''),
  });
});

test('skips what the values do not allow, and says so', async () => {
  const lines: string[] = [];
  const log: Dataset = { ...atlas, X: { ...atlas.X, data: atlas.X.data.map(Math.log1p) }, scale: 'log' };
  const made = await run({ max_pct_mt: 5 }, log, (line) => lines.push(line));
  expect(made.facts.cells_removed_max_pct_mt).toBeUndefined();
  expect(lines.join()).toContain('are skipped');
});

describe.skipIf(!hasShared)('on reference data', () => {
  test.each([
    ['zeisel', 'zeisel.h5ad'],
    ['kang', 'kang_ifnb_multitask.h5ad'],
    ['paul15_240', 'paul15_240genes.h5ad'],
  ])('%s: keeps the cells and genes that scanpy keeps', async (name, file) => {
    const { filter } = golden(`${name}/qc.json`);
    const { data } = await readDataset(sharedPath(`data/${file}`));
    const made = await run({ min_genes: filter.min_genes, min_cells: filter.min_cells }, data);
    expect([made.data.X.rows, made.data.X.cols]).toEqual([filter.cells_left, filter.genes_left]);
  });

  test.each([
    'gbm_panobinostat_multitask.h5ad',
    'paul15_240genes.h5ad',
    'kang_ifnb_multitask.h5ad',
    'pbmc3k.h5ad',
    'formats/10x_filtered_v3.h5',
  ])('the defaults keep most cells of %s', async (file) => {
    const { data } = await readDataset(sharedPath(`data/${file}`));
    const { facts } = await run({}, data);
    expect(facts.cells / facts.cells_before).toBeGreaterThan(file.endsWith('.h5') ? 0.1 : 0.95);
  });
});
