import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Project, type Started, TOY, until } from './_engine.ts';

interface Shown {
  readonly paused: boolean;
  readonly counts: { readonly taken: number; readonly skipped: number; readonly missed: number };
  readonly runs: readonly { readonly at: string; readonly state: string; readonly said: string }[];
}

const project = new Project();
let worker: Started | undefined;
beforeAll(async () => {
  await project.run('server', 'start');
  worker = project.start('worker', '--plugin', TOY);
}, 180_000);
afterAll(async () => {
  worker?.child.kill('SIGKILL');
  await project.close();
});

const show = async (name: string): Promise<Shown> => JSON.parse((await project.run('schedule', 'show', name, '--json')).stdout) as Shown;
const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
const folders = (name: string): string[] => project.list(`results/${name}`).toSorted();

describe('a schedule', () => {
  it('loses no run and doubles none while the server is killed twice, and each equals the first', async () => {
    const file = project.sweep('steady', [1, 2]);
    const add = await project.run(
      'schedule',
      'add',
      'steady',
      file,
      '--every',
      '2s',
      '--overlap',
      'buffer-all',
      '--fresh',
      '--baseline',
      'first',
    );
    expect(add.code, add.stderr).toBe(0);
    for (let kill = 0; kill < 2; kill++) {
      const before = folders('steady').length;
      await until(() => folders('steady').length > before, 60_000);
      // The worker starts it again.
      process.kill(project.serverPid(), 'SIGKILL');
    }
    const before = folders('steady').length;
    await until(() => folders('steady').length > before + 1, 60_000);
    await project.run('schedule', 'pause', 'steady');
    let shown = await show('steady');
    for (let waited = 0; waited < 60 && shown.runs.some((run) => run.state === 'running'); waited++) {
      await pause(500);
      shown = await show('steady');
    }
    const { counts, runs } = shown;
    expect(counts).toMatchObject({ skipped: 0, missed: 0 });
    // The server lists the last ten; all that it took have results of their own.
    await until(() => folders('steady').length >= counts.taken);
    expect(folders('steady')).toHaveLength(counts.taken);
    const times = runs.map((run) => Date.parse(run.at));
    for (let i = 1; i < times.length; i++) expect(times[i] - times[i - 1]).toBe(2_000);
    expect(runs.every((run) => run.state === 'completed')).toBe(true);
    expect(runs.at(-1)!.said).toContain('identical');
  });

  it('does what its overlap policy says', async () => {
    const policies = ['skip', 'buffer-one', 'buffer-all', 'cancel-other', 'terminate-other', 'allow-all'];
    for (const policy of policies) {
      const file = project.sweep(policy, [1], { ms: 2_500 });
      const add = await project.run('schedule', 'add', policy, file, '--every', '1s', '--overlap', policy, '--fresh', '--paused');
      expect(add.code, add.stderr).toBe(0);
    }
    await Promise.all(policies.map((policy) => project.run('schedule', 'resume', policy)));
    await pause(9_000);
    const shown = Object.fromEntries(await Promise.all(policies.map(async (policy) => [policy, await show(policy)] as const)));
    await Promise.all(policies.map((policy) => project.run('schedule', 'remove', policy)));
    const running = (policy: string): number => shown[policy].runs.filter((run) => run.state === 'running').length;
    const states = (policy: string): Set<string> => new Set(shown[policy].runs.map((run) => run.state));
    expect(shown.skip.counts.skipped).toBeGreaterThan(0);
    expect(running('skip')).toBeLessThanOrEqual(1);
    expect(shown['buffer-one'].counts.skipped).toBeGreaterThan(0);
    expect(running('buffer-one')).toBeLessThanOrEqual(1);
    expect(shown['buffer-all'].counts.skipped).toBe(0);
    expect(running('buffer-all')).toBeLessThanOrEqual(1);
    expect(states('cancel-other')).toContain('cancelled');
    expect(states('terminate-other')).toContain('terminated');
    expect(running('allow-all')).toBeGreaterThan(1);
  });

  it('pauses when a run fails, tells why, and is told of by name when it is not there', async () => {
    const file = project.write(
      'broken.yaml',
      `name: broken\nplugins: [${TOY}]\nsteps:\n  base: { uses: toy/number, with: { value: 5 } }\n  bad: { uses: toy/bad, in: { in: base.out } }\n`,
    );
    await project.run('schedule', 'add', 'broken', file, '--cron', '0 3 * * 1', '--pause-on-failure');
    await project.run('schedule', 'trigger', 'broken');
    let shown = await show('broken');
    for (let waited = 0; waited < 60 && !shown.paused; waited++) {
      await pause(500);
      shown = await show('broken');
    }
    expect(shown.paused).toBe(true);
    expect(shown.runs[0]).toMatchObject({ state: 'failed', said: 'broken: 1 task failed' });
    const missing = await project.run('schedule', 'trigger', 'nightly');
    expect(missing.code).toBe(2);
    expect(missing.stderr).toContain('There is no schedule "nightly"');
    const wrong = await project.run('schedule', 'add', 'wrong', file, '--cron', 'at noon');
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).not.toContain('at ServiceError');
  });

  it('keeps to its inputs, and says when one is not there as it was; follows its file when asked to', async () => {
    project.write('numbers.csv', 'cell,A,B\na,1,2\nb,3,4\nc,0,1\n');
    const file = project.write(
      'pinned.yaml',
      `name: pinned\nsteps:\n  read: { uses: reader/file, with: { path: numbers.csv, orientation: cells-by-genes } }\n`,
    );
    const added = await project.run('schedule', 'add', 'pinned', file, '--every', '1d');
    expect(added.code, added.stderr).toBe(0);
    await project.run('schedule', 'add', 'following', file, '--every', '1d', '--follow');
    project.write('numbers.csv', 'cell,A,B\na,1,2\nb,3,4\nc,0,7\n');
    for (const name of ['pinned', 'following']) {
      await project.run('schedule', 'trigger', name);
      let shown = await show(name);
      for (let waited = 0; waited < 60 && (shown.runs.length === 0 || shown.runs[0].state === 'running'); waited++) {
        await pause(500);
        shown = await show(name);
      }
      if (name === 'pinned') expect(shown.runs[0].said).toContain('is not the one that was pinned');
      else expect(shown.runs[0].state, shown.runs[0].said).toBe('completed');
    }
  });

  it('is replaced in one step, and stays as it was when its replacement is refused', async () => {
    const file = project.sweep('changing', [1]);
    const add = (...flags: string[]) => project.run('schedule', 'add', 'changing', file, ...flags);
    expect((await add('--every', '1d')).code).toBe(0);
    await project.run('schedule', 'trigger', 'changing');
    await until(() => folders('changing').length > 0);
    const order = (): string => project.read('.panelflow/orders/schedule-changing.json');
    const first = order();
    const again = await add('--every', '2d', '--fresh');
    expect(again.stderr).toContain('There is a schedule "changing" already');
    const refused = await add('--cron', 'at noon', '--fresh', '--replace');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('does not take that schedule');
    expect(order()).toBe(first);
    expect(await show('changing')).toMatchObject({ counts: { taken: 1 }, spec: { intervals: [{ every: 86_400_000 }] } });
    const replaced = await add('--every', '2d', '--fresh', '--replace');
    expect(replaced.code, replaced.stderr).toBe(0);
    expect(order()).not.toBe(first);
    expect(await show('changing')).toMatchObject({ counts: { taken: 1 }, spec: { intervals: [{ every: 172_800_000 }] } });
  });
});
