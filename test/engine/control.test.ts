import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Project, type Started, TOY, until } from './_engine.ts';

let project: Project;
beforeAll(() => {
  project = new Project();
});
afterAll(() => project.close());

/** One addition of `ms` for each n, noted in a log; then a list of all. */
const sweep = (name: string, ns: readonly number[], ms: number): string => project.sweep(name, ns, { ms });
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const begun = (name: string): string[] => project.lines(`${name}.log`).filter((line) => line.startsWith('start'));
const done = (name: string): string[] => project.lines(`${name}.log`).filter((line) => line.startsWith('done'));
const listed = (name: string): number[] =>
  project
    .lines(`results/${name}/list.txt`)
    .map((line) => Number(line.split(' ').at(-1)))
    .toSorted((a, b) => a - b);
const sleep = (ms: number): Promise<void> => new Promise((wake) => setTimeout(wake, ms));
const heard = (started: Started): { text: string } => {
  const all = { text: '' };
  started.child.stderr?.on('data', (chunk: Buffer) => (all.text += chunk.toString()));
  return all;
};

describe('a run that goes on', () => {
  it('is paused and resumed: what is under way ends, nothing more begins until then', async () => {
    const started = project.start('run', sweep('pause', range(14), 1_000), '--slots', '2');
    await until(() => done('pause').length >= 2);
    const paused = await project.run('pause', 'pause');
    expect(paused.stderr).toContain('is paused');
    await sleep(1_500);
    const under = begun('pause').length;
    expect(under).toBeLessThan(14);
    expect(done('pause')).toHaveLength(under);
    await sleep(1_000);
    expect(begun('pause')).toHaveLength(under);
    expect((await project.run('status', 'pause')).stdout).toMatch(/paused {2}started.*\n.*pause by .+@/);
    expect((await project.run('resume', 'pause')).code).toBe(0);
    expect((await started.ended).code).toBe(0);
    expect(listed('pause')).toEqual(range(14).map((n) => n + 5));
    const { changes } = JSON.parse(project.read('results/pause/run.json')) as { changes: { what: string }[] };
    expect(changes.map((c) => c.what)).toEqual(['pause', 'resume']);
  });

  it('is amended: new cells run, dropped ones stop within 5 s, the rest goes on, and the record says who did it and when', async () => {
    const started = project.start('run', sweep('amend', [1, 2, 3, 40], 1), '--slots', '2');
    expect((await started.ended).code).toBe(0);
    const slow = project.start('run', sweep('slow', [1, 2, 3, 4], 20_000), '--slots', '2');
    await until(() => begun('slow').length === 2);
    const amended = await project.run('amend', 'slow', '--drop', 'n=1,2,3,4', '--add', 'n=7', '--set', 'x=1');
    expect(amended.code).toBe(2);
    const dropping = Date.now();
    const good = await project.run('amend', 'slow', '--add', 'n=70', '--drop', 'n=1,2,3,4');
    expect(good.stderr).toContain('goes on with 2 tasks added, 5 dropped');
    await until(() => begun('slow').length === 3);
    expect(Date.now() - dropping).toBeLessThan(good.ms + 15_000);
    expect(done('slow')).toEqual([]);
    slow.child.kill('SIGINT');
    expect((await slow.ended).code).toBe(130);
    const { changes } = JSON.parse(project.read(project.recordOf('slow'))) as {
      changes: { what: string; by: string; at: number; note: string }[];
    };
    expect(changes).toEqual([
      { what: 'amend', by: expect.stringContaining('@'), at: expect.any(Number), note: 'add n=70; drop n=1,2,3,4' },
    ]);
    await project.run('cancel', 'slow');
  });

  it('refuses an amendment that makes no sense, and goes on as it was', async () => {
    const started = project.start('run', sweep('stubborn', [1, 2, 3, 4], 700), '--slots', '1');
    await until(() => begun('stubborn').length >= 1);
    const refused = async (...words: string[]): Promise<string> => {
      const ended = await project.run('amend', 'stubborn', ...words);
      expect(ended.code).toBe(2);
      expect(ended.stderr).not.toMatch(/^\s+at /m);
      return ended.stderr;
    };
    expect(await refused('--add', 'm=1')).toContain('there is no axis "m"');
    expect(await refused('--add', 'n=1')).toContain('"1" is there already');
    expect(await refused('--drop', 'n=9')).toContain('there is no "9"');
    expect(await refused('--drop', 'n=1,2,3,4')).toContain('empty');
    expect(await refused()).toContain('Nothing to change');
    expect((await started.ended).code).toBe(0);
    expect(listed('stubborn')).toEqual([6, 7, 8, 9]);
  });

  it('is stopped softly, and reports what there is; resume goes on', async () => {
    const started = project.start('run', sweep('stop', range(12), 1_000), '--slots', '1');
    await until(() => done('stop').length >= 2);
    expect((await project.run('stop', 'stop')).code).toBe(0);
    const ended = await started.ended;
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('stopped before its end: it was asked to stop');
    expect(listed('stop').length).toBeGreaterThanOrEqual(2);
    const resumed = await project.run('resume', 'stop');
    expect(resumed.code).toBe(0);
    expect(listed('stop')).toEqual(range(12).map((n) => n + 5));
    expect(done('stop')).toHaveLength(12);
  });
});

