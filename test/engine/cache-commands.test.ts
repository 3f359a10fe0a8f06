import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Project, TOY, until } from './_engine.ts';

let project: Project;
beforeEach(() => {
  project = new Project();
});
afterEach(() => project.close());

const AGED = ['--grace', '0s'];

/** A number, sums with it for each n, noted in a log, and a list of all. */
const sweep = (name: string, ns: readonly number[], value = 5): string => project.sweep(name, ns, { value, log: true });
const computed = (name: string): number => project.lines(`${name}.log`).filter((line) => !line.startsWith('done')).length;
const listed = (name: string): number[] => project.lines(`results/${name}/list.txt`).map((line) => Number(line.split(' ').at(-1)));
const objects = (): string[] =>
  project.has('.panelflow/objects')
    ? readdirSync(project.path('.panelflow/objects'), { recursive: true })
        .map((name) => project.path(join('.panelflow/objects', String(name))))
        .filter((path) => statSync(path).isFile())
    : [];
const run = async (...args: string[]): Promise<string> => {
  const ended = await project.run('run', ...args);
  expect(ended.code, ended.stderr).toBe(0);
  return ended.stderr;
};
const ok = async (...args: string[]): Promise<string> => {
  const ended = await project.run(...args);
  expect(ended.code, ended.stderr).toBe(0);
  return ended.stdout;
};

describe('explain and plan', () => {
  it('name the field that changed against the nearest earlier key', async () => {
    await run(sweep('small', [1, 2]));
    expect(await ok('explain', 'small', 'n=1')).toMatch(/^add \(n=1\) of small-.*: computed in this run by .*\nkey [0-9a-f]{64}\n/);
    expect(await ok('explain', 'small', 'n=1')).toContain(
      'No earlier key of toy/add to compare with. Looked at 0 tasks of 0 earlier runs.',
    );
    sweep('small', [1, 3]);
    const rows = (await ok('plan', project.path('small.yaml'))).split('\n');
    expect(rows.find((row) => /^run +add +toy\/add +n=3/.test(row))).toMatch(/params\.plus: [12] -> 3$/);
    await run(project.path('small.yaml'));
    const told = JSON.parse(await ok('explain', 'small', 'add (n=3)', '--json')) as Record<string, unknown>;
    expect(told).toMatchObject({
      state: 'COMPLETED',
      key: expect.stringMatching(/^[0-9a-f]{64}$/),
      fields: { uses: '"toy/add"', version: '1', 'params.plus': '3', seed: 'null', 'inputs.in': expect.stringMatching(/^"[0-9a-f]{64}"$/) },
      nearest: { changes: [expect.stringMatching(/^params\.plus: [12] -> 3$/)] },
      looked: { runs: 1, records: 2 },
    });
    const cached = await ok('explain', 'small', 'n=1');
    expect(cached).toMatch(/found in the cache, computed by the run small-/);
    expect(cached).toContain('The same key as add (n=1) of small-');
    sweep('small', [1, 3], 6);
    await run(project.path('small.yaml'));
    expect(await ok('explain', 'small', 'n=3')).toMatch(/ {2}input in: other content \([0-9a-f]{12}\)\n/);
    expect(await ok('explain', 'small', 'list')).toContain('input all: 2 with other content');
    const none = await project.run('explain', 'small', 'n=9');
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('has no task "n=9"')]);
  });
});

