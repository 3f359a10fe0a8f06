import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Project, TOY, until } from './_engine.ts';

let project: Project;
beforeAll(() => {
  project = new Project();
});
afterAll(() => project.close());

/** Eight additions of 700 ms, noted in a log. */
const slow = (name: string, ms = 700): string => project.sweep(name, [1, 2, 3, 4, 5, 6, 7, 8], { ms, log: true });
const done = (name: string): string[] => project.lines(`${name}.log`).filter((line) => line.startsWith('done'));

describe('a run', () => {
  it('ends with results, and does no work when run again', async () => {
    const file = slow('again', 0);
    const first = await project.run('run', file);
    expect(first.stderr).toContain('10 computed, 0 cached');
    expect(first.code).toBe(0);
    const before = project.read('results/again/list.txt');
    const second = await project.run('run', file);
    expect(second.stderr).toContain('0 computed, 10 cached');
    expect(project.read('results/again/list.txt')).toBe(before);
    expect(done('again')).toHaveLength(8);
    expect(project.trace('again').every((row) => row.status === 'CACHED')).toBe(true);
  });

  it('is stopped by Ctrl-C with exit code 130, and goes on when run again', async () => {
    const file = slow('interrupt');
    const started = project.start('run', file);
    await until(() => done('interrupt').length >= 2);
    started.child.kill('SIGINT');
    const stopped = await started.ended;
    expect(stopped.code).toBe(130);
    expect(project.has('results/interrupt')).toBe(false);
    const other = project.write('other.yaml', `name: other\nplugins: [${TOY}]\nsteps:\n  base: { uses: toy/number, with: { value: 1 } }\n`);
    expect((await project.run('run', other)).stderr).toMatch(
      /Also open, and served here too: (interrupt-\S+)\. To end it: panelflow cancel \1/,
    );
    const resumed = await project.run('run', file);
    expect(resumed.code).toBe(0);
    expect(new Set(done('interrupt')).size).toBe(8);
    expect(done('interrupt')).toHaveLength(8);
  });

  it('survives kill -9 of command, step processes and server, and repeats no finished step', async () => {
    const file = slow('killed');
    const started = project.start('run', file);
    await until(() => done('killed').length >= 2);
    const server = project.serverPid();
    started.child.kill('SIGKILL');
    process.kill(server, 'SIGKILL');
    await started.ended;
    const finished = done('killed').length;
    const resumed = await project.run('run', file);
    expect(resumed.code).toBe(0);
    expect(done('killed').length).toBeGreaterThanOrEqual(8);
    // A step between its last line and its record may be computed again; two run at a time.
    expect(done('killed').length).toBeLessThanOrEqual(10);
    const trace = project.trace('killed');
    expect(trace.filter((row) => row.step === 'add' && (row.status === 'COMPLETED' || row.status === 'CACHED'))).toHaveLength(8);
    expect(trace.filter((row) => Number(row.attempt) > 1).length).toBeLessThanOrEqual(2);
    expect(finished).toBeGreaterThanOrEqual(2);
  });

  it('stops a step that never lets go within seconds', async () => {
    const log = project.path('hang.log');
    const file = project.write(
      'hang.yaml',
      `name: hang\nplugins: [${TOY}]\nsteps:\n  base: { uses: toy/number, with: { value: 1 } }\n  hang: { uses: toy/hang, in: { in: base.out }, with: { log: ${log} } }\n`,
    );
    const started = project.start('run', file);
    await until(() => project.lines('hang.log').length === 1);
    started.child.kill('SIGINT');
    const interrupted = Date.now();
    expect((await started.ended).code).toBe(130);
    expect(Date.now() - interrupted).toBeLessThan(30_000);
    const pid = Number(project.lines('hang.log')[0].split(' ')[1]);
    expect(() => process.kill(pid, 0)).toThrow();
    expect((await project.run('cancel', 'hang')).code).toBe(0);
  });

  it('is dealt out to child workflows when it is large', async () => {
    const ns = Array.from({ length: 30 }, (_, i) => i).join(', ');
    const file = project.write(
      'wide.yaml',
      `name: wide\nplugins: [${TOY}]\naxes: { n: [${ns}] }\nsteps:\n  base: { uses: toy/number, with: { value: 5 } }\n  add: { uses: toy/add, in: { in: base.out }, with: { plus: '\${{ axis.n }}' } }\n  twice: { uses: toy/add, in: { in: add.out } }\n  list: { uses: toy/list, in: { all: { from: twice.out, gather: all } } }\n`,
    );
    const ended = await project.run('run', file, '--shard-size', '8');
    expect(ended.stderr).toMatch(/\d+ computed, \d+ cached in/);
    expect(ended.code).toBe(0);
    expect(project.lines('results/wide/list.txt')).toHaveLength(30);
    const again = await project.run('run', file, '--shard-size', '8');
    expect(again.stderr).toContain('0 computed, 62 cached');
  });
});

