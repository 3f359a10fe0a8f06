import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../cli/embedded/server.ts';
import { settings } from '../../cli/settings.ts';
import { S3Bucket } from '../../plugins/stores/_bucket.ts';
import { binary, noGateway, TestGateway } from '../plugins/stores/_gateway.ts';
import { type Ended, Project } from './_engine.ts';
import { TINY_CELLS, TINY_OBS, tinyFile } from './_tiny.ts';

const FILE = tinyFile('tiny');

/** A project on a machine of its own: nothing but the Temporal server is shared with others. */
class Machine extends Project {
  constructor(gateway: TestGateway) {
    super();
    const { endpoint, credentials, region } = gateway.client;
    mkdirSync(this.path('cache'));
    symlinkSync(join(settings().cache, 'temporal'), this.path('cache/temporal'));
    this.env = {
      PANELFLOW_CACHE: this.path('cache'),
      PANELFLOW_WORK: 's3://panelflow/work',
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    };
  }
}

describe.skipIf(noGateway)('a run with data, store and results in S3', () => {
  let gateway: TestGateway;
  let machines: readonly Machine[] = [];
  let bucket: S3Bucket;
  beforeAll(async () => {
    gateway = await TestGateway.start();
    machines = [new Machine(gateway), new Machine(gateway)];
    for (const machine of machines) machine.write('tiny.yaml', FILE);
    bucket = new S3Bucket('panelflow', { client: gateway.client });
    await bucket.put('data/cells.csv', [Buffer.from(TINY_CELLS)]);
    await bucket.put('data/obs.csv', [Buffer.from(TINY_OBS)]);
  });
  afterAll(async () => {
    for (const machine of machines) await machine.close();
    await gateway?.stop();
  });

  const outcome = (ended: Ended): unknown => {
    expect(ended.stderr).toBe('');
    return JSON.parse(ended.stdout.trim().split('\n').at(-1) ?? '');
  };
  const published = async (name: string): Promise<string> =>
    Buffer.from((await bucket.get(name, false))?.bytes ?? new Uint8Array()).toString();

  it('computes everything on one machine and nothing on the next, with the same results', async () => {
    const [here, there] = machines;
    expect(outcome(await here.run('run', 'tiny.yaml', '--out', 's3://panelflow/results/a', '--json'))).toMatchObject({
      cached: 0,
      failed: 0,
    });
    expect(outcome(await there.run('run', 'tiny.yaml', '--out', 's3://panelflow/results/b', '--json'))).toMatchObject({
      done: 0,
      failed: 0,
    });
    expect(await published('results/a/metrics.csv')).toMatch(/^selector,k,seed.*\n.*accuracy/);
    expect(await published('results/b/metrics.csv')).toBe(await published('results/a/metrics.csv'));
    expect(await bucket.list('results/a/')).toEqual(
      expect.arrayContaining(['results/a/report.html', 'results/a/run.json', 'results/a/trace.tsv']),
    );
    expect(JSON.parse(await published('results/a/run.json'))).toMatchObject({
      files: expect.arrayContaining([
        { path: expect.stringMatching(/^s3:\/\/panelflow\/data\/cells\.csv#sha256=/), sha256: expect.any(String) },
      ]),
    });
    expect(here.has('.panelflow')).toBe(false);
    expect(here.has('results')).toBe(false);
  });

  it('fails before anything runs when the place for results cannot be written', async () => {
    const { code, stderr } = await machines[0].run('run', 'tiny.yaml', '--out', 's3://no-such-bucket/results');
    expect(code).toBe(2);
    expect(stderr).toContain('The bucket "no-such-bucket" does not exist');
  });

  it('names the line of the file when data cannot be found, and says no secret', async () => {
    machines[0].write('gone.yaml', FILE.replace('cells.csv', 'sells.csv'));
    const { code, stderr } = await machines[0].run('plan', 'gone.yaml');
    expect(code).toBe(2);
    expect(stderr).toMatch(/gone\.yaml:4:\d+: There is no object "s3:\/\/panelflow\/data\/sells\.csv"/);
    const wrong = await machines[0].runWith({ AWS_SECRET_ACCESS_KEY: 'hush-hush' }, 'plan', 'tiny.yaml');
    expect(wrong.stderr).toMatch(/tiny\.yaml:4:\d+: S3 does not accept the credentials/);
    expect(wrong.stderr).not.toContain('hush-hush');
  });

  it('can have a server of its own, which keeps its objects and its keys', async () => {
    const port = await freePort();
    const serve = async (use: (env: Readonly<Record<string, string>>) => Promise<void>): Promise<void> => {
      const { child, ended } = machines[0].startWith({ PANELFLOW_VERSITYGW: binary }, 's3', '--root', 's3', '--port', `${port}`, '--json');
      const line = await new Promise<string>((done) => child.stdout?.once('data', (chunk: Buffer) => done(chunk.toString())));
      await use((JSON.parse(line) as { env: Readonly<Record<string, string>> }).env);
      child.kill('SIGINT');
      expect(await ended).toMatchObject({ code: 0, stderr: '' });
    };
    await serve(async (env) => {
      expect((await machines[1].runWith(env, 'doctor', '--json')).stdout).toContain('s3://panelflow/work, can be read');
      const second = await machines[0].runWith({ PANELFLOW_VERSITYGW: binary }, 's3', '--root', 's3', '--port', `${port}`);
      expect([second.code, second.stderr]).toEqual([1, expect.stringContaining('listens at')]);
      expect((await machines[1].runWith(env, 'run', 'tiny.yaml', '--name', 'none')).stderr).toContain('There is no object');
    });
    await serve(async (env) => {
      expect((await machines[1].runWith(env, 'doctor', '--json')).stdout).toContain('s3://panelflow/work, can be read');
    });
  });

  it('is seen by doctor', async () => {
    const { stdout } = await machines[0].run('doctor', '--json');
    const findings = JSON.parse(stdout) as { what: string; ok: boolean }[];
    expect(findings.find((f) => f.what === 'store')).toMatchObject({ ok: true, found: expect.stringContaining('s3://panelflow/work') });
  });
});
