import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CATALOGUE, catalogueEntry, type CatalogueEntry, fetchDataset } from '../../data/catalogue.ts';
import { readDataset } from '../../data/open.ts';
import { hasShared, sharedPath } from '../kit/shared-data.ts';

const bytes = Buffer.from('cell,ACTB\nc1,3\n');
const sha256 = createHash('sha256').update(bytes).digest('hex');
const folder = mkdtempSync(join(tmpdir(), 'panelflow-catalogue-'));
let server: Server;
let base = '';

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/gone') response.writeHead(404).end();
    else if (request.url === '/cut') {
      response.writeHead(200, { 'content-length': bytes.length + 50 });
      response.write(bytes, () => response.destroy());
    } else response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const entry = (name: string, more: Partial<CatalogueEntry>): CatalogueEntry => ({
  name,
  title: '',
  citation: '',
  licence: '',
  source: 'here',
  file: `${name}.csv`,
  cells: 1,
  genes: 1,
  labels: [],
  ...more,
});

test('downloads once, checks the hash, leaves nothing else behind', async () => {
  const seen: number[] = [];
  const entries = [entry('fine', { url: `${base}/fine`, sha256 })];
  const path = await fetchDataset('fine', folder, { entries, progress: (n) => seen.push(n) });
  expect(readFileSync(path)).toEqual(bytes);
  expect(seen.at(-1)).toBe(bytes.length);
  expect(readdirSync(folder)).toEqual(['fine.csv']);
  expect(await fetchDataset('fine', folder, { entries: [entry('fine', { url: `${base}/gone`, sha256 })] })).toBe(path);
});

test.each([
  ['a wrong hash', 'wrong', '/fine', 'DATA'],
  ['a missing file', 'missing', '/gone', 'RESOURCE'],
  ['a broken transfer', 'cut', '/cut', 'RESOURCE'],
])('refuses %s and keeps no part of it', async (_what, name, url, code) => {
  await expect(
    fetchDataset(name, folder, { entries: [entry(name, { url: base + url, sha256: name === 'wrong' ? '0'.repeat(64) : undefined })] }),
  ).rejects.toMatchObject({ code });
  expect(readdirSync(folder).filter((n) => n.startsWith(name))).toEqual([]);
});

test('says what to do without a network', async () => {
  await expect(fetchDataset('off', folder, { entries: [entry('off', { url: 'http://127.0.0.1:9/off' })] })).rejects.toMatchObject({
    code: 'RESOURCE',
    mend: expect.stringContaining('PANELFLOW_DATA'),
  });
});

test('takes the file from a mirror, whole only', async () => {
  const mirror = mkdtempSync(join(tmpdir(), 'panelflow-mirror-'));
  writeFileSync(join(mirror, 'm.csv'), bytes);
  expect(await fetchDataset('m', folder, { mirror, entries: [entry('m', { sha256 })] })).toBe(join(mirror, 'm.csv'));
  writeFileSync(join(mirror, 'm.csv'), 'other');
  await expect(fetchDataset('m', folder, { mirror, entries: [entry('m', { sha256 })] })).rejects.toMatchObject({ code: 'DATA' });
  rmSync(mirror, { recursive: true });
});

test('says where to get what nobody serves, and under which name to put it', async () => {
  await expect(fetchDataset('raw', folder, { entries: [entry('raw', { source: 'the authors', file: 'raw.h5ad' })] })).rejects.toMatchObject(
    {
      code: 'DATA',
      mend: expect.stringMatching(/the authors.*raw\.h5ad/),
    },
  );
});

test('names every dataset and every file once', () => {
  const files = CATALOGUE.flatMap((known) => known.file ?? []);
  expect(new Set(files).size).toBe(files.length);
  expect(new Set(CATALOGUE.map((known) => known.name)).size).toBe(CATALOGUE.length);
});

test('names the nearest dataset, and what is made instead of fetched', async () => {
  expect(() => catalogueEntry('ziesel')).toThrow(expect.objectContaining({ mend: expect.stringContaining('"zeisel"') }));
  await expect(fetchDataset('simulated', folder)).rejects.toMatchObject({ code: 'DATA' });
});

/** Files that lie in the reference data under another name. */
const renamed: Record<string, string> = {
  '10x_pbmc68k_reduced.h5ad': 'formats/odd/pbmc68k_reduced_scaled_with_raw.h5ad',
  'small_data_raw_counts.h5ad': 'formats/odd/pbmc3k_legacy__categories.h5ad',
};

test.skipIf(!hasShared)('says of every dataset what the file holds', async () => {
  for (const known of CATALOGUE) {
    // Without a hash, nobody of us has the file.
    if (known.file === undefined || known.sha256 === undefined) continue;
    if (renamed[known.file]) copyFileSync(sharedPath(`data/${renamed[known.file]}`), join(folder, known.file));
    const { data } = await readDataset(await fetchDataset(known.name, folder, { mirror: sharedPath('data') }));
    expect([known.name, data.X.rows, data.X.cols]).toEqual([known.name, known.cells, known.genes]);
    for (const label of known.labels) expect(Object.keys(data.obs.columns)).toContain(label);
  }
});
