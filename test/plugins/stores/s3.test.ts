import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { S3Bucket, type BucketOptions } from '../../../plugins/stores/_bucket.ts';
import { LocalCache } from '../../../plugins/stores/_local-cache.ts';
import { S3Store } from '../../../plugins/stores/s3.ts';
import { testStore } from '../../kit/store.ts';
import { noGateway, TestGateway } from './_gateway.ts';

const MB = 2 ** 20;

describe.skipIf(noGateway)('the store in S3', () => {
  let gateway: TestGateway;
  let opened = 0;
  const cacheFolder = mkdtempSync(join(tmpdir(), 'panelflow-cache-'));
  const open = async (options: BucketOptions = {}, cache?: LocalCache): Promise<S3Store> =>
    new S3Store(`s3://panelflow/tests/${opened++}`, cache, { client: gateway.client, ...options });
  beforeAll(async () => {
    gateway = await TestGateway.start();
  });
  afterAll(async () => {
    await gateway?.stop();
    rmSync(cacheFolder, { recursive: true, force: true });
  });

  testStore(() => open());

  it('lists more records than one answer holds', async () => {
    const store = await open({ pageSize: 3 });
    const paths = Array.from({ length: 10 }, (_, i) => `runs/r/tasks/${i}.json`);
    await Promise.all(paths.map((path) => store.writeRecord(path, path)));
    expect(await store.listRecords('runs/r/tasks/')).toEqual(paths);
    await Promise.all(paths.map((_, i) => store.writeRecord(`runs/r${i}/run.json`, '1')));
    expect(await store.listFolders('runs/')).toHaveLength(11);
    await store.removeRecords('runs/r/');
    expect(await store.listRecords('runs/r/tasks/')).toEqual([]);
    const refs = await Promise.all(Array.from({ length: 70 }, (_, i) => store.put([Buffer.from(`${i}`)], 'words')));
    const found: string[] = [];
    for await (const page of store.walkObjects()) found.push(...page.map((o) => o.sha256 ?? ''));
    expect(found.toSorted()).toEqual(refs.map((r) => r.sha256).toSorted());
  });

  it('counts an object that is put again as new', async () => {
    const store = await open();
    const { sha256 } = await store.put([Buffer.from('good')], 'words');
    const key = `${store.uri.replace('s3://panelflow/', '')}/objects/${sha256.slice(0, 2)}/${sha256}`;
    const ages = async (): Promise<number[]> => {
      const found: number[] = [];
      for await (const page of store.walkObjects()) found.push(...page.map(({ age }) => age));
      return found;
    };
    utimesSync(gateway.path(key), 1e9, 1e9);
    expect((await ages())[0]).toBeGreaterThan(1e9);
    await store.put([Buffer.from('good')], 'words');
    expect((await ages())[0]).toBeLessThan(60_000);
  });

  it('uploads large objects in parts, and gives the same bytes back', async () => {
    const store = await open({ partBytes: 5 * MB });
    const bytes = randomBytes(17 * MB + 5);
    // Parts of any size, none of which ends where a part of the upload does.
    const ref = await store.put([bytes.subarray(0, 7), bytes.subarray(7, 6 * MB), bytes.subarray(6 * MB)], 'noise');
    expect(ref).toEqual({ sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length, type: 'noise' });
    expect(await store.has(ref)).toBe(true);
    expect(Buffer.compare(await store.get(ref), bytes)).toBe(0);
  });

  it('finds damaged bytes by their hash, also those of the right size', async () => {
    const store = await open();
    const ref = await store.put([Buffer.from('good')], 'words');
    const key = `${store.uri.replace('s3://panelflow/', '')}/objects/${ref.sha256.slice(0, 2)}/${ref.sha256}`;
    expect(readFileSync(gateway.path(key), 'utf8')).toBe('good');
    writeFileSync(gateway.path(key), 'evil');
    expect(await store.digest(ref.sha256)).not.toBe(ref.sha256);
    await expect(store.get(ref)).rejects.toMatchObject({ code: 'ARTIFACT', retryable: false, context: { bucket: 'panelflow', key } });
  });

  it('reads what this machine has fetched or stored from its own disk, and fetches it again when that is damaged', async () => {
    const folder = join(cacheFolder, 'near');
    const store = await open({}, new LocalCache(folder, MB));
    const ref = await store.put([Buffer.from('good')], 'words');
    await store.remove(ref);
    expect(Buffer.from(await store.get(ref)).toString()).toBe('good');
    expect(await store.has(ref)).toBe(false);
    const [copy] = readdirSync(folder, { recursive: true })
      .map(String)
      .filter((name) => name.endsWith(ref.sha256));
    writeFileSync(join(folder, copy), 'evil');
    await expect(store.get(ref)).rejects.toMatchObject({ code: 'ARTIFACT' });
    await store.put([Buffer.from('good')], 'words');
    expect(Buffer.from(await store.get(ref)).toString()).toBe('good');
  });

  it.each([
    ['a bucket that is not there', 's3://no-such-bucket/w', {}, 'CONFIG', 'NoSuchBucket'],
    [
      'a wrong secret',
      's3://panelflow/w',
      { credentials: { accessKeyId: 'x', secretAccessKey: 'hush-hush' } },
      'CONFIG',
      'XAdminUserNotFound',
    ],
    ['a port that nobody listens at', 's3://panelflow/w', { endpoint: 'http://127.0.0.1:9', maxAttempts: 2 }, 'RESOURCE', 'ECONNREFUSED'],
  ])('says so in clear words: %s', async (_, uri, client, code, reason) => {
    const store = new S3Store(uri, undefined, { client: { ...gateway.client, ...client } });
    for (const attempt of [
      () => store.put([Buffer.from('x')], 'words'),
      () => store.readRecord('a.json'),
      () => store.createRecord('a.json', 'x'),
    ]) {
      const error = await attempt().catch((e: unknown) => e as Error);
      expect(error).toMatchObject({
        code,
        mend: expect.any(String),
        context: { bucket: expect.any(String), endpoint: expect.stringContaining('127.0.0.1'), reason },
      });
      expect(JSON.stringify(error)).not.toContain('hush-hush');
    }
  });

  it('says that a bucket is not there when it looks for an object', async () => {
    const bucket = new S3Bucket('no-such-bucket', { client: gateway.client });
    expect(await bucket.head('x')).toBeUndefined();
    await expect(bucket.list('')).rejects.toMatchObject({ code: 'CONFIG', context: { reason: 'NoSuchBucket' } });
  });
});

it('refuses a name without a bucket', () => {
  for (const uri of ['s3://', 's3:///key', 's3://UPPER/key', 's3://a/key']) expect(() => new S3Store(uri), uri).toThrow(/names no bucket/);
});
