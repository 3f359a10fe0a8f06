import { expect, it } from 'vitest';
import type { ArtifactStore } from '../../core/store.ts';

/** What every store must promise; each store's test calls it. */
export function testStore(open: () => Promise<ArtifactStore>): void {
  const text = (t: string): Uint8Array[] => [new TextEncoder().encode(t)];

  it('gives back what was put, by its hash', async () => {
    const store = await open();
    const ref = await store.put([...text('hello '), ...text('world')], 'words');
    expect(ref).toEqual({ sha256: 'b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9', bytes: 11, type: 'words' });
    expect(new TextDecoder().decode(await store.get(ref))).toBe('hello world');
    expect(await store.has(ref)).toBe(true);
  });

  it('takes the same bytes twice, also at once', async () => {
    const store = await open();
    const refs = await Promise.all(Array.from({ length: 8 }, () => store.put(text('same'), 'words')));
    expect(new Set(refs.map((r) => r.sha256)).size).toBe(1);
    expect(new TextDecoder().decode(await store.get(refs[0]))).toBe('same');
  });

  it('says that an object is missing with an ArtifactError', async () => {
    const store = await open();
    const ref = { sha256: '0'.repeat(64), bytes: 4, type: 'words' };
    expect(await store.has(ref)).toBe(false);
    await expect(store.get(ref)).rejects.toMatchObject({ code: 'ARTIFACT', retryable: false });
  });

  it('keeps records by path, the last one winning, and lists them in order', async () => {
    const store = await open();
    expect(await store.readRecord('runs/a/tasks/x.json')).toBeUndefined();
    expect(await store.listRecords('runs/a/tasks/')).toEqual([]);
    await store.writeRecord('runs/a/tasks/y.json', '1');
    await store.writeRecord('runs/a/tasks/x.json', '1');
    await store.writeRecord('runs/a/tasks/x.json', '2');
    expect(await store.readRecord('runs/a/tasks/x.json')).toBe('2');
    expect(await store.listRecords('runs/a/tasks/')).toEqual(['runs/a/tasks/x.json', 'runs/a/tasks/y.json']);
  });
}
