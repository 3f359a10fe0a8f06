import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { dropHash, Ledger } from '../../activities/ledger.ts';
import { type DropBucket, Gate, type Listed } from '../../activities/readiness.ts';
import { type Asked, sift, type Sifted } from '../../activities/sift.ts';
import { FileStore } from '../../plugins/stores/fs.ts';
import type { Drop, WatchSpec } from '../../schemas/watch.ts';

const SPEC: WatchSpec = {
  ...{ name: 'w', bucket: 'lab', glob: '**/*.h5ad', versions: false, marker: null, manifest: null, quietMs: 0 },
  ...{ param: 'data', samples: [], unmatched: 'run', out: 's3://lab/{key}.panelflow' },
};
const root = mkdtempSync(join(tmpdir(), 'panelflow-sift-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A bucket in memory that keeps every version; the newest counts where none is asked for. */
class FakeBucket implements DropBucket {
  readonly #objects = new Map<string, (Listed & { readonly body: string })[]>();
  #count = 0;

  put(key: string, body: string, modified = Date.now() - 1_000): string {
    const etag = createHash('md5').update(body).digest('hex');
    const version = { key, version: `v${++this.#count}`, etag: `"${etag}"`, bytes: body.length, modified, body };
    this.#objects.set(key, [version, ...(this.#objects.get(key) ?? [])]);
    return etag;
  }

  remove(key: string): void {
    this.#objects.delete(key);
  }

  async head(key: string): Promise<(Listed & { sha256: undefined }) | undefined> {
    const found = this.#objects.get(key)?.[0];
    return found && { ...found, sha256: undefined };
  }

  async get(key: string): Promise<{ bytes: Uint8Array } | undefined> {
    const found = this.#objects.get(key)?.[0];
    return found && { bytes: Buffer.from(found.body) };
  }

  async stream<T>({ key }: { key: string }, take: (body: Readable) => Promise<T>): Promise<T | undefined> {
    return take(Readable.from([Buffer.from(this.#objects.get(key)![0].body)]));
  }

  async *pages(): AsyncGenerator<{ objects: { key: string; etag: string }[] }> {
    yield { objects: [...this.#objects.values()].map(([newest]) => newest) };
  }

  async *versions(prefix: string): AsyncGenerator<Listed[]> {
    for (const [key, versions] of this.#objects) if (key.startsWith(prefix)) yield versions;
  }
}

describe('what there is of an object', () => {
  let bucket: FakeBucket;
  let ledger: Ledger;
  beforeEach(() => {
    bucket = new FakeBucket();
    ledger = new Ledger(new FileStore(mkdtempSync(join(root, 'w-'))), 'w');
  });
  const look = (asked: Partial<Asked>, spec: Partial<WatchSpec> = {}): Promise<Sifted> => {
    const full = { ...SPEC, ...spec };
    const gate = new Gate(bucket, { spec: full, pace: { pollMs: 5_000, queue: null, most: 1 } }, ledger);
    return sift({ ledger, spec: full, bucket, gate }, { key: 'a.h5ad', etags: [], held: [], ...asked });
  };
  const end = async (drop: Drop, state: 'done' | 'failed' = 'done'): Promise<void> => {
    const record = await ledger.begin(drop, 1);
    await ledger.end({ ...record, state, ended: 2, run: 'r', message: '' });
  };

  it('is noted as waiting, and nothing any more when it has ended', async () => {
    const etag = bucket.put('a.h5ad', 'one');
    const { candidates } = await look({});
    expect(candidates).toMatchObject([{ hash: dropHash('lab', 'a.h5ad', etag), version: null, again: null, isRunning: false }]);
    expect(await ledger.waitingNames()).toHaveLength(1);
    await ledger.begin(candidates[0], 1);
    expect((await look({ etags: [etag] })).candidates).toMatchObject([{ isRunning: true }]);
    await end(candidates[0]);
    expect(await look({ etags: [etag] })).toEqual({ candidates: [], superseded: [] });
    expect((await ledger.all()).map(({ state }) => state)).toEqual(['done']);
  });

  it('without versions is what is there: what was written over before its run is told as superseded, once', async () => {
    const one = bucket.put('a.h5ad', 'one');
    const [held] = (await look({})).candidates;
    bucket.put('a.h5ad', 'two');
    const { candidates, superseded } = await look({ etags: [one], held: [{ ...held, isReady: true }] });
    expect([candidates.length, superseded.map(({ hash }) => hash)]).toEqual([1, [held.hash]]);
    expect((await look({ etags: [one] })).superseded).toEqual([]);
    expect((await ledger.all()).map(({ state }) => state).toSorted()).toEqual(['superseded', 'waiting']);
  });

  it('is not told as superseded while it runs, though it was written over', async () => {
    const one = bucket.put('a.h5ad', 'one');
    await ledger.begin((await look({})).candidates[0], 1);
    bucket.put('a.h5ad', 'two');
    expect((await look({ etags: [one] })).superseded).toEqual([]);
  });

  it('with versions is all of them, each once, also those of which no event told', async () => {
    for (const body of ['one', 'two', 'three']) bucket.put('a.h5ad', body);
    bucket.put('a.h5ad.bak', 'x');
    const { candidates } = await look({}, { versions: true });
    expect(candidates.map(({ version }) => version)).toEqual(['v3', 'v2', 'v1']);
    await end(candidates[1]);
    expect((await look({}, { versions: true })).candidates.map(({ version }) => version)).toEqual(['v3', 'v1']);
  });

  it('is found under the other key where a server may not have encoded it', async () => {
    const etag = bucket.put('a+b.h5ad', 'one');
    bucket.put('a b.h5ad', 'another');
    expect((await look({ key: 'a b.h5ad', or: 'a+b.h5ad', etags: [etag] })).candidates).toMatchObject([{ key: 'a+b.h5ad', etag }]);
    bucket.remove('a b.h5ad');
    expect((await look({ key: 'a b.h5ad', or: 'a+b.h5ad' })).candidates).toMatchObject([{ key: 'a+b.h5ad' }]);
  });

  it('waits for a quiet time, and gives way to what comes before it is over', async () => {
    const now = Date.now();
    bucket.put('a.h5ad', 'one', now - 100_000);
    bucket.put('a.h5ad', 'two', now - 60_000);
    bucket.put('a.h5ad', 'three', now - 50_000);
    bucket.put('a.h5ad', 'four', now - 10_000);
    const { candidates, superseded } = await look({}, { versions: true, quietMs: 30_000 });
    expect(candidates.map(({ version, again }) => [version, again !== null])).toEqual([
      ['v4', true],
      ['v3', false],
      ['v1', false],
    ]);
    expect(superseded).toHaveLength(1);
  });

  it('waits for a marker that is not older than itself', async () => {
    const now = Date.now();
    const spec = { marker: 'DONE' };
    const key = 'b/a.h5ad';
    const again = async (): Promise<unknown> => (await look({ key }, spec)).candidates[0].again;
    bucket.put('b/DONE', '', now - 9_000);
    bucket.put(key, 'one', now - 5_000);
    expect(await again()).toBe(5_000);
    expect((await ledger.all())[0].message).toMatch(/newer than itself/);
    bucket.put('b/DONE', '', now);
    expect(await again()).toBeNull();
    expect((await look({ key }, { marker: '.done' })).candidates[0].again).toBe(5_000);
    bucket.put(`${key}.done`, '', now);
    expect((await look({ key }, { marker: '.done' })).candidates[0].again).toBeNull();
  });

  it('waits until all is there that a manifest lists, and fits', async () => {
    const spec = { manifest: 'm.json' };
    const why = async (): Promise<string> => {
      const [{ again, hash }] = (await look({ key: 'b/a.h5ad' }, spec)).candidates;
      return again === null ? 'ready' : (await ledger.all()).find((record) => record.hash === hash)!.message;
    };
    const sha256 = createHash('sha256').update('one').digest('hex');
    bucket.put('b/a.h5ad', 'one');
    expect(await why()).toMatch(/waits for b\/m\.json/);
    bucket.put('b/m.json', '[');
    expect(await why()).toMatch(/can be read/);
    expect(await why()).toMatch(/can be read/);
    expect(await ledger.deadLetters()).toMatchObject([{ from: 'manifest', why: expect.stringMatching(/^b\/m\.json/) as string }]);
    bucket.put('b/m.json', '[{"name": "b.h5ad"}]');
    expect(await why()).toMatch(/to be listed/);
    bucket.put(
      'b/m.json',
      JSON.stringify([
        { name: 'a.h5ad', bytes: 3, sha256 },
        { name: 'b.h5ad', bytes: 9 },
      ]),
    );
    expect(await why()).toMatch(/waits for b\/b\.h5ad/);
    bucket.put('b/b.h5ad', 'short');
    expect(await why()).toMatch(/5 bytes, and is to have 9/);
    bucket.put('b/b.h5ad', 'nine-byte');
    expect(await why()).toBe('ready');
  });

  it('stays as it ended, and runs again only when that is asked for', async () => {
    bucket.put('a.h5ad', 'one');
    const [drop] = (await look({})).candidates;
    await end(drop, 'failed');
    await ledger.end({ ...drop, ...{ state: 'done', seen: 0, started: 0, ended: 0, run: null, out: null, message: '' } });
    expect((await ledger.ended(drop.hash))?.state).toBe('failed');
    expect((await look({})).candidates).toEqual([]);
    expect(await ledger.again(drop.hash)).toMatchObject({ retries: 1 });
    expect((await look({})).candidates).toMatchObject([{ hash: drop.hash, retries: 1 }]);
    expect(await ledger.again(drop.hash)).toBeUndefined();
  });
});