describe('clean', () => {
  it('drops all but the newest run of a name, and nothing that a kept one needs: run again, all is cached', async () => {
    await run(sweep('old', [1, 2, 3]));
    await run(sweep('old', [4], 6));
    await run(sweep('other', [1], 7));
    const before = objects();
    const runs = project.list('.panelflow/runs');
    const young = await ok('clean', '--keep', '1');
    expect(young).toMatch(/left alone old-.*: younger than 1h \(--grace\)\nFreed: 0 runs, 0 objects/);
    const dry = await ok('clean', '--keep', '1', ...AGED, '--dry-run');
    expect(dry).toMatch(/^would drop old-.*\nThat would free: 1 run, [4-9] objects, 5 cache entries, .*\. 2 runs kept\.\n$/);
    expect([objects(), project.list('.panelflow/runs')]).toEqual([before, runs]);
    const said = await ok('clean', '--keep', '1', ...AGED);
    expect(said.replace('dropped', 'would drop').replace('Freed', 'That would free')).toBe(dry);
    expect(project.list('.panelflow/runs')).toHaveLength(2);
    expect(objects().length).toBeLessThan(before.length);
    expect(await run(sweep('old', [4], 6))).toContain('0 computed, 3 cached');
    expect(await run(project.path('other.yaml'))).toContain('0 computed, 3 cached');
    expect(await ok('report', 'other', '--out', 'again')).toContain('list.txt');
    expect(await run(sweep('old', [1, 2, 3]))).toContain('5 computed, 0 cached');
    expect(listed('old')).toEqual([6, 7, 8]);
  });

  it('drops named runs, and refuses words that it does not know', async () => {
    await run(sweep('one', [1]));
    await run(sweep('two', [1], 20));
    expect(await ok('clean', 'one', ...AGED)).toMatch(/^dropped one-.*\nFreed: 1 run, 5 objects, 3 cache entries/);
    expect(project.list('.panelflow/runs').map((name) => name.split('-')[0])).toEqual(['two']);
    expect((await project.run('clean', 'three', ...AGED)).code).toBe(2);
    expect((await project.run('clean', '--older-than', 'long')).code).toBe(2);
    expect(await ok('clean', '--older-than', '1h', ...AGED)).toContain('Freed: 0 runs, 0 objects');
    expect(await run(project.path('two.yaml'))).toContain('0 computed, 3 cached');
  });

  it('leaves alone a run that is open, which then ends right, and runs that the server does not know but for named ones', async () => {
    const file = project.write(
      'open.yaml',
      `name: open\nplugins: [${TOY}]\nsteps:\n  base: { uses: toy/number, with: { value: 1, log: ${project.path('open.log')} } }\n  add: { uses: toy/add, in: { in: base.out }, with: { ms: 2000, log: ${project.path('open.log')} } }\n  list: { uses: toy/list, in: { all: { from: add.out, gather: all } } }\n`,
    );
    const started = project.start('run', file);
    await until(() => computed('open') === 2);
    started.child.kill('SIGINT');
    expect((await started.ended).code).toBe(130);
    const open = await project.run('clean', 'open', ...AGED);
    expect([open.code, open.stderr]).toEqual([2, expect.stringContaining('is open')]);
    expect(await ok('clean', '--older-than', '0s', ...AGED)).toContain('Freed: 0 runs, 0 objects');
    await run(file);
    expect([listed('open'), computed('open')]).toEqual([[1], 3]);
    await ok('server', 'stop');
    rmSync(project.path('.panelflow/temporal'), { recursive: true });
    expect(await ok('clean', '--older-than', '0s', ...AGED)).toContain('Freed: 0 runs, 0 objects');
    expect(await ok('clean', project.list('.panelflow/runs')[0], ...AGED)).toContain('Freed: 1 run, 4 objects');
    expect(objects()).toEqual([]);
  });

  it('drops intermediates: the report can be written again, a run that is run again or extended ends right', async () => {
    await run(sweep('lean', [1, 2]));
    expect(await ok('clean', '--intermediates', ...AGED)).toContain('Freed: 0 runs, 0 objects');
    expect(await ok('clean', '--intermediates', '0 MB', ...AGED)).toContain('Freed: 0 runs, 3 objects, 0 cache entries');
    expect(await ok('report', 'lean', '--out', 'again')).toContain('list.txt');
    expect(project.read('again/list.txt')).toBe(project.read('results/lean/list.txt'));
    expect(await ok('explain', 'lean', 'n=2')).toContain('its result has gone since');
    expect(await run(project.path('lean.yaml'))).toContain('3 computed, 1 cached');
    await ok('clean', '--intermediates', '0 MB', ...AGED);
    const before = computed('lean');
    expect((await project.run('amend', 'lean', '--add', 'n=3')).code).toBe(0);
    expect(listed('lean')).toEqual([6, 7, 8]);
    expect(computed('lean') - before).toBe(4);
  });
});

describe('cache', () => {
  const flip = (path: string): void => {
    const bytes = readFileSync(path);
    bytes[bytes.length - 1] ^= 1;
    writeFileSync(path, bytes);
  };
  const outputOf = (name: string, step: string): string => {
    // Names of runs end in the time they began at; the hash before it tells nothing of the order.
    const time = (run: string): string => run.split('-').at(-1) ?? '';
    const runs = project.list('.panelflow/runs').filter((run) => run.startsWith(`${name}-`));
    const folder = `.panelflow/runs/${runs.toSorted((a, b) => time(a).localeCompare(time(b))).at(-1)}/tasks`;
    const record = project.list(folder).find((file) => file.startsWith(step))!;
    const { outputs } = JSON.parse(project.read(`${folder}/${record}`)) as { outputs: Record<string, { sha256: string }> };
    const [{ sha256 }] = Object.values(outputs);
    return project.path(`.panelflow/objects/${sha256.slice(0, 2)}/${sha256.slice(2)}`);
  };

  it('tells the size of the store; verify finds a flipped bit, and --mend has it computed anew', async () => {
    expect(await ok('cache')).toContain('0 objects, 0 bytes');
    await run(sweep('sound', [1, 2]));
    expect(JSON.parse(await ok('cache', '--json'))).toMatchObject({ objects: 6, entries: 4, runs: 1 });
    expect(await ok('cache', 'verify')).toMatch(/^6 objects, .*: 0 damaged\.\n$/);
    flip(outputOf('sound', 'base'));
    const found = await project.run('cache', 'verify');
    expect([found.code, found.stdout]).toEqual([
      1,
      expect.stringMatching(/sound-\S+ +base-[\s\S]*6 objects, .*: 1 damaged; --mend removes them\.\n$/),
    ]);
    const mended = JSON.parse((await project.run('cache', 'verify', '--mend', '--json')).stdout) as unknown;
    expect(mended).toMatchObject({
      objects: 6,
      damaged: [expect.any(String)],
      named_by: [{ task: expect.stringMatching(/^base/) }],
      mended: true,
    });
    expect(await ok('cache', 'verify')).toContain('5 objects');
    const before = computed('sound');
    expect((await project.run('amend', 'sound', '--add', 'n=3')).code).toBe(0);
    expect(listed('sound')).toEqual([6, 7, 8]);
    expect(computed('sound') - before).toBe(2);
    expect((await project.run('cache', 'mend')).code).toBe(2);
  });

  it('never gives a wrong result from a poisoned object, and ends right when it is run again', async () => {
    await run(sweep('toxic', [1, 2]));
    flip(outputOf('toxic', 'base'));
    const first = await project.run('run', sweep('toxic', [1, 2, 3]));
    if (first.code !== 0) expect(first.stderr).toContain('damaged');
    expect((await project.run('run', project.path('toxic.yaml'))).code).toBe(0);
    expect(listed('toxic')).toEqual([6, 7, 8]);
    flip(outputOf('toxic', 'list'));
    const report = await project.run('report', 'toxic', '--out', 'again');
    expect([report.code, project.has('again/list.txt')]).toEqual([1, false]);
    await run(project.path('toxic.yaml'));
    expect(listed('toxic')).toEqual([6, 7, 8]);
  });
});
