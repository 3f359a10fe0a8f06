import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { killSteps, Project, until } from './_engine.ts';

let project: Project;
beforeAll(() => {
  project = new Project();
  mkdirSync(project.path('tmp'));
});
afterAll(() => project.close());

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);
/** The program that wrote its number into a file. */
async function programOf(note: string): Promise<number> {
  await until(() => project.has(note) && project.read(note).endsWith('\n'));
  return Number(project.read(note));
}

describe('a pipeline of commands', () => {
  it('hands files on from step to step, gathers them, publishes them by cell, and computes nothing twice', async () => {
    const file = project.write(
      'chain.yaml',
      `name: chain
axes: { n: [1, 2, 3] }
steps:
  make: { uses: command/run, with: { argv: [bash, -c, 'echo "$N$N" > x; echo made', bash], env: { N: '\${{ axis.n }}' }, outputs: { x.txt: x } } }
  count: { uses: command/run, in: { in: make.out }, with: { argv: [wc, -c, in/x.txt] } }
  join: { uses: command/run, in: { all: { from: make.out, gather: all } }, with: { argv: [bash, -c, 'cat in/*/x.txt'] } }
  each: { uses: reporter/files, in: { folders: { from: count.out, gather: all } } }
  whole: { uses: reporter/files, in: { folders: { from: join.out, gather: all } }, with: { into: joined } }
`,
    );
    const first = await project.run('run', file);
    expect(first.code, first.stderr).toBe(0);
    expect(project.read('results/chain/joined/stdout.txt')).toBe('11\n22\n33\n');
    expect(project.read('results/chain/n=2/stdout.txt')).toBe('3 in/x.txt\n');
    expect((await project.run('run', file)).stderr).toContain('0 computed, 9 cached');
  });

  it('says what a command complained of', async () => {
    const file = project.write('bad.yaml', `name: bad\nsteps: { a: { uses: command/run, with: { argv: [ls, /no/such/folder] } } }\n`);
    const { code, stderr } = await project.run('run', file);
    expect(code).toBe(1);
    expect(stderr).toMatch(/ls ended with exit code 2: .*\/no\/such\/folder/);
  });

  it('ends a program that takes too long, with its folder', async () => {
    const note = project.path('late');
    const file = project.write(
      'late.yaml',
      `name: late\nsteps: { a: { uses: command/run, with: { argv: [bash, -c, 'echo $$ > ${note}; sleep 60'] }, resources: { time: 1s, retries: { timeout: 0 } } } }\n`,
    );
    const { code, stderr } = await project.runWith({ TMPDIR: project.path('tmp') }, 'run', file);
    expect([code, stderr]).toEqual([1, expect.stringContaining('took longer than it may: 1 s')]);
    await until(() => !isAlive(Number(readFileSync(note, 'utf8'))));
    await until(() => project.list('tmp').every((name) => !name.startsWith('panelflow-')));
  });

  it.each(['step process', 'worker'])('takes the program and its folder along when its %s is killed', async (who) => {
    const name = who.replace(' ', '-');
    const file = project.write(
      `${name}.yaml`,
      `name: ${name}\nsteps: { a: { uses: command/run, with: { argv: [bash, -c, 'echo $$ > ${project.path(name)}; sleep 60'] }, resources: { retries: { crash: 0, resource: 0 } } } }\n`,
    );
    const { child, ended } = project.startWith({ TMPDIR: project.path('tmp') }, 'run', file);
    const program = await programOf(name);
    if (who === 'worker') child.kill('SIGKILL');
    else expect(killSteps(child.pid)).toBeGreaterThan(0);
    await until(() => !isAlive(program));
    await until(() => readdirSync(project.path('tmp')).every((entry) => !entry.startsWith('panelflow-')));
    child.kill('SIGINT');
    await ended;
    await project.run('cancel', name);
  });
});
