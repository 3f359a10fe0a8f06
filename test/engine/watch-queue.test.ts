import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutBucketNotificationConfigurationCommand, S3Client } from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestBucket } from './_bucket.ts';
import { until } from './_engine.ts';
import { Moto, moto, MOTO_CLIENT } from './_moto.ts';
import { end } from './_processes.ts';
import { eventOf, WatchProject } from './_watch.ts';

if (moto === undefined)
  process.stderr.write("Tests with SQS are skipped: no moto_server (pip install 'moto[server,s3,sqs]'; MOTO_SERVER names it)\n");

describe.skipIf(moto === undefined)('a watch with an SQS queue', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'panelflow-moto-'));
  let server: Moto;
  let project: WatchProject;
  let bucket: TestBucket;

  beforeAll(async () => {
    server = await Moto.start(folder);
    const { endpoint } = server;
    const { accessKeyId, secretAccessKey } = MOTO_CLIENT.credentials;
    project = new WatchProject({
      ...{
        AWS_ENDPOINT_URL_S3: endpoint,
        AWS_REGION: MOTO_CLIENT.region,
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
      },
      ...{ AWS_ENDPOINT_URL_SQS: endpoint },
    });
    bucket = await new TestBucket('lab', { ...MOTO_CLIENT, endpoint }).create(true);
    const s3 = new S3Client({ ...MOTO_CLIENT, endpoint, forcePathStyle: true });
    const QueueArn = 'arn:aws:sqs:us-east-1:123456789012:drops';
    await s3.send(
      new PutBucketNotificationConfigurationCommand({
        Bucket: 'lab',
        NotificationConfiguration: { QueueConfigurations: [{ QueueArn, Events: ['s3:ObjectCreated:*'] }] },
      }),
    );
  });
  afterAll(async () => {
    await project?.close();
    if (server) end(server.running.pid);
    rmSync(folder, { recursive: true, force: true });
  });

  it('runs each version once and leaves the queue empty, also of messages that make no sense or came while it was down', async () => {
    const send = (MessageBody: string): Promise<unknown> =>
      server.sqs.send(new SendMessageCommand({ QueueUrl: server.queue, MessageBody }));
    const args = ['s3://lab/in/*.h5ad', '--pipeline', project.reading('queue'), '--queue', server.queue, '--poll', '0', '--most', '3'];
    const first = project.watch(...args);
    for (let i = 0; i < 6; i++) await bucket.put(`in/a b+${i}é.h5ad`, `queue ${i}`);
    const again = await bucket.put('in/a b+0é.h5ad', 'queue 0 again');
    await send('{"Records":');
    await send(eventOf('other', 'in/a.h5ad'));
    await until(() => project.lines('queue.log').length > 1);
    await project.end(first, 'SIGKILL');
    for (let i = 6; i < 9; i++) await bucket.put(`in/a b+${i}é.h5ad`, `queue ${i}`);
    for (let i = 0; i < 3; i++) await send(eventOf('lab', 'in/a b+0é.h5ad', again));
    const second = project.watch(...args);
    const drops = await project.until('queue', { done: 10 }, 90_000);
    expect(new Set(drops.map(({ run }) => run)).size).toBe(10);
    expect(new Set(project.lines('queue.log')).size).toBe(10);
    expect((await project.ledger('queue').deadLetters()).map(({ why }) => why)).toEqual(['It is no JSON']);
    const left = async (): Promise<number> => {
      const AttributeNames = ['ApproximateNumberOfMessages'] as const;
      const { Attributes } = await server.sqs.send(
        new GetQueueAttributesCommand({ QueueUrl: server.queue, AttributeNames: [...AttributeNames] }),
      );
      return Number(Attributes?.ApproximateNumberOfMessages);
    };
    for (let tries = 0; tries < 50 && (await left()) > 0; tries++) await new Promise((done) => setTimeout(done, 200));
    expect(await left()).toBe(0);
    await project.end(second);
  });

  it('is refused where there is no such queue', async () => {
    const none = server.queue.replace('drops', 'none');
    const { code, stderr } = await project.command('s3://lab/in/*.h5ad', '--pipeline', project.reading('none'), '--queue', none);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/The SQS queue does not exist/)]);
  });
});
