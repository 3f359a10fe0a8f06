import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Dataset } from '../../data/dataset.ts';
import { writeH5ad } from '../../data/h5ad-write.ts';
import { readDataset } from '../../data/open.ts';
import { simulateAtlas } from '../../data/simulate.ts';
import { hasPython, runPython } from '../kit/python.ts';

const folder = mkdtempSync(join(tmpdir(), 'panelflow-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const atlas = simulateAtlas({
  cells: 200,
  genes: 120,
  types: 3,
  subtypes: 2,
  markers: 4,
  batches: 2,
  counts: 300,
  separation: 1,
  dropout: 0.2,
  seed: 1,
});
const data: Dataset = {
  ...atlas,
  layers: { counts: atlas.X },
  obs: {
    index: atlas.obs.index,
    columns: {
      ...atlas.obs.columns,
      note: { kind: 'string', values: atlas.obs.index.map((n, i) => (i % 7 ? `µ ${n}` : null)) },
      missing: { kind: 'category', codes: Int32Array.from(atlas.obs.index, (_, i) => (i % 3) - 1), categories: ['a', 'b'] },
    },
  },
  obsm: { X_two: { kind: 'dense', rows: 200, cols: 2, data: new Float32Array(400).map((_, i) => i / 2) } },
};

test('reads back what it wrote', async () => {
  const path = join(folder, 'round.h5ad');
  await writeH5ad(path, data);
  const back = (await readDataset(path)).data;
  expect(back.X).toEqual(data.X);
  expect(back.layers.counts).toEqual(data.layers.counts);
  expect(back.obs.columns.cell_type).toEqual(data.obs.columns.cell_type);
  expect(back.obs.columns.age_days).toEqual(data.obs.columns.age_days);
  expect(back.obs.columns.missing).toEqual(data.obs.columns.missing);
  expect(back.var.index).toEqual(data.var.index);
  expect(back.obsm).toEqual(data.obsm);
  expect(back.uns.truth).toEqual(data.uns.truth);
  expect(readdirSync(folder)).toEqual(['round.h5ad']);
});

test.skipIf(!hasPython)('anndata opens the file and sees the same', async () => {
  const path = join(folder, 'peer.h5ad');
  await writeH5ad(path, data);
  const seen = runPython(
    `import sys, json, anndata
a = anndata.read_h5ad(sys.argv[1]); a.strings_to_categoricals()
print(json.dumps({'shape': list(a.shape), 'sum': float(a.X.sum()), 'layer': float(a.layers['counts'].sum()), 'types': a.obs['cell_type'].value_counts().sort_index().to_dict(), 'missing': int(a.obs['missing'].isna().sum()), 'notes': int(a.obs['note'].isna().sum()), 'markers': len(a.uns['truth']['cell_type']['markers']), 'two': float(a.obsm['X_two'].sum()), 'last': a.var_names[-1]}))`,
    path,
  );
  const sum = data.X.data.reduce((s, x) => s + x, 0);
  expect(seen).toMatchObject({ shape: [200, 120], sum, layer: sum, missing: 67, notes: 29, markers: 12, last: data.var.index.at(-1) });
});

test('a dataset without columns, with a dense matrix, opens too', async () => {
  const path = join(folder, 'bare.h5ad');
  const bare: Dataset = {
    X: { kind: 'dense', rows: 2, cols: 3, data: Float32Array.of(1.5, 2, 3, 4, 5, 6) },
    scale: 'log',
    layers: {},
    obs: { index: ['a', 'b'], columns: {} },
    var: { index: ['x', 'y', 'z'], columns: {} },
    obsm: {},
    uns: {},
  };
  await writeH5ad(path, bare);
  expect((await readDataset(path)).data).toEqual(bare);
  if (hasPython)
    expect(runPython(`import sys, json, anndata; print(json.dumps(list(anndata.read_h5ad(sys.argv[1]).shape)))`, path)).toEqual([2, 3]);
});
