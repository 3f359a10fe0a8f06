import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noGateway, TestGateway } from '../plugins/stores/_gateway.ts';
import { type Started, TOY, until } from './_engine.ts';
import { arePartedHere, Machine } from './_machine.ts';
import { Cluster, noCluster } from './_postgres.ts';

const NS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
/** Twelve additions of 1.2 s, too slow to be done several at a time, and a list of all. */
const sweep = (name: string, value: number): string => `name: ${name}
plugins: [${TOY}]
axes: { n: [${NS.join(', ')}] }
steps:
  base: { uses: toy/number, with: { value: ${value} } }
  add: { uses: toy/add, in: { in: base.out }, with: { plus: "\${{ axis.n }}", ms: 1200 } }
  list: { uses: toy/list, in: { all: { from: add.out, gather: all } } }
`;

describe.skipIf(noGateway ?? noCluster)('two machines and a client over one S3 and one Temporal on PostgreSQL', () => {
  let gateway: TestGateway;
  let cluster: Cluster;
  let [left, right, desk]: Machine[] = [];
  const workers: Started[] = [];

  beforeAll(async () => {
    [left, right, desk] = ['left', 'right', 'desk'].map((name) => new Machine(name));
    gateway = await TestGateway.start();
    cluster = await Cluster.start();
    const { endpoint, credentials, region } = gateway.client;
    for (const machine of [left, right, desk]) {
      machine.set({
        PANELFLOW_WORK: 's3://panelflow/work',
        TEMPORAL_ADDRESS: await machine.cable(Number(cluster.address.split(':')[1])),
        AWS_ENDPOINT_URL_S3: `http://${await machine.cable(Number(new URL(endpoint).port))}`,
        AWS_REGION: region,
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      });
    }
    for (const machine of [left, right]) workers.push(machine.start('worker', '--slots', '2', '--plugin', TOY));
  }, 240_000);
  afterAll(async () => {
    for (const { child } of workers) child.kill('SIGTERM');
    await Promise.all(workers.map(({ ended }) => ended));
    for (const machine of [left, right, desk]) await machine.close();
    await cluster?.stop();
    await gateway?.stop();
  }, 60_000);

  const listOf = (machine: Machine, name: string): number[] =>
    machine
      .lines(`results/${name}/list.txt`)
      .map((line) => Number(line.split(' ').at(-1)))
      .toSorted((a, b) => a - b);

  it('compute one sweep together, and the trace names both', async () => {
    desk.write('both.yaml', sweep('both', 100));
    const ended = await desk.run('run', 'both.yaml');
    expect(ended.code, ended.stderr).toBe(0);
    expect(listOf(desk, 'both')).toEqual(NS.map((n) => 100 + n));
    const adds = desk.trace('both').filter((row) => row.step === 'add');
    expect(adds.map((row) => row.status)).toEqual(NS.map(() => 'COMPLETED'));
    const by = [...new Set(adds.map((row) => row.worker))];
    expect(by).toHaveLength(2);
    if (arePartedHere) expect(by.map((worker) => worker.split('@')[1]).toSorted()).toEqual(['left', 'right']);
  });

  it('compute nothing again that the other has computed', async () => {
    workers[0].child.kill('SIGTERM');
    await workers[0].ended;
    right.write('both.yaml', sweep('both', 100));
    const ended = await right.run('run', 'both.yaml');
    expect(ended.stderr).toContain('0 computed, 14 cached');
    expect(right.bytes('results/both/list.txt')).toEqual(desk.bytes('results/both/list.txt'));
    workers[0] = left.start('worker', '--slots', '2', '--plugin', TOY);
  });

  it('compute each cell once when two runs with the same cells begin at the same moment', async () => {
    let serving = '';
    workers[0].child.stderr?.on('data', (chunk: Buffer) => (serving += chunk.toString()));
    await until(() => serving.includes('Serving'));
    for (const machine of [left, right]) machine.write('same.yaml', sweep(`same-${machine.name}`, 200));
    const ends = await Promise.all([left, right].map((machine) => machine.run('run', 'same.yaml')));
    expect(ends.map(({ code }) => code)).toEqual([0, 0]);
    expect(listOf(left, 'same-left')).toEqual(NS.map((n) => 200 + n));
    expect(right.bytes('results/same-right/list.txt')).toEqual(left.bytes('results/same-left/list.txt'));
    const rows = [left, right].flatMap((machine) => machine.trace(`same-${machine.name}`)).filter((row) => row.step === 'add');
    expect(rows.filter((row) => row.status === 'COMPLETED')).toHaveLength(NS.length);
    expect(rows.filter((row) => row.status === 'CACHED')).toHaveLength(NS.length);
  });

  it('go on by themselves when the server was killed', async () => {
    desk.write('cut.yaml', sweep('cut', 300));
    const run = desk.start('run', 'cut.yaml');
    await new Promise((wake) => setTimeout(wake, 4_000));
    await cluster.killServer();
    let heard = '';
    run.child.stderr?.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    await until(() => heard.includes('The server does not answer; waiting…'));
    await cluster.startServer();
    const ended = await run.ended;
    expect(ended.stderr).toContain('The server answers again.');
    expect(ended.code, ended.stderr).toBe(0);
    expect(listOf(desk, 'cut')).toEqual(NS.map((n) => 300 + n));
  });
});
