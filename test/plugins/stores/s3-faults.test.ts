import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ListMultipartUploadsCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isPanelflowError } from '../../../core/errors.ts';
import type { BucketOptions } from '../../../plugins/stores/_bucket.ts';
import { S3Store } from '../../../plugins/stores/s3.ts';
import type { ArtifactRef } from '../../../schemas/artifact.ts';
import { Random } from '../../../stats/random.ts';
import { type Fault, FaultyProxy, type Seen } from './_faulty-proxy.ts';
import { noGateway, TestGateway } from './_gateway.ts';

const MB = 2 ** 20;
const bytes = Buffer.from('what was computed');

describe.skipIf(noGateway)('a store in S3 behind a bad network', () => {
  let gateway: TestGateway;
  let proxy: FaultyProxy;
  let endpoint = '';
  let opened = 0;
  beforeAll(async () => {
    gateway = await TestGateway.start();
    proxy = new FaultyProxy(gateway.client.endpoint);
    endpoint = await proxy.start();
  });
  afterAll(async () => {
    proxy?.stop();
    await gateway?.stop();
  });

  /** A store behind the proxy, and the same one beside it. */
  const open = (client: S3ClientConfig = {}, options: BucketOptions = {}): { store: S3Store; direct: S3Store } => {
    const uri = `s3://panelflow/faults/${opened++}`;
    return {
      store: new S3Store(uri, undefined, { client: { ...gateway.client, endpoint, ...client }, ...options }),
      direct: new S3Store(uri, undefined, { client: gateway.client }),
    };
  };
  /** The same fault for the first so many requests of a kind. */
  const first = (times: number, method: string, fault: Fault, part = ''): ((seen: Seen) => Fault | undefined) => {
    let left = times;
    return (seen) => (seen.method === method && seen.url.includes(part) && left-- > 0 ? fault : undefined);
  };
  const always = (fault: Fault) => (): Fault => fault;

  it.each([
    ['errors of the server', { kind: 'refuse', status: 500, code: 'InternalError' }],
    ['requests to slow down', { kind: 'refuse', status: 503, code: 'SlowDown' }],
    ['delays', { kind: 'delay', ms: 300 }],
    ['answers that are lost', { kind: 'lose', status: 500 }],
    ['answers cut off', { kind: 'cut', after: 3 }],
  ] satisfies [string, Fault][])('gets over %s', async (_, fault) => {
    const { store, direct } = open();
    for (const method of ['HEAD', 'PUT', 'GET', 'DELETE']) {
      proxy.reset(first(2, method, fault));
      const ref = await store.put([bytes, Buffer.from(method)], 'words');
      expect(Buffer.from(await store.get(ref)).toString()).toBe(`what was computed${method}`);
      await store.writeRecord('runs/r/run.json', method);
      expect(await store.readRecord('runs/r/run.json')).toBe(method);
      expect(await store.listRecords('runs/r/')).toEqual(['runs/r/run.json']);
      await store.remove(ref);
      expect(await direct.has(ref)).toBe(false);
      expect(proxy.struck).toBeGreaterThan(0);
    }
  });

  it('does not wait for ever for an answer that stops', async () => {
    const { store, direct } = open({ requestHandler: { socketTimeout: 200 } });
    const ref = await direct.put([bytes], 'words');
    proxy.reset(first(2, 'GET', { kind: 'stall', after: 4 }));
    expect(Buffer.from(await store.get(ref)).toString()).toBe('what was computed');
  });

  it('fetches again what was damaged on the way, and gives nothing back that is wrong', async () => {
    const { store, direct } = open();
    const ref = await direct.put([bytes], 'words');
    await direct.writeRecord('a.json', '{"n":1}');
    const flip: Fault = { kind: 'flip', way: 'down' };
    proxy.reset(first(1, 'GET', flip));
    expect(Buffer.from(await store.get(ref)).toString()).toBe('what was computed');
    proxy.reset(first(2, 'GET', flip));
    expect(await store.readRecord('a.json')).toBe('{"n":1}');
    proxy.reset(always(flip));
    await expect(store.get(ref)).rejects.toMatchObject({ code: 'ARTIFACT', retryable: false, context: { bucket: 'panelflow', endpoint } });
    await expect(store.readRecord('a.json')).rejects.toMatchObject({ code: 'RESOURCE', retryable: true });
  });

  it('sends again what was damaged on the way', async () => {
    const { store, direct } = open({}, { partBytes: 5 * MB });
    const flip: Fault = { kind: 'flip', way: 'up' };
    proxy.reset(first(1, 'PUT', flip));
    const ref = await store.put([bytes], 'words');
    expect(Buffer.from(await direct.get(ref)).toString()).toBe('what was computed');
    const large = randomBytes(11 * MB);
    proxy.reset(first(2, 'PUT', flip));
    expect(Buffer.compare(await direct.get(await store.put([large], 'noise')), large)).toBe(0);
    proxy.reset(first(Infinity, 'PUT', flip));
    const other = Buffer.from('never right');
    await expect(store.put([other], 'words')).rejects.toMatchObject({ code: 'RESOURCE', message: expect.stringContaining('damaged') });
    expect(await direct.has(refOf(other))).toBe(false);
  });

  it('waits for a server that is away for longer than the SDK does, where it is told to, and mistakes nothing of its own then', async () => {
    const away: Fault = { kind: 'refuse', status: 503, code: 'SlowDown' };
    const { store: hasty } = open({ maxAttempts: 1 });
    proxy.reset(first(1, 'PUT', away));
    await expect(hasty.put([bytes], 'words')).rejects.toMatchObject({ code: 'RESOURCE', retryable: true });
    const { store, direct } = open({ maxAttempts: 1 }, { patienceMs: 20_000 });
    proxy.reset(first(3, 'PUT', away));
    expect(await direct.has(await store.put([bytes], 'words'))).toBe(true);
    proxy.reset(first(1, 'PUT', { kind: 'lose', status: 500 }));
    expect(await store.createRecord('claims/a.json', 'me')).toBe(true);
    proxy.reset(always({ kind: 'refuse', status: 403, code: 'AccessDenied' }));
    await expect(store.put([bytes], 'words')).rejects.toMatchObject({ code: 'CONFIG' });
  });

  it('knows its own record again when the answer to writing it was lost', async () => {
    const { store, direct } = open();
    proxy.reset(first(1, 'PUT', { kind: 'lose', status: 500 }));
    expect(await store.createRecord('claims/a.json', 'me')).toBe(true);
    proxy.reset(first(1, 'PUT', { kind: 'lose', status: 503 }));
    expect(await store.replaceRecord('claims/a.json', 'me again', (await direct.readTagged('claims/a.json'))!.tag)).toBe(true);
    expect(await direct.readRecord('claims/a.json')).toBe('me again');
    proxy.reset(first(1, 'PUT', { kind: 'refuse', status: 500, code: 'InternalError' }));
    expect(await store.createRecord('claims/a.json', 'too late')).toBe(false);
  });

  it('lets one of many create a record also when answers are lost', async () => {
    const { store, direct } = open();
    const callers = Array.from({ length: 20 }, (_, i) => `caller ${i}`);
    proxy.reset(first(15, 'PUT', { kind: 'lose', status: 500 }));
    const won = await Promise.all(callers.map((caller) => store.createRecord('claims/k.json', caller)));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await direct.readRecord('claims/k.json')).toBe(callers[won.indexOf(true)]);
  });

  it('finishes an upload in parts when the answer to the end of it was lost', async () => {
    const { store, direct } = open({}, { partBytes: 5 * MB });
    const large = randomBytes(6 * MB);
    proxy.reset(first(1, 'POST', { kind: 'lose', status: 500 }, 'uploadId='));
    expect(Buffer.compare(await direct.get(await store.put([large], 'noise')), large)).toBe(0);
  });

  it('leaves nothing of an upload in parts that could not be finished', async () => {
    const { store, direct } = open({ maxAttempts: 2 }, { partBytes: 5 * MB });
    const large = randomBytes(21 * MB);
    for (const [method, part] of [
      ['PUT', 'partNumber=3'],
      ['POST', 'uploadId='],
    ]) {
      proxy.reset(first(Infinity, method, { kind: 'refuse', status: 500, code: 'InternalError' }, part));
      await expect(store.put([large], 'noise')).rejects.toMatchObject({ code: 'RESOURCE', retryable: true });
      expect(await direct.has(refOf(large))).toBe(false);
      const answer = await new S3Client({ ...gateway.client, forcePathStyle: true }).send(
        new ListMultipartUploadsCommand({ Bucket: 'panelflow' }),
      );
      expect(answer.Uploads ?? []).toEqual([]);
    }
  });

  it.each([
    [403, 'ExpiredToken', 'RESOURCE', /expired/],
    [400, 'ExpiredToken', 'RESOURCE', /expired/],
    [403, 'AccessDenied', 'CONFIG', /denied/],
    [403, 'SignatureDoesNotMatch', 'CONFIG', /does not accept the credentials/],
    [301, 'PermanentRedirect', 'CONFIG', /another region/],
    [507, 'XMinioStorageFull', 'RESOURCE', /full/],
    [500, 'InternalError', 'RESOURCE', /did not do it in 2 attempts/],
    [503, 'SlowDown', 'RESOURCE', /did not do it in 2 attempts/],
    [400, 'KeyTooLongError', 'ARTIFACT', /refused/],
  ])('gives up with a clear message: %i %s', async (status, code, ours, message) => {
    const { store } = open({ maxAttempts: 2 });
    proxy.reset(always({ kind: 'refuse', status, code }));
    const ref = { sha256: 'a'.repeat(64), bytes: 1, type: 'words' };
    const attempts: (() => Promise<unknown>)[] = [
      () => store.put([bytes], 'words'),
      () => store.get(ref),
      () => store.readRecord('a.json'),
      () => store.writeRecord('a.json', 'x'),
      () => store.createRecord('a.json', 'x'),
      () => store.listRecords('runs/'),
      () => store.remove(ref),
    ];
    for (const attempt of attempts) {
      const error = await attempt().catch((e: unknown) => e);
      expect(error).toMatchObject({ code: ours, message: expect.stringMatching(message), mend: expect.any(String) });
      expect(error).toMatchObject({ context: { bucket: 'panelflow', endpoint } });
    }
  });

  it('gives right bytes or an error of ours in a storm of faults, never anything else', async () => {
    const { store, direct } = open({ maxAttempts: 4, requestHandler: { socketTimeout: 500 } });
    const random = Random.of(7, 'storm');
    const faults: readonly Fault[] = [
      { kind: 'refuse', status: 500, code: 'InternalError' },
      { kind: 'refuse', status: 503, code: 'ServiceUnavailable' },
      { kind: 'lose', status: 500 },
      { kind: 'cut', after: 5 },
      { kind: 'stall', after: 5 },
      { kind: 'flip', way: 'down' },
      { kind: 'flip', way: 'up' },
      { kind: 'delay', ms: 30 },
    ];
    proxy.reset(({ method }) => {
      // A listing has no checksum: what is damaged there cannot be seen, and is left out.
      const fault = random.uniform() < 0.3 ? faults[random.below(faults.length)] : undefined;
      return fault?.kind === 'flip' && method !== 'PUT' && method !== 'GET' ? undefined : fault;
    });
    let right = 0;
    const one = async (i: number): Promise<void> => {
      const content = Buffer.from(`content ${i % 20}`.repeat(50));
      try {
        const ref = await store.put([content], 'words');
        expect(ref).toEqual(refOf(content));
        expect(Buffer.compare(await store.get(ref), content)).toBe(0);
        const text = `record ${i}`;
        await store.writeRecord(`runs/r/${i}.json`, text);
        expect(await store.readRecord(`runs/r/${i}.json`)).toBe(text);
        right++;
      } catch (error) {
        if (!isPanelflowError(error)) throw error;
      }
    };
    for (let at = 0; at < 80; at += 16) await Promise.all(Array.from({ length: 16 }, (_, i) => one(at + i)));
    expect(right).toBeGreaterThan(50);
    expect(proxy.struck).toBeGreaterThan(50);
    proxy.reset(() => undefined);
    await sleep(600);
    for (let i = 0; i < 20; i++) {
      const content = Buffer.from(`content ${i}`.repeat(50));
      if (await direct.has(refOf(content))) expect(Buffer.compare(await direct.get(refOf(content)), content)).toBe(0);
    }
  });
});

const refOf = (content: Uint8Array): ArtifactRef => ({
  sha256: createHash('sha256').update(content).digest('hex'),
  bytes: content.byteLength,
  type: 'words',
});
