import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../cli/embedded/server.ts';
import { noGateway, TestGateway } from '../plugins/stores/_gateway.ts';
import { TestBucket } from './_bucket.ts';
import { until } from './_engine.ts';
import { eventOf, WatchProject } from './_watch.ts';

describe.skipIf(noGateway)('a watch', { timeout: 400_000 }, () => {
  let gateway: TestGateway;
  let project: WatchProject;
  let lab: TestBucket;
  let kept: TestBucket;

  beforeAll(async () => {
    gateway = await TestGateway.start({ versions: true });
    const { endpoint, region, credentials } = gateway.client;
    project = new WatchProject({
      ...{ AWS_ENDPOINT_URL_S3: endpoint, AWS_REGION: region },
      ...{ AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey },
    });
    lab = await new TestBucket('lab', { ...gateway.client }).create(false);
    kept = await new TestBucket('kept', { ...gateway.client }).create(true);
  });
  afterAll(async () => {
    await project?.close();
    await gateway?.stop();
  });

  it('that looks at a bucket runs each version once, and goes on where it was killed', async () => {
    const args = ['s3://lab/poll/**/*.h5ad', '--pipeline', project.reading('poll'), '--poll', '1s'];
    const first = project.watch(...args);
    for (let i = 0; i < 6; i++) await lab.put(`poll/b ${i % 2}/s+${i}é.h5ad`, `poll ${i}`);
    await lab.half('poll/half.h5ad');
    await lab.put('poll/b 0/notes.txt', 'no drop');
    await until(() => project.lines('poll.log').length > 1);
    await project.end(first, 'SIGKILL');
    // Both versions of this one are to be computed, so the first is let through before it is replaced.
    const isThrough = async (): Promise<boolean> =>
      (await project.ledger('poll').all()).some(({ key, state }) => key === 'poll/b 0/s+0é.h5ad' && state === 'done');
    const through = project.watch(...args);
    while (!(await isThrough())) await sleep(100);
    await project.end(through, 'SIGKILL');
    for (let i = 6; i < 8; i++) await lab.put(`poll/b 1/s+${i}é.h5ad`, `poll ${i}`);
    await lab.put('poll/b 0/s+0é.h5ad', 'poll 0 again');
    const second = project.watch(...args);
    const drops = await project.until('poll', { done: 9 });
    expect(drops).toHaveLength(9);
    const { stdout } = await project.command('show', 'poll');
    expect(stdout).toMatch(/poll\/b 0\/s\+0é\.h5ad +\w{12} +done +poll-/);
    expect(stdout).toMatch(/poll \(watching\): 9 done/);
    expect(new Set(drops.map(({ run }) => run)).size).toBe(9);
    expect(new Set(project.lines('poll.log'))).toEqual(new Set([...Array.from({ length: 8 }, (_, i) => `poll ${i}`), 'poll 0 again']));
    expect(await lab.read('poll/b 0/s+0é.h5ad.panelflow/read.txt')).toBe('poll 0 again');
    expect(project.list('.panelflow/runs').filter((run) => run.startsWith('poll-'))).toHaveLength(9);
    const told = await project.end(second);
    expect(told).toMatch(/done +poll\/b 1\/s\+7é\.h5ad/);
  });

  it('that hears of objects by HTTP runs each version once, whatever comes twice, late, in another form, or without sense', async () => {
    const listen = `127.0.0.1:${await freePort()}`;
    const watch = project.watch(
      's3://kept/hook/*.h5ad',
      '--pipeline',
      project.reading('hook'),
      '--listen',
      listen,
      '--token',
      'secret',
      '--poll',
      '0',
    );
    const post = (body: string, token = 'secret'): Promise<number> =>
      fetch(`http://${listen}/?token=${token}`, { method: 'POST', body }).then(
        ({ status }) => status,
        () => 0,
      );
    while ((await post('{}')) !== 400) await sleep(200);
    expect(await post('{}', 'wrong')).toBe(401);
    expect(await post('x'.repeat(2 ** 20 + 1))).toBe(413);
    const one = await kept.put('hook/a b+c.h5ad', 'hook one');
    const two = await kept.put('hook/a b+c.h5ad', 'hook two');
    const raw = await kept.put('hook/r+s.h5ad', 'hook three');
    await kept.put('hook/e.h5ad', 'hook four');
    const bridge = {
      source: 'aws.s3',
      'detail-type': 'Object Created',
      detail: { bucket: { name: 'kept' }, object: { key: 'hook/e.h5ad' } },
    };
    const plain = {
      Records: [
        { eventName: 's3:ObjectCreated:Put', s3: { bucket: { name: 'kept' }, object: { key: 'hook/r+s.h5ad', eTag: `"${raw.etag}"` } } },
      ],
    };
    const events = [
      eventOf('kept', 'hook/a b+c.h5ad', two),
      eventOf('kept', 'hook/a b+c.h5ad', one),
      JSON.stringify(bridge),
      JSON.stringify(plain),
    ];
    for (const event of [
      ...events,
      ...events,
      eventOf('other', 'hook/x.h5ad'),
      eventOf('kept', 'hook/x.txt'),
      eventOf('kept', 'hook/gone.h5ad'),
    ])
      expect(await post(event)).toBe(200);
    expect(await post('{"Records": [{}]}')).toBe(400);
    const drops = await project.until('hook', { done: 4 });
    for (const event of events) expect(await post(event)).toBe(200);
    await sleep(500);
    expect((await project.ledger('hook').all()).map(({ state }) => state)).toEqual(['done', 'done', 'done', 'done']);
    expect(new Set(drops.map(({ version }) => version))).toContain(one.version);
    expect(project.lines('hook.log').toSorted()).toEqual(['hook four', 'hook one', 'hook three', 'hook two']);
    expect((await project.ledger('hook').deadLetters()).map(({ from, text }) => [from, text])).toEqual([
      ['webhook', '{}'],
      ['webhook', '{"Records": [{}]}'],
    ]);
    await project.end(watch);
  });

  it('gives drops the params of their rows, tells what it refuses, and runs what failed again when asked', async () => {
    const sheet = project.write('sheet.csv', 'drop,word\ngood*,fine\nbad.h5ad,"[1]"\n');
    const args = [
      's3://lab/sheet/*.h5ad',
      '--pipeline',
      project.reading('sheet'),
      '--samples',
      sheet,
      '--unmatched',
      'refuse',
      '--poll',
      '1s',
    ];
    const watch = project.watch(...args, '--out', project.path('out/{stem}'));
    await lab.put('sheet/good1.h5ad', 'sheet good');
    await lab.put('sheet/bad.h5ad', 'sheet bad');
    await lab.put('sheet/stranger.h5ad', 'sheet stranger');
    const drops = await project.until('sheet', { done: 1, failed: 1, refused: 1 });
    expect(project.lines('sheet.log')).toEqual(['sheet good fine']);
    expect(project.read('out/good1/read.txt')).toBe('sheet good');
    expect(drops.find(({ state }) => state === 'failed')).toMatchObject({
      key: 'sheet/bad.h5ad',
      message: expect.stringContaining('word') as string,
    });
    expect(drops.find(({ state }) => state === 'refused')?.message).toMatch(/no row/);
    project.write('sheet.csv', 'drop,word\n**,mended\n');
    await project.end(watch);
    const again = project.watch(...args);
    expect((await project.command('retry', 'sheet')).code).toBe(0);
    const mended = await project.until('sheet', { done: 3 });
    expect(mended.filter(({ retries }) => retries === 1)).toHaveLength(2);
    await project.end(again);
  });

  it('waits for a marker that is newer than the drop, and is paused and resumed', async () => {
    const watch = project.watch('s3://lab/sign/**/*.h5ad', '--pipeline', project.reading('sign'), '--marker', 'DONE', '--poll', '1s');
    await lab.put('sign/b1/a.h5ad', 'sign one');
    await lab.put('sign/b2/a.h5ad', 'sign two');
    await project.until('sign', { waiting: 2 });
    expect((await project.command('pause', 'sign')).code).toBe(0);
    await lab.put('sign/b1/DONE', 'x');
    await sleep(2_500);
    await project.until('sign', { waiting: 2 });
    expect((await project.command('resume', 'sign')).code).toBe(0);
    const drops = await project.until('sign', { done: 1 });
    expect(drops.find(({ state }) => state === 'waiting')?.message).toBe('waits for sign/b2/DONE');
    await project.end(watch);
  });

  it('tells what is no dataset, and goes on', async () => {
    const file = project.write(
      'real.yaml',
      'name: real\nparams: { data: { type: string } }\nsteps:\n  load: { uses: reader/file, with: { path: "${{ params.data }}" } }\n',
    );
    const watch = project.watch('s3://lab/real/*', '--pipeline', file, '--poll', '1s');
    await lab.put('real/no.h5ad', 'this is no h5ad');
    const [drop] = await project.until('real', { failed: 1 });
    expect(drop.message).toMatch(/h5ad|HDF5/);
    await lab.put('real/table.csv', 'cell,ACTB,GAPDH\nc1,3,1\nc2,0,5\n');
    await project.until('real', { done: 1 });
    await project.end(watch);
  });

  it('that is wrong is refused before it begins', async () => {
    const { code, stderr } = await project.command('s3://nowhere/*.h5ad', '--pipeline', project.reading('wrong'));
    expect([code, stderr]).toEqual([2, expect.stringMatching(/bucket "nowhere" does not exist/)]);
  });
});
