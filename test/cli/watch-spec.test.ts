import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { doorAt } from '../../cli/watch/door.ts';
import { readSamples } from '../../cli/watch/samples.ts';
import { describeWatch, type SpecFlags } from '../../cli/watch/spec.ts';
import { TestBucket } from '../engine/_bucket.ts';
import { noGateway, TestGateway } from '../plugins/stores/_gateway.ts';

const folder = mkdtempSync(join(tmpdir(), 'panelflow-spec-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

describe('a sample sheet', () => {
  it('gives params by dotted path, with values in YAML; empty cells say nothing', async () => {
    const path = write('sheet.csv', 'drop,seeds,split.train,note\na*.h5ad,"[0, 1]",0.8,\nb.h5ad,,,yes\n');
    expect(await readSamples(path)).toEqual([
      { drop: 'a*.h5ad', params: { seeds: [0, 1], 'split.train': 0.8 } },
      { drop: 'b.h5ad', params: { note: 'yes' } },
    ]);
  });

  it.each([
    ['file,k\na,1\n', ':1: .* no column "drop"'],
    ['drop,k,k\na,1,2\n', ':1: The column "k" is there twice'],
    ['drop,k\na,1\nb\n', ':3: There are 1 cells for 2 columns'],
    ['drop,k\n"x\ny",1\n,2\n', ':4: The column "drop" is empty'],
    ['drop,k\na,1\na,2\n', ':3: "a" is there already, in line 2'],
    ['drop,k\na,"[1"\n', ':2: k: "\\[1" is no YAML'],
    ['', ':1: .* no column "drop"'],
  ])('that is wrong is refused with its line: %j', async (text, message) => {
    const path = write('bad.csv', text);
    await expect(readSamples(path)).rejects.toMatchObject({ code: 'CONFIG', message: expect.stringMatching(message) as string });
  });
});

describe('a door', () => {
  it('beyond this machine wants a token', () => {
    expect(doorAt('8123', undefined)).toEqual({ host: '127.0.0.1', port: 8123, token: undefined });
    expect(doorAt('[::1]:8123', undefined).host).toBe('::1');
    expect(doorAt('0.0.0.0:8123', 's').token).toBe('s');
    expect(() => doorAt('0.0.0.0:8123', undefined)).toThrow(/anything/);
    expect(() => doorAt('127.0.0.1', undefined)).toThrow(/no address/);
  });
});

describe.skipIf(noGateway)('a watch', () => {
  let gateway: TestGateway;
  const pipeline = write(
    'panel.yaml',
    'name: panel\nparams: { data: { type: string } }\nsteps:\n  load: { uses: reader/file, with: { path: "${{ params.data }}" } }\n',
  );
  const describeIt = (place: string, flags: Partial<SpecFlags> = {}): ReturnType<typeof describeWatch> =>
    describeWatch(place, { pipeline, param: 'data', unmatched: 'run', most: 2, ...flags }, () => {});

  beforeAll(async () => {
    gateway = await TestGateway.start({ versions: true });
    const { endpoint, region, credentials } = gateway.client;
    process.env.AWS_ENDPOINT_URL_S3 = endpoint;
    process.env.AWS_REGION = region;
    process.env.AWS_ACCESS_KEY_ID = credentials.accessKeyId;
    process.env.AWS_SECRET_ACCESS_KEY = credentials.secretAccessKey;
    await new TestBucket('lab', { ...gateway.client }).create(false);
    await new TestBucket('kept', { ...gateway.client }).create(true);
  });
  afterAll(() => gateway?.stop());

  it('knows whether the bucket keeps versions, where results go, and how often to look', async () => {
    const { spec, pace } = await describeIt('s3://kept/in/*.h5ad', { quietFor: '30s' });
    expect(spec).toMatchObject({
      name: 'panel',
      bucket: 'kept',
      glob: 'in/*.h5ad',
      versions: true,
      quietMs: 30_000,
      out: 's3://kept/{key}.panelflow',
    });
    expect(pace).toEqual({ pollMs: 60_000, queue: null, most: 2 });
    expect((await describeIt('s3://lab/*.h5ad', { listen: '8123' })).pace.pollMs).toBe(600_000);
    expect((await describeIt('s3://lab/*.h5ad', { name: 'x' })).spec).toMatchObject({ name: 'x', versions: false });
  });

  it.each<[string, string, Partial<SpecFlags>]>([
    ['/data/*.h5ad', 'no place in S3', {}],
    ['s3://lab/in/', 'says not which', {}],
    ['s3://lab/in/{a,b}.h5ad', 'a glob knows', {}],
    ['s3://nowhere/*.h5ad', 'does not exist', {}],
    ['s3://lab/*.h5ad', 'no param "dta"', { param: 'dta' }],
    ['s3://lab/*.h5ad', 'no such choice', { unmatched: 'drop' }],
    ['s3://lab/*.h5ad', 'no name of an object', { marker: 'a/b' }],
    ['s3://lab/*.h5ad', 'no name for a watch', { name: 'a b' }],
    ['s3://lab/*.h5ad', 'that is no time', { quietFor: 'soon' }],
    ['s3://lab/*.h5ad', 'ever be heard of', { poll: '0' }],
    ['s3://lab/*.h5ad', 'stands for nothing', { out: 's3://lab/{date}' }],
    ['s3://lab/*.h5ad', 'write over', { out: 's3://lab/out' }],
    ['s3://lab/in/**', 'would be drops themselves', { out: 's3://lab/in/out/{stem}' }],
    ['s3://lab/*.h5ad', 'does not exist', { out: 's3://elsewhere/{stem}' }],
  ])('%s is refused: %s', async (place, message, flags) => {
    await expect(describeIt(place, flags)).rejects.toMatchObject({ code: 'CONFIG', message: expect.stringContaining(message) as string });
  });
});
