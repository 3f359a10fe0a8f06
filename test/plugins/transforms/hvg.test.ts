import { expect, test } from 'vitest';
import type { Dataset } from '../../../data/dataset.ts';
import hvg from '../../../plugins/transforms/hvg.ts';
import { testContext, tinyAtlas } from '../../kit/tiny-atlas.ts';
import { testTransform } from '../../kit/transform.ts';

testTransform(hvg, { params: { top: 10 } });

const run = async (params: object, data: Dataset = tinyAtlas(), log?: (line: string) => void): Promise<Dataset> =>
  (await hvg.run(testContext({ log }), { data }, hvg.params.parse(params))).outputs.data as Dataset;

test.each(['seurat', 'seurat_v3', 'seurat_v3_paper', 'cell_ranger'])('keeps exactly the genes asked for: %s', async (flavor) => {
  const made = await run({ flavor, top: 12 });
  expect(made.X.cols).toBe(12);
  expect(made.var.columns).toHaveProperty(flavor.startsWith('seurat_v3') ? 'variances_norm' : 'dispersions_norm');
  expect(made.var.columns).toHaveProperty('highly_variable_rank');
  expect((await run({ flavor, top: 12, batch: 'state' })).X.cols).toBe(12);
});

test('keeps all genes when top is larger, and says so', async () => {
  const lines: string[] = [];
  expect((await run({ top: 500 }, tinyAtlas(), (line) => lines.push(line))).X.cols).toBe(40);
  expect(lines.join()).toContain('all are kept');
});

test('refuses values of the wrong kind, and an unknown batch column', async () => {
  const noCounts: Dataset = { ...tinyAtlas(), layers: {} };
  await expect(run({ flavor: 'seurat_v3' }, noCounts)).rejects.toMatchObject({ code: 'DATA' });
  const raw: Dataset = { ...tinyAtlas(), X: tinyAtlas().layers.counts, scale: 'counts', layers: {} };
  await expect(run({ flavor: 'seurat' }, raw)).rejects.toMatchObject({ code: 'DATA', mend: expect.stringContaining('normalize') });
  await expect(run({ batch: 'stat' })).rejects.toMatchObject({ code: 'DATA', mend: expect.stringContaining('state') });
  const fractional: Dataset = { ...tinyAtlas(), layers: { counts: tinyAtlas().X } };
  await expect(run({ flavor: 'seurat_v3' }, fractional)).rejects.toMatchObject({ code: 'DATA', context: { value: expect.any(Number) } });
});