describe('limits', () => {
  it('of tasks and of time stop a run softly, with a partial report', async () => {
    const tasks = await project.run(
      'run',
      sweep('few', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], 300),
      '--slots',
      '1',
      '--budget',
      'tasks=4',
    );
    expect(tasks.code).toBe(1);
    expect(tasks.stderr).toContain('stopped before its end: its number of tasks was computed');
    expect(listed('few').length).toBeGreaterThanOrEqual(3);
    const time = await project.run('run', sweep('brief', [1, 2, 3, 4, 5, 6, 7, 8], 3_000), '--slots', '1', '--budget', 'wall=12s');
    expect(time.stderr).toContain('stopped before its end: its time was spent');
    expect(listed('brief').length).toBeGreaterThanOrEqual(1);
    expect((await project.run('run', project.path('few.yaml'), '--budget', 'cells=3')).code).toBe(2);
  });

  it('can be set and raised while a run goes on, and when it is taken up again', async () => {
    const started = project.start('run', sweep('raise', [1, 2, 3, 4, 5, 6, 7, 8], 4_000), '--slots', '1', '--budget', 'tasks=3');
    await until(() => done('raise').length >= 1);
    expect((await project.run('amend', 'raise', '--budget', 'tasks=5')).stderr).toContain('has other limits now: tasks=5');
    expect((await started.ended).stderr).toContain('its number of tasks was computed');
    expect(done('raise').length).toBeGreaterThanOrEqual(4);
    expect(done('raise').length).toBeLessThan(8);
    expect((await project.run('resume', 'raise', '--budget', 'tasks=100', '--slots', '4')).code).toBe(0);
    expect(done('raise')).toHaveLength(8);
  });
});

describe('failed tasks', () => {
  const broken = (name: string, more = ''): string =>
    project.write(
      `${name}.yaml`,
      `name: ${name}\nplugins: [${TOY}]\naxes: { n: [1, 2] }\nsteps:\n  base: { uses: toy/number, with: { value: 5 } }\n  frail: { uses: toy/frail, in: { in: base.out }, with: { marker: ${project.path(`${name}.mended`)}, plus: '\${{ axis.n }}' } }\n  after: { uses: toy/add, in: { in: frail.out } }\n${more}  list: { uses: toy/list, in: { all: { from: after.out, gather: all } } }\n`,
    );

  it('are retried after the end of a run: they and what needed them, and nothing else', async () => {
    const first = await project.run('run', broken('frail'));
    expect(first.code).toBe(1);
    expect(first.stderr).toContain('2 failed');
    project.write('frail.mended', '');
    const again = await project.run('retry', 'frail');
    expect(again.code).toBe(0);
    expect(again.stderr).toContain('5 computed, 1 cached');
    expect(listed('frail')).toEqual([6, 7]);
  });

  it('are retried while the run goes on', async () => {
    const started = project.start(
      'run',
      broken('busy', `  slow: { uses: toy/add, in: { in: base.out }, with: { ms: 12000 } }\n`),
      '--slots',
      '2',
    );
    const said = heard(started);
    await until(() => said.text.includes('[frail] 2 of 2, failed: 2'));
    project.write('busy.mended', '');
    expect((await project.run('retry', 'busy')).stderr).toContain('2 failed tasks of busy');
    expect((await started.ended).code).toBe(0);
    expect(listed('busy')).toEqual([6, 7]);
  });

  it('end the run at once with --fail-fast', async () => {
    const file = broken('fast', `  slow: { uses: toy/add, in: { in: base.out }, with: { ms: 120000 } }\n`);
    const ended = await project.run('run', file, '--fail-fast');
    expect(ended.code).toBe(1);
    expect(ended.ms).toBeLessThan(100_000);
    expect(ended.stderr).toContain('stopped before its end: a task failed');
  });
});

describe('a run that has ended', () => {
  it('is extended: only the new cells run', async () => {
    await project.run('run', sweep('grow', [1, 2, 3], 1));
    const before = done('grow').length;
    const dry = await project.run('amend', 'grow', '--add', 'n=4,5', '--dry-run');
    expect(dry.stderr).toContain('That would be: 3 tasks added, 1 dropped');
    const grown = await project.run('amend', 'grow', '--add', 'n=4,5');
    expect(grown.code).toBe(0);
    expect(done('grow')).toHaveLength(before + 2);
    expect(listed('grow')).toEqual([6, 7, 8, 9, 10]);
    const again = await project.run('amend', 'grow', '--drop', 'n=1');
    expect(again.code).toBe(0);
    expect(done('grow')).toHaveLength(before + 2);
    expect(listed('grow')).toEqual([7, 8, 9, 10]);
  });

  it('is large: an amendment gives its slices new ones', async () => {
    const ns = Array.from({ length: 40 }, (_, i) => i);
    expect((await project.run('run', sweep('wide', ns, 1), '--shard-size', '10')).code).toBe(0);
    expect((await project.run('amend', 'wide', '--add', 'n=100,101,102', '--drop', 'n=0')).code).toBe(0);
    expect(listed('wide')).toEqual([...ns.slice(1), 100, 101, 102].map((n) => n + 5));
    expect(done('wide')).toHaveLength(43);
  });

  it('that was killed is attached to, and ends as it would have', async () => {
    const started = project.start('run', sweep('orphan', [1, 2, 3, 4, 5, 6], 400), '--slots', '2');
    await until(() => done('orphan').length >= 2);
    started.child.kill('SIGKILL');
    await started.ended;
    const attached = await project.run('attach', 'orphan');
    expect(attached.code).toBe(0);
    expect(listed('orphan')).toEqual([6, 7, 8, 9, 10, 11]);
  });
});
