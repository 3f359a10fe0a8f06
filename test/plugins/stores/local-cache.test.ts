import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LocalCache } from '../../../plugins/stores/_local-cache.ts';

const root = mkdtempSync(join(tmpdir(), 'panelflow-cache-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const keep = async (cache: LocalCache, bytes: Uint8Array, age: number): Promise<string> => {
  const hash = sha256(bytes);
  await cache.write(hash, [bytes]);
  const used = new Date(Date.now() - age * 1000);
  if (existsSync(cache.path(hash))) utimesSync(cache.path(hash), used, used);
  return hash;
};

describe('the local cache', () => {
  it('drops what was used longest ago when it is full; reading counts as use', async () => {
    const cache = new LocalCache(join(root, 'full'), 1000);
    const hashes = [];
    for (let i = 0; i < 4; i++) hashes.push(await keep(cache, Buffer.alloc(240, i), 100 - i));
    expect(await cache.read(hashes[0])).toHaveLength(240);
    hashes.push(await keep(cache, Buffer.alloc(240, 9), 0));
    expect(hashes.map((hash) => existsSync(cache.path(hash)))).toEqual([true, false, false, true, true]);
  });

  it('keeps nothing that is larger than all of it, and nothing at all when it may not', async () => {
    for (const limit of [0, 100]) {
      const cache = new LocalCache(join(root, `small-${limit}`), limit);
      expect(await cache.read(await keep(cache, Buffer.alloc(200), 0))).toBeUndefined();
    }
  });

  it('finds out that a file is damaged, and drops it', async () => {
    const cache = new LocalCache(join(root, 'damaged'), 1000);
    const hash = await keep(cache, Buffer.from('good'), 0);
    writeFileSync(cache.path(hash), 'evil');
    expect(await cache.read(hash)).toBeUndefined();
    expect(existsSync(cache.path(hash))).toBe(false);
  });

  it('leaves no half file behind, and sweeps up those of processes that died', async () => {
    const folder = join(root, 'swept');
    const cache = new LocalCache(folder, 1000);
    const broken = cache.adopt(async (temporary) => {
      writeFileSync(temporary, 'half');
      throw new Error('cut');
    });
    await expect(broken).rejects.toMatchObject({ code: 'RESOURCE' });
    expect(readdirSync(folder)).toEqual([]);
    writeFileSync(join(folder, 'dead.tmp'), 'half');
    utimesSync(join(folder, 'dead.tmp'), 0, 0);
    await keep(new LocalCache(folder, 1000), Buffer.from('whole'), 0);
    expect(existsSync(join(folder, 'dead.tmp'))).toBe(false);
  });

  it('takes the same content from many writers at once', async () => {
    const bytes = Buffer.alloc(500, 1);
    const caches = Array.from({ length: 8 }, () => new LocalCache(join(root, 'shared'), 2000));
    await Promise.all(caches.map((cache) => cache.write(sha256(bytes), [bytes])));
    expect(await caches[0].read(sha256(bytes))).toEqual(bytes);
  });

  it('is no error when it cannot be written', async () => {
    writeFileSync(join(root, 'a-file'), '');
    const cache = new LocalCache(join(root, 'a-file'), 1000);
    expect(await cache.read(await keep(cache, Buffer.from('x'), 0))).toBeUndefined();
  });
});
