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
    await store.writeRecord('runs/a/tasks/deeper/z.json', '3');
    expect(await store.listRecords('runs/a/tasks/')).toEqual(['runs/a/tasks/x.json', 'runs/a/tasks/y.json']);
  });

  it('keeps empty bytes, and any text and any letter', async () => {
    const store = await open();
    expect(await store.get(await store.put([], 'nothing'))).toHaveLength(0);
    const [path, said] = ['runs/größe µ 細胞+a b&c=%41/run.json', 'ß 細胞 \u0000 \u{1f9ec}\r\n'];
    await store.writeRecord(path, said);
    expect(await store.readRecord(path)).toBe(said);
    expect(await store.listRecords('runs/größe µ 細胞+a b&c=%41/')).toEqual([path]);
  });

  it('drops objects and records; dropping what is not there does nothing', async () => {
    const store = await open();
    const ref = await store.put(text('short-lived'), 'words');
    await store.writeRecord('runs/r/run.json', '1');
    for (let times = 0; times < 2; times++) {
      await store.remove(ref);
      await store.removeRecord('runs/r/run.json');
    }
    expect(await store.has(ref)).toBe(false);
    expect(await store.readRecord('runs/r/run.json')).toBeUndefined();
  });

  it('lets one of many create a record', async () => {
    const store = await open();
    const callers = Array.from({ length: 20 }, (_, i) => `caller ${i}`);
    const won = await Promise.all(callers.map((caller) => store.createRecord('claims/k.json', caller)));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await store.readRecord('claims/k.json')).toBe(callers[won.indexOf(true)]);
    await store.removeRecord('claims/k.json');
    expect(await store.createRecord('claims/k.json', 'a later caller')).toBe(true);
  });

  it('lets one of many replace a record, and nobody who has not seen its last version', async () => {
    const store = await open();
    expect(await store.readTagged('claims/k.json')).toBeUndefined();
    expect(await store.replaceRecord('claims/k.json', 'too early', 'no tag')).toBe(false);
    await store.writeRecord('claims/k.json', 'first');
    const first = await store.readTagged('claims/k.json');
    expect(first?.text).toBe('first');
    const callers = Array.from({ length: 20 }, (_, i) => `caller ${i}`);
    const won = await Promise.all(callers.map((caller) => store.replaceRecord('claims/k.json', caller, first!.tag)));
    expect(won.filter(Boolean)).toHaveLength(1);
    const second = await store.readTagged('claims/k.json');
    expect(second?.text).toBe(callers[won.indexOf(true)]);
    expect(await store.replaceRecord('claims/k.json', 'late', first!.tag)).toBe(false);
    expect(await store.replaceRecord('claims/k.json', 'in time', second!.tag)).toBe(true);
    expect(await store.listRecords('claims/')).toEqual(['claims/k.json']);
  });

  it('counts up without losing a step when many do it at once', async () => {
    const store = await open();
    await store.writeRecord('claims/n.json', JSON.stringify({ n: 0 }));
    const increment = async (caller: number): Promise<void> => {
      for (;;) {
        const { text: before, tag } = (await store.readTagged('claims/n.json'))!;
        const { n } = JSON.parse(before) as { n: number };
        if (await store.replaceRecord('claims/n.json', JSON.stringify({ n: n + 1, caller }), tag)) return;
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, caller) => increment(caller)));
    expect(JSON.parse((await store.readRecord('claims/n.json'))!)).toMatchObject({ n: 8 });
  });
  it('walks all objects and records, with size and age, and finds folders by the beginning of their names', async () => {
    const store = await open();
    const all = async <T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> => {
      const items: T[] = [];
      for await (const page of pages) items.push(...page);
      return items;
    };
    expect([await all(store.walkObjects()), await all(store.walkRecords('runs/')), await store.listFolders('runs/')]).toEqual([[], [], []]);
    const refs = await Promise.all(Array.from({ length: 12 }, (_, i) => store.put(text(`object ${'x'.repeat(i)}`), 'words')));
    const paths = ['runs/b-1/run.json', 'runs/a-1/run.json', 'runs/a-1/tasks/t.json', 'runs/a-2/tasks/t.json', 'cache/ab/ab12.json'];
    for (const path of paths) await store.writeRecord(path, '12345');
    const found = await all(store.walkObjects());
    expect(found.map(({ sha256, bytes }) => `${sha256} ${bytes}`).toSorted()).toEqual(refs.map((r) => `${r.sha256} ${r.bytes}`).toSorted());
    for (const { age } of found) expect(Math.abs(age)).toBeLessThan(60_000);
    expect((await all(store.walkRecords('runs/'))).map(({ path, bytes }) => `${path} ${bytes}`).toSorted()).toEqual(
      paths
        .slice(0, 4)
        .map((path) => `${path} 5`)
        .toSorted(),
    );
    expect((await all(store.walkRecords('cache/'))).map(({ path }) => path)).toEqual([paths[4]]);
    expect(await store.listFolders('runs/')).toEqual(['a-1', 'a-2', 'b-1']);
    expect(await store.listFolders('runs/a-')).toEqual(['a-1', 'a-2']);
    await store.removeRecords('runs/a-1/');
    await store.removeRecords('runs/none/');
    expect(await store.listFolders('runs/')).toEqual(['a-2', 'b-1']);
    await store.removeRecord(found[0].path);
    expect(await store.has(refs.find((r) => r.sha256 === found[0].sha256)!)).toBe(false);
  });

  it('tells the hash of what lies there', async () => {
    const store = await open();
    const { sha256 } = await store.put(text('good'), 'words');
    expect(await store.digest(sha256)).toBe(sha256);
    expect(await store.digest('0'.repeat(64))).toBeUndefined();
  });
}
