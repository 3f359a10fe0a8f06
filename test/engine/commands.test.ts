import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Project, TOY } from './_engine.ts';

let project: Project;
let run = '';
beforeAll(async () => {
  project = new Project();
  const file = project.write(
    'small.yaml',
    `name: small\nplugins: [${TOY}]\naxes: { n: [1, 2] }\nsteps:\n  base: { uses: toy/number, with: { value: 5 } }\n  add: { uses: toy/add, in: { in: base.out }, with: { plus: '\${{ axis.n }}' } }\n  bad: { uses: toy/bad, in: { in: add.out }, when: '\${{ axis.n == 2 }}' }\n  list: { uses: toy/list, in: { all: { from: add.out, gather: all } } }\n`,
  );
  const ended = await project.run('run', file, '--json');
  run = (JSON.parse(ended.stdout.split('\n')[0]) as { run: string }).run;
});
afterAll(() => project.close());

describe('commands about runs', () => {
  it('run --json prints one JSON object a line, the last one the outcome', async () => {
    const ended = await project.run('run', project.path('small.yaml'), '--json');
    const events = ended.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events[0]).toMatchObject({ event: 'run', tasks: 5, cells: 2 });
    expect(events.at(-1)).toMatchObject({ event: 'end', failed: 1, failures: [{ step: 'bad', code: 'DATA' }] });
    expect([ended.code, ended.stderr]).toEqual([1, '']);
  });

  it('list shows it', async () => {
    const { stdout } = await project.run('list');
    expect(stdout).toContain(run);
    expect(JSON.parse((await project.run('list', '--json')).stdout)).toEqual(
      expect.arrayContaining([expect.objectContaining({ run, status: 'COMPLETED' })]),
    );
  });

  it('status counts its steps', async () => {
    const { stdout } = await project.run('status', run, '--json');
    const { progress } = JSON.parse(stdout) as { progress: { steps: { step: string }[] } };
    expect(progress.steps.find((s) => s.step === 'add')).toMatchObject({ total: 2, done: 2, failed: 0 });
    expect(progress.steps.find((s) => s.step === 'bad')).toMatchObject({ total: 1, failed: 1 });
  });

  it('log lists its tasks, and with --failed their errors', async () => {
    expect((await project.run('log', run)).stdout).toMatch(/add\s+toy\/add\s+n=2\s+COMPLETED/);
    const { stdout } = await project.run('log', run, '--failed');
    expect(stdout).toContain('the data are bad');
    expect(stdout).not.toContain('toy/add');
  });

  it('report writes its results again', async () => {
    const { code } = await project.run('report', run, '--out', 'again');
    expect(code).toBe(0);
    expect(project.read('again/list.txt')).toBe(project.read('results/small/list.txt'));
  });

  it('an unknown run is refused with the nearest one', async () => {
    const { code, stderr } = await project.run('status', 'smal-x');
    expect([code, stderr]).toEqual([2, expect.stringContaining('There is no run "smal-x"')]);
  });

  it('a run that is over cannot be cancelled', async () => {
    expect(await project.run('cancel', run)).toMatchObject({ code: 2, stderr: expect.stringContaining('completed already') });
  });
});

describe('commands that need no server', () => {
  it('plan lists every task with its reason', async () => {
    const { stdout, code } = await project.run('plan', project.path('small.yaml'));
    expect(code).toBe(0);
    expect(stdout).toMatch(/cached\s+add\s+toy\/add\s+n=1\s+\w{10}\s+same step, params, inputs and seed/);
    expect(stdout).toMatch(/run\s+bad\s+toy\/bad\s+n=2\s+\w{10}\s+not computed before/);
  });

  it('plugins lists steps and shows one', async () => {
    expect((await project.run('plugins')).stdout).toMatch(/selector\/yoto\s+gpu/);
    expect((await project.run('plugins', 'selector/yoto')).stdout).toContain('epochs');
    expect(JSON.parse((await project.run('plugins', 'yoto', '--json')).stdout)).toMatchObject({
      kind: 'selector',
      id: 'yoto',
      queue: 'gpu',
    });
    expect(await project.run('plugins', 'selector/yotto')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Did you mean "selector/yoto"?'),
    });
  });

  it('schema prints JSON Schema', async () => {
    expect(JSON.parse((await project.run('schema', 'pipeline')).stdout)).toMatchObject({
      type: 'object',
      required: expect.arrayContaining(['name', 'steps']),
    });
  });

  it('init writes a file that plans, and never over another', async () => {
    expect((await project.run('init', 'my.yaml')).code).toBe(0);
    expect((await project.run('lint', 'my.yaml')).stdout).toContain('no problem found');
    expect(await project.run('init', 'my.yaml')).toMatchObject({ code: 2, stderr: expect.stringContaining('is there already') });
  });

  it('data lists known datasets', async () => {
    expect((await project.run('data')).stdout).toMatch(/zeisel/);
    expect(JSON.parse((await project.run('data', '--json')).stdout)[0]).toHaveProperty('citation');
  });

  it('doctor names server, tensor backend and store', async () => {
    const { stdout } = await project.run('doctor', '--json');
    const found = JSON.parse(stdout) as { what: string; ok: boolean; found: string }[];
    expect(found.map((f) => f.what)).toEqual(['node', 'machine', 'store', 'server', 'payloads', 's3', 'tensor', 'gpu']);
    expect(found.find((f) => f.what === 'tensor')!.found).toMatch(/tensorflow .* GFLOP\/s/);
  });

  it('every command has help, and a mistyped one is corrected', async () => {
    for (const name of [
      'run',
      'plan',
      'lint',
      'worker',
      'list',
      'status',
      'log',
      'cancel',
      'report',
      'plugins',
      'schema',
      'data',
      'init',
      'doctor',
      'setup',
      'server',
    ]) {
      const { code, stdout } = await project.run(name, '--help');
      expect([name, code]).toEqual([name, 0]);
      expect(stdout).toContain('Usage: panelflow');
    }
    expect(await project.run('rnu', 'x')).toMatchObject({ code: 2, stderr: expect.stringContaining('Did you mean run?') });
  });
});
