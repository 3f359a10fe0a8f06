import { expect, test } from 'vitest';
import type { Dataset } from '../../../data/dataset.ts';
import normalize from '../../../plugins/transforms/normalize.ts';
import { testContext, tinyAtlas } from '../../kit/tiny-atlas.ts';
import { testTransform } from '../../kit/transform.ts';

testTransform(normalize);

const counts: Dataset = { ...tinyAtlas(), X: tinyAtlas().layers.counts, scale: 'counts', layers: {} };
const run = async (params: object, data: Dataset = counts, log?: (line: string) => void): Promise<Dataset> =>
  (await normalize.run(testContext({ log }), { data }, normalize.params.parse(params))).outputs.data as Dataset;

test('gives every cell the same total, and keeps the counts', async () => {
  const made = await run({ target_sum: 100, log1p: false });
  const sums = new Float64Array(made.X.rows);
  if (made.X.kind === 'csr')
    for (let i = 0; i < made.X.rows; i++) for (let p = made.X.indptr[i]; p < made.X.indptr[i + 1]; p++) sums[i] += made.X.data[p];
  for (const s of sums) expect(s).toBeCloseTo(100, 3);
  expect(made.layers.counts).toBe(counts.X);
  expect(made.scale).toBe('unknown');
});

test('takes totals, none, and the median alike as words or null', async () => {
  expect((await run({ target_sum: null })).X).toEqual((await run({ target_sum: 'median' })).X);
  expect((await run({ target_sum: 'none' })).X.data).toEqual(counts.X.data.map(Math.log1p));
});

test('scales and binarises', async () => {
  const scaled = await run({ scale: true, scale_max: 2 });
  expect([scaled.X.kind, scaled.scale]).toEqual(['dense', 'scaled']);
  expect(Math.max(...scaled.X.data)).toBeLessThanOrEqual(2);
  const binary = await run({ binarize: true });
  expect([binary.scale, new Set(binary.X.data)]).toEqual(['binary', new Set([1])]);
});

test('starts from the counts where X was normalised before', async () => {
  expect((await run({}, tinyAtlas())).X).toEqual((await run({})).X);
});

test('leaves logs as they are and says so; refuses scaled and unknown values', async () => {
  const lines: string[] = [];
  const log: Dataset = { ...tinyAtlas(), layers: {} };
  expect((await run({}, log, (line) => lines.push(line))).X).toBe(log.X);
  expect(lines.join()).toContain('left as they are');
  await expect(run({}, { ...log, scale: 'scaled' })).rejects.toMatchObject({ code: 'DATA', mend: expect.stringContaining('raw') });
  await expect(run({}, { ...log, scale: 'unknown' })).rejects.toMatchObject({ code: 'DATA' });
  expect((await run({ force: true }, { ...log, scale: 'unknown' })).scale).toBe('log');
});
