import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readDataset } from '../../data/open.ts';
import { hasPython, runPython } from '../kit/python.ts';

const MAKE = `
import sys, json, numpy as np, pandas as pd, scipy.sparse as sp, anndata, h5py
folder = sys.argv[1]
X = sp.random(30, 8, 0.3, random_state=0, format='csr'); X.data = np.ceil(X.data * 9)
obs = pd.DataFrame({'n': pd.array([1, None] * 15, dtype='Int64'), 'b': pd.array([True, False, None] * 10, dtype='boolean'), 'plain': [True, False] * 15,
  'f': np.arange(30) / 2, 'big': np.arange(30) + 2**40, 'c': pd.Categorical(['x', 'y', None] * 10, categories=['y', 'x', 'z']), 'num': pd.Categorical([3, 1, 2] * 10), 's': [f's{i}' for i in range(30)]},
  index=[f'c{i}' for i in range(30)])
a = anndata.AnnData(X, obs=obs, var=pd.DataFrame(index=[f'g{i % 6}' for i in range(8)]), layers={'counts': sp.csc_matrix(X * 2)}, uns={'a': {'b': [1, 2], 'c': 'word'}, 'flag': True})
a.obsm['frame'] = pd.DataFrame({'u': np.arange(30.), 'v': np.arange(30.) * 2}, index=obs.index)
a.obsm['array'] = np.ones((30, 3))
anndata.settings.allow_write_nullable_strings = True
a.write_h5ad(f'{folder}/csr.h5ad')
a.X = sp.csc_matrix(X); a.write_h5ad(f'{folder}/csc.h5ad', compression='gzip')
a.X = X.toarray(); a.write_h5ad(f'{folder}/lzf.h5ad', compression='lzf')
a.X = X.toarray().astype('int64'); a.write_h5ad(f'{folder}/dense_int64.h5ad')
with h5py.File(f'{folder}/x.loom', 'w') as h:
    h['matrix'] = X.toarray().T
    h['row_attrs/Gene'] = np.array([f'g{i}' for i in range(8)], dtype='S'); h['col_attrs/CellID'] = np.array([f'c{i}' for i in range(30)], dtype='S')
    h['col_attrs/cluster'] = np.array(['p', 'q'] * 15, dtype='S'); h['col_attrs/age'] = np.arange(30.); h.create_group('layers')
with h5py.File(f'{folder}/types.h5', 'w') as h:
    m = h.create_group('matrix'); m['shape'] = np.array([8, 30]); m['barcodes'] = np.array([f'c{i}' for i in range(30)], dtype='S')
    for k in ('data', 'indices', 'indptr'): m[k] = getattr(X, k).astype('int64')
    f = m.create_group('features'); f['id'] = f['name'] = np.array([f'g{i}' for i in range(8)], dtype='S')
    f['feature_type'] = np.array(['Gene Expression'] * 5 + ['Antibody Capture'] * 3, dtype='S'); f['genome'] = np.array(['G'] * 8, dtype='S')
print(json.dumps({'sum': float(X.sum()), 'genes5': float(X[:, :5].sum()), 'first': X.toarray()[0].tolist()}))
`;

describe.skipIf(!hasPython)('files of the peers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'panelflow-peers-'));
  let made: { sum: number; genes5: number; first: number[] };
  beforeAll(() => {
    made = runPython(MAKE, folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(['csr', 'csc', 'dense_int64'])('%s: the same matrix, sparse in memory', async (name) => {
    const { data } = await readDataset(join(folder, `${name}.h5ad`));
    expect(data.X.kind).toBe('csr');
    expect(data.X.data.reduce((s, x) => s + x, 0)).toBe(made.sum);
    expect(data.layers.counts.data.reduce((s, x) => s + x, 0)).toBe(2 * made.sum);
    const row = Array.from({ length: 8 }, () => 0);
    if (data.X.kind === 'csr') for (let p = 0; p < data.X.indptr[1]; p++) row[data.X.indices[p]] = data.X.data[p];
    expect(row).toEqual(made.first);
    expect((await readDataset(join(folder, `${name}.h5ad`), { layer: 'counts' })).data.X.data.reduce((s, x) => s + x, 0)).toBe(
      2 * made.sum,
    );
  });

  test('refuses names packed with lzf before the codec stops the library', async () => {
    await expect(readDataset(join(folder, 'lzf.h5ad'))).rejects.toMatchObject({
      code: 'DATA',
      context: { file: join(folder, 'lzf.h5ad') },
      mend: expect.stringContaining('gzip'),
    });
    expect((await readDataset(join(folder, 'csr.h5ad'))).data.X.rows).toBe(30);
  });

  test('columns of every kind keep their values and their gaps', async () => {
    const { data, facts } = await readDataset(join(folder, 'csr.h5ad'));
    const { n, b, plain, f, big, c, num, s } = data.obs.columns as Record<string, any>;
    expect(Array.from(n.values.slice(0, 2))).toEqual([1, Number.NaN]);
    expect([b.categories, [...b.codes.slice(0, 3)]]).toEqual([
      ['False', 'True'],
      [1, 0, -1],
    ]);
    expect([plain.kind, [...plain.codes.slice(0, 2)]]).toEqual(['category', [1, 0]]);
    expect(f.values[3]).toBe(1.5);
    expect(big.values[1]).toBe(2 ** 40 + 1);
    expect([c.categories, [...c.codes.slice(0, 3)]]).toEqual([
      ['y', 'x', 'z'],
      [1, 0, -1],
    ]);
    expect(num.categories).toEqual(['1', '2', '3']);
    expect(s.kind === 'category' ? s.categories[s.codes[4]] : s.values[4]).toBe('s4');
    expect(data.var.index).toEqual(['g0', 'g1', 'g2', 'g3', 'g4', 'g5', 'g0-1', 'g1-1']);
    expect(facts.notes).toContain('2 repeated gene names');
    expect([data.obsm.frame.cols, data.obsm.array.cols]).toEqual([2, 3]);
    expect(data.uns).toMatchObject({ a: { b: [1, 2], c: 'word' }, flag: true });
  });

  test('loom is turned to cells x genes', async () => {
    const { data } = await readDataset(join(folder, 'x.loom'));
    expect([data.X.rows, data.X.cols, data.obs.index[2], data.var.index[3]]).toEqual([30, 8, 'c2', 'g3']);
    expect(data.X.data.reduce((s, x) => s + x, 0)).toBe(made.sum);
    expect(Object.keys(data.obs.columns).sort()).toEqual(['age', 'cluster']);
  });

  test('10x: keeps Gene Expression unless asked for more', async () => {
    const { data, facts } = await readDataset(join(folder, 'types.h5'));
    expect([data.X.cols, data.X.data.reduce((s, x) => s + x, 0)]).toEqual([5, made.genes5]);
    expect(facts.notes).toContain('3 features of other types');
    const all = await readDataset(join(folder, 'types.h5'), { featureTypes: ['Gene Expression', 'Antibody Capture'] });
    expect(all.data.X.cols).toBe(8);
    await expect(readDataset(join(folder, 'types.h5'), { featureTypes: ['CRISPR'] })).rejects.toMatchObject({
      code: 'DATA',
      mend: expect.stringContaining('Antibody'),
    });
  });
});
