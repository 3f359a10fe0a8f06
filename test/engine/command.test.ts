import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
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

  it('finds a script beside the file, and runs it anew when it has changed', async () => {
    mkdirSync(project.path('scripts'));
    project.write('scripts/say.sh', 'cat "$1"');
    project.write('words.m', 'one');
    const file = project.write(
      'script.yaml',
      `name: script
steps:
  say: { uses: command/run, with: { argv: [bash, scripts/say.sh, ./words.m] } }
  put: { uses: reporter/files, in: { folders: { from: say.out, gather: all } } }
`,
    );
    expect(await project.run('run', file)).toMatchObject({ code: 0 });
    expect(project.read('results/script/stdout.txt')).toBe('one');
    project.write('words.m', 'two');
    expect((await project.run('run', file)).stderr).toContain('2 computed, 0 cached');
    expect(project.read('results/script/stdout.txt')).toBe('two');
    expect((await project.run('run', file)).stderr).toContain('0 computed, 2 cached');
    const wrong = project.write('wrong.yaml', project.read('script.yaml').replace('say.sh', 'sya.sh'));
    const lint = await project.run('lint', wrong);
    expect([lint.code, `${lint.stdout}${lint.stderr}`]).toEqual([2, expect.stringContaining('Did you mean "say.sh"?')]);
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

describe('a benchmark with programs', () => {
  it('asks them beside built-in methods, once for every k where one ranking serves them all; one that fails stops no other', async () => {
    const program = resolve('test/fixtures/command/program.mjs');
    const argv = `argv: ['${process.execPath}', '${program}']`;
    const file = project.write(
      'programs.yaml',
      `pipeline: benchmark
params:
  data: { uses: simulated, with: { cells: 300, genes: 300 } }
  tasks: [cell_type]
  seeds: [0]
  k: [4, 8]
  selectors: [random, { uses: command, as: own, with: { ${argv}, every_k: true } }, { uses: command, as: each, with: { ${argv} } }, { uses: command, as: bad, with: { argv: [ls, /no/such/folder] } }]
  evaluators: [knn, { uses: command, as: nearest, with: { ${argv} } }]
  map: none
`,
    );
    const ended = await project.run('run', file);
    expect([ended.code, ended.stderr]).toEqual([1, expect.stringMatching(/ls ended with exit code 2/)]);
    const accuracies = project.lines('results/programs/metrics.csv').filter((line) => line.includes(',accuracy,'));
    expect(
      new Set(
        accuracies.map((line) =>
          line
            .split(',')
            .filter((_, i) => [0, 1, 4].includes(i))
            .join(' '),
        ),
      ),
    ).toEqual(new Set(['random', 'own', 'each'].flatMap((s) => [4, 8].flatMap((k) => ['knn', 'nearest'].map((e) => `${s} ${k} ${e}`)))));
    const panels = project.lines('results/programs/panels.csv').filter((line) => line.includes(',8,0,cell_type,'));
    const genesOf = (selector: string): string[] =>
      panels.filter((line) => line.startsWith(`${selector},`)).map((line) => line.split(',')[5]);
    expect(genesOf('own')).toEqual(genesOf('each'));
    const calls = project.trace('programs').filter(({ uses, status }) => uses === 'selector/command' && status === 'COMPLETED');
    // One for all k, and one for each of two k.
    expect(calls).toHaveLength(1 + 2);
  });
});
