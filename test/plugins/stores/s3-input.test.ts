import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { S3Bucket, type BucketOptions } from '../../../plugins/stores/_bucket.ts';
import { LocalCache } from '../../../plugins/stores/_local-cache.ts';
import { isPinned, openInput, pinInput } from '../../../plugins/stores/s3-input.ts';
import { TestBucket } from '../../engine/_bucket.ts';
import { FaultyProxy } from './_faulty-proxy.ts';
import { noGateway, TestGateway } from './_gateway.ts';

const MB = 2 ** 20;
const URI = 's3://panelflow/data/zeisel.csv';

describe.skipIf(noGateway)('a dataset in S3', () => {
  let gateway: TestGateway;
  let proxy: FaultyProxy;
  let options: BucketOptions;
  let bucket: S3Bucket;
  let cache: LocalCache;
  let folder = '';
  const table = Buffer.from('cell,ACTB\nc1,3\n'.repeat(1000));
  const sha256 = createHash('sha256').update(table).digest('hex');
  const root = mkdtempSync(join(tmpdir(), 'panelflow-input-'));
  beforeAll(async () => {
    gateway = await TestGateway.start();
    proxy = new FaultyProxy(gateway.client.endpoint);
    options = { client: { ...gateway.client, endpoint: await proxy.start(), maxAttempts: 2 } };
    bucket = new S3Bucket('panelflow', { ...options, partBytes: 5 * MB });
  });
  beforeEach(async () => {
    proxy.reset(() => undefined);
    folder = mkdtempSync(join(root, 'cache-'));
    cache = new LocalCache(folder, 100 * MB);
    await bucket.put('data/zeisel.csv', [table]);
  });
  afterAll(async () => {
    proxy?.stop();
    await gateway?.stop();
    rmSync(root, { recursive: true, force: true });
  });

  /** GETs of objects since the last reset; listings are none. */
  const countGets = (): (() => number) => {
    let gets = 0;
    proxy.reset(({ method, url }) => {
      if (method === 'GET' && !url.includes('list-type')) gets++;
      return undefined;
    });
    return () => gets;
  };

  it('is pinned by its content without fetching it, where the server knows the hash', async () => {
    const gets = countGets();
    expect(await pinInput(URI, cache, options)).toEqual({ path: `${URI}#sha256=${sha256}`, sha256 });
    expect(gets()).toBe(0);
    expect(isPinned(`${URI}#sha256=${sha256}`)).toBe(true);
    expect(isPinned(URI)).toBe(false);
    expect(await pinInput(`${URI}#sha256=${sha256}`, cache, options)).toEqual({ path: `${URI}#sha256=${sha256}`, sha256 });
  });

  it('is fetched once for its hash where the server does not know it, and again when it was replaced', async () => {
    const large = Buffer.alloc(6 * MB, 7);
    await bucket.put('data/large.csv', [large]);
    const gets = countGets();
    const first = await pinInput('s3://panelflow/data/large.csv', cache, options);
    expect(first.sha256).toBe(createHash('sha256').update(large).digest('hex'));
    expect(await pinInput('s3://panelflow/data/large.csv', cache, options)).toEqual(first);
    await openInput(first.path, cache, options);
    expect(gets()).toBe(1);
    await bucket.put('data/large.csv', [Buffer.alloc(6 * MB, 8)]);
    expect((await pinInput('s3://panelflow/data/large.csv', cache, options)).sha256).not.toBe(first.sha256);
  });

  it('is opened as a file that keeps its name, fetched once', async () => {
    const { path } = await pinInput(URI, cache, options);
    const gets = countGets();
    const file = await openInput(path, cache, options);
    expect(readFileSync(file)).toEqual(table);
    expect(basename(file)).toBe(`${sha256}-zeisel.csv`);
    expect(await openInput(path, cache, options)).toBe(file);
    expect(gets()).toBe(1);
    writeFileSync(file, 'damaged');
    expect(readFileSync(await openInput(path, cache, options))).toEqual(table);
  });

  it('comes whole also when the connection breaks in the middle', async () => {
    const { path } = await pinInput(URI, cache, options);
    let left = 2;
    proxy.reset(({ method }) => (method === 'GET' && left-- > 0 ? { kind: 'cut', after: 100 } : undefined));
    expect(readFileSync(await openInput(path, cache, options))).toEqual(table);
  });

  it('is refused when it was changed after planning, or damaged on the way', async () => {
    const { path } = await pinInput(URI, cache, options);
    proxy.reset(({ method }) => (method === 'GET' ? { kind: 'flip', way: 'down' } : undefined));
    await expect(openInput(path, cache, options)).rejects.toMatchObject({ code: 'DATA' });
    proxy.reset(() => undefined);
    await bucket.put('data/zeisel.csv', [Buffer.from('cell,ACTB\nc1,4\n')]);
    await expect(openInput(path, cache, options)).rejects.toMatchObject({ code: 'DATA', context: { path: URI } });
    expect(readdirSync(folder, { recursive: true }).filter((name) => String(name).endsWith('.tmp'))).toEqual([]);
  });

  it.each([
    ['an object that is not there', 's3://panelflow/data/Zeisel.csv', /no object/],
    ['a folder', 's3://panelflow/data', /folder/],
    ['a folder with a slash', 's3://panelflow/data/', /folder/],
    ['a bucket that is not there', 's3://no-such-bucket/a.csv', /bucket "no-such-bucket" does not exist/],
  ])('says so in clear words: %s', async (_, uri, message) => {
    await expect(pinInput(uri, cache, options)).rejects.toMatchObject({
      code: 'CONFIG',
      message: expect.stringMatching(message),
      mend: expect.any(String),
    });
  });

  it('is read by its ETag for as long as nothing is written over it', async () => {
    const head = await bucket.head('data/zeisel.csv');
    const uri = `${URI}#etag=${head!.etag.replaceAll('"', '')}`;
    const { path } = await pinInput(uri, cache, options);
    expect(path).toBe(`${uri}#sha256=${sha256}`);
    expect(basename(await openInput(path, cache, options))).toBe(`${sha256}-zeisel.csv`);
    await bucket.put('data/zeisel.csv', [Buffer.from('other')]);
    await expect(pinInput(uri, cache, options)).rejects.toMatchObject({
      code: 'CONFIG',
      message: expect.stringMatching(/written over/) as string,
    });
  });
});

describe.skipIf(noGateway)('a dataset in a bucket that keeps versions', () => {
  const folder = mkdtempSync(join(tmpdir(), 'panelflow-versions-'));
  let gateway: TestGateway;
  beforeAll(async () => (gateway = await TestGateway.start({ versions: true })));
  afterAll(async () => {
    await gateway?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is read in the version that is named, also when it was written over', async () => {
    const dropped = await new TestBucket('kept', { ...gateway.client }).create(true);
    const [one] = [await dropped.put('a#1.csv', 'one'), await dropped.put('a#1.csv', 'two')];
    const cache = new LocalCache(folder, 100 * MB);
    const uri = `s3://kept/a#1.csv#version=${one.version}`;
    const { path } = await pinInput(uri, cache, { client: gateway.client });
    expect(readFileSync(await openInput(path, cache, { client: gateway.client }), 'utf8')).toBe('one');
    const kept = new S3Bucket('kept', { client: gateway.client });
    const versions = [];
    for await (const page of kept.versions('a')) versions.push(...page.map(({ version }) => version));
    expect([versions.length, versions[1], await kept.keepsVersions()]).toEqual([2, one.version, true]);
  });
});
