import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Project, type Started, TOY, until } from './_engine.ts';

let project: Project;
let address: string;
beforeAll(async () => {
  project = new Project();
  await project.run('server', 'start');
  ({ address } = JSON.parse((await project.run('server', 'status', '--json')).stdout) as { address: string });
});
afterAll(() => project.close());

const sweep = (name: string, count: number, ms: number): string =>
  project.sweep(
    name,
    Array.from({ length: count }, (_, i) => i),
    { ms, value: name.length },
  );
const worker = (...more: string[]): Started =>
  project.start('worker', '--queue', 'cpu,gpu', '--address', address, '--plugin', TOY, ...more);
const done = (name: string): number => project.lines(`${name}.log`).filter((line) => line.startsWith('done')).length;
const stop = async (...workers: Started[]): Promise<void> => {
  for (const { child } of workers) child.kill('SIGTERM');
  await Promise.all(workers.map((w) => w.ended));
};

describe('runs that share a worker', () => {
  it('take turns, and one of a higher priority goes first', async () => {
    const served = worker('--slots', '1');
    const long = project.start('run', sweep('long', 60, 400), '--address', address);
    await until(() => done('long') >= 2);
    const urgent = await project.run('run', sweep('urgent', 4, 100), '--address', address, '--priority', '1');
    expect(urgent.code).toBe(0);
    expect(done('long')).toBeLessThan(40);
    const fair = await project.run('run', sweep('fairly', 3, 100), '--address', address);
    expect(fair.code).toBe(0);
    expect(done('long')).toBeLessThan(60);
    expect((await long.ended).code).toBe(0);
    await stop(served);
  });
});

describe('equal cells of two runs', () => {
  it('are computed once', async () => {
    const served = worker('--slots', '4');
    const log = project.path('same.log');
    const file = (name: string): string =>
      project.write(
        `${name}.yaml`,
        `name: ${name}\nplugins: [${TOY}]\nsteps:\n  base: { uses: toy/number, with: { value: 3 } }\n  add: { uses: toy/add, in: { in: base.out }, with: { ms: 2000, log: ${log} } }\n  list: { uses: toy/list, in: { all: { from: add.out, gather: all } } }\n`,
      );
    const runs = await Promise.all(['one', 'two'].map((name) => project.run('run', file(name), '--address', address)));
    expect(runs.map((r) => r.code)).toEqual([0, 0]);
    expect(project.lines('same.log').filter((line) => line.startsWith('start'))).toHaveLength(1);
    await stop(served);
  });
});

describe('builds', () => {
  it('a run stays with the build that it began with, and new ones go to the current one', async () => {
    const first = worker('--slots', '2', '--build', 'one', '--current');
    let heard = '';
    first.child.stderr?.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    await until(() => heard.includes('New runs go to build one'));
    const old = project.start('run', sweep('old', 8, 1_200), '--address', address);
    await until(() => done('old') >= 1);
    const second = worker('--slots', '2', '--build', 'two', '--current');
    second.child.stderr?.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    await until(() => heard.includes('New runs go to build two'));
    const fresh = await project.run('run', sweep('fresh', 2, 50), '--address', address);
    expect(fresh.code).toBe(0);
    expect((await old.ended).code).toBe(0);
    const by = (name: string): Set<string> =>
      new Set(
        project
          .trace(name)
          .filter((row) => row.status === 'COMPLETED')
          .map((row) => /(\d+)@/.exec(row.worker)![1]),
      );
    expect(by('old')).toEqual(new Set([String(first.child.pid)]));
    expect(by('fresh')).toEqual(new Set([String(second.child.pid)]));
    await stop(first, second);
  });
});
