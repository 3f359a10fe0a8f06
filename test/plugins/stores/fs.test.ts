import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { FileStore } from '../../../plugins/stores/fs.ts';
import { testStore } from '../../kit/store.ts';

const folders: string[] = [];
const open = async (): Promise<FileStore> => {
  folders.push(mkdtempSync(join(tmpdir(), 'panelflow-store-')));
  return new FileStore(folders.at(-1)!);
};
afterAll(() => folders.forEach((f) => rmSync(f, { recursive: true, force: true })));

describe('the file store', () => {
  testStore(open);

  it('finds damaged bytes by their hash, sets them aside, and takes good ones again', async () => {
    const store = await open();
    const ref = await store.put([Buffer.from('good')], 'words');
    const path = join(store.uri, 'objects', ref.sha256.slice(0, 2), ref.sha256.slice(2));
    writeFileSync(path, 'evil');
    await expect(store.get(ref)).rejects.toMatchObject({ code: 'ARTIFACT', retryable: false, message: expect.stringContaining('damaged') });
    expect(await store.has(ref)).toBe(false);
    await store.put([Buffer.from('good')], 'words');
    expect(readFileSync(path, 'utf8')).toBe('good');
  });

  it('takes a lock away from a process that died with it, so that one of many goes on', async () => {
    const store = await open();
    await store.writeRecord('claims/k.json', 'first');
    const { tag } = (await store.readTagged('claims/k.json'))!;
    await store.writeRecord('claims/k.json.lock', 'a dead process');
    const real = performance.now.bind(performance);
    const started = real();
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => started + 100 * (real() - started));
    const won = await Promise.all(Array.from({ length: 8 }, (_, i) => store.replaceRecord('claims/k.json', `caller ${i}`, tag)));
    clock.mockRestore();
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(readdirSync(join(store.uri, 'claims'))).toEqual(['k.json']);
  });

  it('tells the hash of damaged bytes, and lists what was set aside and what a dead writer left without a hash', async () => {
    const store = await open();
    const ref = await store.put([Buffer.from('good')], 'words');
    const path = join(store.uri, 'objects', ref.sha256.slice(0, 2), ref.sha256.slice(2));
    writeFileSync(path, 'evil');
    expect(await store.digest(ref.sha256)).toBe(createHash('sha256').update('evil').digest('hex'));
    await expect(store.get(ref)).rejects.toMatchObject({ code: 'ARTIFACT' });
    writeFileSync(`${path}.0123456789ab.tmp`, 'ev');
    const found: string[] = [];
    for await (const page of store.walkObjects()) found.push(...page.map(({ sha256, bytes }) => `${sha256} ${bytes}`));
    expect(found.toSorted()).toEqual(['undefined 2', 'undefined 4']);
  });

  it('counts an object that is put again as new', async () => {
    const store = await open();
    const ref = await store.put([Buffer.from('good')], 'words');
    const path = join(store.uri, 'objects', ref.sha256.slice(0, 2), ref.sha256.slice(2));
    utimesSync(path, 1e9, 1e9);
    await store.put([Buffer.from('good')], 'words');
    expect(Date.now() - statSync(path).mtimeMs).toBeLessThan(60_000);
  });

  it('leaves no temporary file', async () => {
    const store = await open();
    await store.put([Buffer.from('x')], 'words');
    await store.writeRecord('runs/r/run.json', '{}');
    const names = readdirSync(store.uri, { recursive: true }).map(String);
    expect(names.filter((n) => n.endsWith('.tmp'))).toEqual([]);
  });
});