describe('a step that fails', () => {
  it('fails its cell and never the others; each cause is retried as it deserves', async () => {
    const file = project.write(
      'faults.yaml',
      `name: faults
plugins: [${TOY}]
axes: { how: [bad, short, crash, crash-once, bug, hoard, ok] }
steps:
  base: { uses: toy/number, with: { value: 5 } }
  bad: { uses: toy/bad, in: { in: base.out }, when: "\${{ axis.how == 'bad' }}" }
  short: { uses: toy/short, in: { in: base.out }, with: { marker: ${project.path('short')} }, when: "\${{ axis.how == 'short' }}" }
  crash: { uses: toy/crash, in: { in: base.out }, when: "\${{ axis.how == 'crash' }}" }
  once: { uses: toy/crash, in: { in: base.out }, with: { marker: ${project.path('crash')} }, when: "\${{ axis.how == 'crash-once' }}" }
  bug: { uses: toy/bug, in: { in: base.out }, when: "\${{ axis.how == 'bug' }}" }
  hoard: { uses: toy/hoard, in: { in: base.out }, when: "\${{ axis.how == 'hoard' }}", resources: { memory: 400 MB, retries: { resource: 0 } } }
  ok: { uses: toy/add, in: { in: base.out }, when: "\${{ axis.how == 'ok' }}" }
  after: { uses: toy/add, in: { in: bad.out } }
  list: { uses: toy/list, in: { all: { from: ok.out, gather: all } } }
`,
    );
    const ended = await project.run('run', file);
    expect(ended.code).toBe(1);
    const row = Object.fromEntries(project.trace('faults').map((r) => [r.step, [r.status, r.attempt, r.cause]]));
    expect(row).toMatchObject({
      bad: ['FAILED', '1', 'DATA'],
      short: ['COMPLETED', '2', '-'],
      crash: ['FAILED', '3', 'CRASH'],
      once: ['COMPLETED', '2', '-'],
      bug: ['FAILED', '1', 'BUG'],
      hoard: ['FAILED', '1', 'RESOURCE'],
      ok: [expect.any(String), '1', '-'],
      after: ['ABORTED', '-', '-'],
      list: ['COMPLETED', '1', '-'],
    });
    expect(ended.stderr).toContain('Mend it.');
    expect(ended.stderr).not.toMatch(/^\s+at /m);
  });
});

describe('workers', () => {
  it('in two processes, one for each queue, share one run, and the trace names each', async () => {
    const file = project.write(
      'two.yaml',
      `name: two\nplugins: [${TOY}]\nsteps:\n  base: { uses: toy/number, with: { value: 7 } }\n  train: { uses: toy/gpu, in: { in: base.out } }\n  list: { uses: toy/list, in: { all: { from: train.out, gather: all } } }\n`,
    );
    await project.run('server', 'start');
    const { address } = JSON.parse((await project.run('server', 'status', '--json')).stdout) as { address: string };
    const workers = ['cpu', 'gpu'].map((queue) => project.start('worker', '--queue', queue, '--address', address, '--plugin', TOY));
    const ended = await project.run('run', file, '--address', address);
    for (const w of workers) w.child.kill('SIGTERM');
    const codes = await Promise.all(workers.map((w) => w.ended));
    expect(ended.code).toBe(0);
    expect(codes.map((c) => c.code)).toEqual([0, 0]);
    const by = Object.fromEntries(project.trace('two').map((r) => [r.step, r]));
    expect(by.base.worker).toBe(`cpu:${workers[0].child.pid}@${by.base.worker.split('@')[1]}`);
    expect(by.train.worker).toMatch(new RegExp(`^gpu:${workers[1].child.pid}@`));
    expect(by.train.device).toBe('toy GPU');
  });

  it('get only tasks of their queue, also from a step whose kind is an axis', async () => {
    const file = project.write(
      'kinds.yaml',
      `name: kinds
plugins: [${TOY}]
axes: { n: "\${{ range(1000, 1060) }}", kind: [toy/add, toy/gpu] }
steps:
  base: { uses: toy/number, with: { value: "\${{ axis.n }}" } }
  calc: { uses: "\${{ axis.kind }}", in: { in: base.out } }
  list: { uses: toy/list, in: { all: { from: calc.out, gather: all } } }
`,
    );
    const ended = await project.run('run', file);
    expect(ended.code, ended.stderr).toBe(0);
    const rows = project.trace('kinds').filter(({ step }) => step === 'calc');
    const queues = (kind: string): string[] => [
      ...new Set(rows.filter(({ cell }) => cell.includes(kind)).map(({ worker }) => worker.split(':')[0])),
    ];
    expect([rows.length, queues('toy/add'), queues('toy/gpu')]).toEqual([120, ['cpu'], ['gpu']]);
  });

  it('that are missing are asked for, and the run waits for them', async () => {
    const file = project.write(
      'lonely.yaml',
      `name: lonely\nplugins: [${TOY}]\nsteps:\n  base: { uses: toy/number, with: { value: 9 } }\n  train: { uses: toy/gpu, in: { in: base.out } }\n  list: { uses: toy/list, in: { all: { from: train.out, gather: all } } }\n`,
    );
    const other = new Project();
    await other.run('server', 'start');
    const { address } = JSON.parse((await other.run('server', 'status', '--json')).stdout) as { address: string };
    const started = project.start('run', file, '--address', address);
    let heard = '';
    started.child.stderr?.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    await until(() => heard.includes('No worker serves'));
    started.child.kill('SIGINT');
    const ended = await started.ended;
    await other.close();
    expect(heard).toContain(
      `No worker serves cpu and gpu; the run waits. Start one: panelflow worker --queue cpu,gpu --address ${address}`,
    );
    expect(ended.code).toBe(130);
    expect(ended.stderr).not.toMatch(/^\s+at /m);
  });
});
