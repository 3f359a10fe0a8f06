import { describe, expect, it } from 'vitest';
import { parseEvents } from '../../core/s3-events.ts';

const record = (key: string, more: object = {}, eventName = 'ObjectCreated:Put'): object => ({
  eventVersion: '2.1',
  eventSource: 'aws:s3',
  eventName,
  s3: { bucket: { name: 'lab' }, object: { key, size: 3, eTag: 'abc', sequencer: '0055AED6DCD90281E5', ...more } },
});
const records = (...all: object[]): string => JSON.stringify({ Records: all });

describe('events of S3', () => {
  it('are read in the form of AWS, whose keys are encoded with + for a space', () => {
    const { nudges, ignored, problem } = parseEvents(records(record('in%2Fa+b%2Bc%C3%A9.h5ad'), record('in/plain.h5ad')));
    expect(nudges).toEqual([
      { bucket: 'lab', key: 'in/a b+cé.h5ad', or: 'in%2Fa+b%2Bc%C3%A9.h5ad', etag: 'abc' },
      { bucket: 'lab', key: 'in/plain.h5ad', etag: 'abc' },
    ]);
    expect([ignored, problem]).toEqual([0, undefined]);
  });

  it('are read as versitygw posts them: keys as they are, ETags in quotes, no version', () => {
    const [nudge] = parseEvents(
      records(record('in/a b+c.h5ad', { eTag: '"abc"', versionId: null, sequencer: '1' }, 's3:ObjectCreated:CompleteMultipartUpload')),
    ).nudges;
    expect(nudge).toEqual({ bucket: 'lab', key: 'in/a b+c.h5ad', etag: 'abc' });
    expect(parseEvents(records(record('in/é.h5ad'))).nudges[0].key).toBe('in/é.h5ad');
  });

  it('leave both keys open where a server may or may not encode', () => {
    expect(parseEvents(records(record('in/a+c.h5ad'))).nudges[0]).toMatchObject({ key: 'in/a c.h5ad', or: 'in/a+c.h5ad' });
    expect(parseEvents(records(record('in/100%.h5ad'))).nudges[0]).toMatchObject({ key: 'in/100%.h5ad' });
  });

  it('are read in the form of EventBridge', () => {
    const event = {
      version: '0',
      source: 'aws.s3',
      'detail-type': 'Object Created',
      detail: { bucket: { name: 'lab' }, object: { key: 'in/a+b.h5ad', etag: 'abc' } },
    };
    expect(parseEvents(JSON.stringify(event)).nudges).toEqual([{ bucket: 'lab', key: 'in/a+b.h5ad', etag: 'abc' }]);
    expect(parseEvents(JSON.stringify({ ...event, 'detail-type': 'Object Deleted' }))).toEqual({ nudges: [], ignored: 1 });
    expect(parseEvents(JSON.stringify({ ...event, source: 'aws.ec2' })).ignored).toBe(1);
  });

  it('are read when SNS or MinIO wraps them', () => {
    const sns = JSON.stringify({ Type: 'Notification', TopicArn: 'arn:aws:sns:x:1:y', Message: records(record('in/a.h5ad')) });
    const minio = JSON.stringify({
      EventName: 's3:ObjectCreated:Put',
      Key: 'lab/in/a.h5ad',
      Records: [record('in%2Fa.h5ad', {}, 's3:ObjectCreated:Put')],
    });
    expect(parseEvents(sns).nudges[0].key).toBe('in/a.h5ad');
    expect(parseEvents(minio).nudges[0].key).toBe('in/a.h5ad');
    expect(parseEvents(JSON.stringify({ TopicArn: 'x', Message: 'no json' })).problem).toMatch(/no JSON/);
  });

  it('that tell of no new object are counted and no fault', () => {
    const test = JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'lab' });
    expect(parseEvents(test)).toEqual({ nudges: [], ignored: 1 });
    expect(parseEvents(records(record('in/a.h5ad', {}, 'ObjectRemoved:Delete'), record('in/b.h5ad')))).toMatchObject({
      ignored: 1,
      nudges: [{ key: 'in/b.h5ad' }],
    });
  });

  it.each([
    ['', 'no JSON'],
    ['{"Records": [', 'no JSON'],
    ['[1]', 'no map'],
    ['null', 'no map'],
    ['{}', 'neither Records'],
    ['{"Records": [7]}', 'eventName'],
    ['{"Records": [{"s3": {}}]}', 'eventName'],
    ['{"Records": [{"eventName": "ObjectCreated:Put"}]}', 'no bucket'],
    ['{"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "lab"}, "object": {"key": ""}}}]}', 'no bucket'],
    ['{"source": "aws.s3", "detail-type": "Object Created", "detail": "x"}', 'no bucket'],
  ])('that cannot be read say why: %s', (text, why) => {
    expect(parseEvents(text)).toMatchObject({ nudges: [], problem: expect.stringContaining(why) as string });
  });
});
