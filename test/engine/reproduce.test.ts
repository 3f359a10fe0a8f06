import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Comparison } from '../../core/compare-runs.ts';
import type { Notice } from '../../schemas/notice.ts';
import { httpServer, mailServer } from '../notify/_stage.ts';
import { Project, TOY } from './_engine.ts';

const project = new Project();
/** Servers of notices; each refuses the first try. */
let hook: Awaited<ReturnType<typeof httpServer>>;
let post: Awaited<ReturnType<typeof mailServer>>;
let channels: Record<string, string>;
beforeAll(async () => {
  hook = await httpServer([{ status: 503 }, { status: 200 }]);
  let isFirst = true;
  post = await mailServer({
    onMailFrom: (_, __, done) => {
      done(isFirst ? Object.assign(new Error('later'), { responseCode: 451 }) : null);
      isFirst = false;
    },
  });
  const file = project.write(
    'notify.yaml',
    `channels:
  lab: { webhook: "${hook.url}/hook", secret: "a plain secret" }
  pi: { email: { smtp: "smtp://127.0.0.1:${post.port}", from: panelflow@example.org, to: [pi@example.org] } }
`,
  );
  channels = { PANELFLOW_NOTIFY: file };
});
afterAll(async () => {
  await Promise.all([hook.close(), post.close(), project.close()]);
});

const comparison = (out: string): Comparison => JSON.parse(project.read(`results/${out}/comparison.json`)) as Comparison;
const newest = (name: string): string =>
  project
    .list('.panelflow/runs')
    .filter((run) => run.startsWith(`${name}-`))
    .toSorted((a, b) => a.split('-').at(-1)!.localeCompare(b.split('-').at(-1)!))
    .at(-1)!;

describe('a run that is computed again', () => {
  it('is identical, computes everything anew, and leaves the cache as it was', async () => {
    const file = project.sweep('same', [1, 2], { log: true });
    expect((await project.run('run', file)).code).toBe(0);
    const computed = project.lines('same.log').length;
    const again = await project.run('repeat', newest('same'));
    expect(again.code, again.stderr).toBe(0);
    expect(again.stderr).toContain('identical');
    expect(project.lines('same.log')).toHaveLength(2 * computed);
    expect(comparison('same-repeat')).toMatchObject({ verdict: 'identical', tasks: { same: 4, differ: 0 }, roots: [] });
    expect((await project.run('run', file)).stderr).toMatch(/✔ 0 computed, 4 cached/);
  });

  it('names the step of another version as the first that differs, and tells people of the drift once', async () => {
    const file = project.sweep('newer', [1, 2]);
    expect((await project.run('run', file)).code).toBe(0);
    const before = newest('newer');
    const args = ['run', file, '--baseline', before, '--notify', 'lab:drift,pi:drift'];
    const drifted = await project.runWith({ TOY_ADD: '2', ...channels }, ...args);
    expect(drifted.code).toBe(1);
    const { verdict, roots, tasks } = comparison('newer');
    expect(verdict).toBe('drifted');
    expect(tasks).toMatchObject({ same: 1, differ: 3 });
    expect(roots.map(({ task }) => task)).toEqual(['add (n=1)', 'add (n=2)']);
    expect(roots[0].why).toEqual(['version 1 -> 2']);
    const notices = hook.got.map(({ body }) => JSON.parse(body.toString()) as Notice);
    // Each server refused the first try.
    expect(notices.map(({ event, facts }) => [event, facts.verdict])).toEqual([1, 2].map(() => ['drift', 'drifted']));
    expect(new Set(hook.got.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(post.took).toHaveLength(1);
    expect(post.took[0]).toContain('drifted');
    const page = project.read('results/newer/comparison.html');
    expect(page).toContain('version 1 -&gt; 2');
    const byHand = await project.run('compare', before, newest('newer'), '--json');
    expect(byHand.code).toBe(1);
    expect((JSON.parse(byHand.stdout) as Comparison).verdict).toBe('drifted');
  });

  it('names the step that read another value, and says nothing of success to whom it does not matter', async () => {
    project.write('numbers.csv', 'cell,A,B\na,1,2\nb,3,4\nc,0,1\n');
    const file = project.write(
      'values.yaml',
      `name: values\nsteps:\n  read: { uses: reader/file, with: { path: numbers.csv, orientation: cells-by-genes } }\n`,
    );
    const first = await project.runWith(channels, 'run', file, '--baseline', 'first', '--notify', 'lab:drift');
    expect(first.code, first.stderr).toBe(0);
    project.write('numbers.csv', 'cell,A,B\na,1,2\nb,3,4\nc,0,7\n');
    const drifted = await project.run('run', file, '--baseline', 'first');
    expect(drifted.code).toBe(1);
    expect(drifted.stderr).toMatch(/first step whose output differs is read: params\.path: other content/);
    expect(hook.got).toHaveLength(2);
    const pinned = await project.run('repeat', comparison('values').baseline);
    expect(pinned.code).toBe(1);
    expect(pinned.stderr).toContain('is not the one that was pinned');
  });

  it('finds a step that does not give the same twice', async () => {
    const file = project.write(
      'chance.yaml',
      `name: chance\nplugins: [${TOY}]\nsteps:\n  any: { uses: toy/chance }\n  add: { uses: toy/add, in: { in: any.out } }\n`,
    );
    const twice = await project.run('repeat', file);
    expect(twice.code).toBe(1);
    expect(comparison('chance-repeat').roots).toEqual([
      { task: 'any', step: 'any', why: ['the same version, params, seed and inputs gave another output'] },
    ]);
  });
});
