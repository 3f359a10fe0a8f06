import { expect, test } from 'vitest';
import { labels } from '../../../data/dataset.ts';
import { simulateAtlas } from '../../../data/simulate.ts';
import simulated from '../../../plugins/readers/simulated.ts';
import { hvgRanking } from '../../../stats/hvg.ts';
import { testReader } from '../../kit/reader.ts';

testReader(simulated, { params: { cells: 300, genes: 250 } });

const full = simulated.params.parse({});

test('is made in a second, with whole counts and nested types', () => {
  const start = process.cpuUsage();
  const data = simulateAtlas(full);
  const { user, system } = process.cpuUsage(start);
  expect((user + system) / 1e6).toBeLessThan(1.5);
  expect([data.X.rows, data.X.cols]).toEqual([1500, 1200]);
  expect(data.X.data.every((x) => x > 0 && Number.isInteger(x))).toBe(true);
  const [type, subtype] = [labels(data.obs, 'cell_type'), labels(data.obs, 'cell_subtype')];
  expect([type.classes.length, subtype.classes.length]).toEqual([6, 12]);
  subtype.codes.forEach((s, i) => expect(subtype.classes[s].startsWith(type.classes[type.codes[i]])).toBe(true));
  expect(data.var.index.filter((n) => n.startsWith('MT-'))).toHaveLength(13);
});

test('another seed gives another atlas, the same seed the same', () => {
  const small = { ...full, cells: 60, genes: 250 };
  expect(simulateAtlas({ ...small, seed: 1 })).toEqual(simulateAtlas({ ...small, seed: 1 }));
  expect(simulateAtlas({ ...small, seed: 1 }).X).not.toEqual(simulateAtlas({ ...small, seed: 2 }).X);
});

test('its true markers stand out as variable genes', () => {
  const data = simulateAtlas(full);
  const markers = new Set((data.uns.truth as Record<string, { markers: string[] }>).cell_subtype.markers);
  const { order } = hvgRanking({ counts: data.X }, { flavor: 'seurat_v3' });
  const found = [...order.subarray(0, markers.size)].filter((j) => markers.has(data.var.index[j])).length;
  expect(found / markers.size).toBeGreaterThan(0.6);
});

test('refuses more markers than the genes can hold', () => {
  expect(() => simulateAtlas({ ...full, genes: 100, markers: 50 })).toThrow(expect.objectContaining({ code: 'DATA' }));
});
