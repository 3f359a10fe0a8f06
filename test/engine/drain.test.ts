import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Project, type Started, TOY, until } from './_engine.ts';

/** A worker that answers at a port of its own, with its log as it grows. */
class Watched {
  readonly started: Started;
  #text = '';

  constructor(project: Project, address: string, ...args: string[]) {
    const place = ['--address', address, '--listen', '127.0.0.1:0', '--log', 'json', '--slots', '1', '--plugin', TOY];
    this.started = project.start('worker', '--queue', 'cpu', ...place, ...args);
    this.started.child.stderr!.on('data', (chunk: Buffer) => (this.#text += chunk.toString()));
  }

  get log(): Record<string, unknown>[] {
    return this.#text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** Until a line of the log has these fields. */
  async says(fields: Record<string, unknown>): Promise<void> {
    await until(() => this.log.some((line) => Object.entries(fields).every(([key, value]) => line[key] === value)));
  }

  async get(path: string): Promise<[status: number, text: string]> {
    const port = this.log.map(({ message }) => /^Health and metrics at port (\d+)/.exec(String(message))?.[1]).find(Boolean);
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return [response.status, await response.text()];
  }
}

describe('a worker that is told to stop', () => {
  const project = new Project();
  let address: string;
  beforeAll(async () => {
    ({ address } = JSON.parse((await project.run('server', 'start', '--json')).stdout) as { address: string });
  });
  afterAll(() => project.close());

  it('ends what it can in the time it has, answers 503 meanwhile, and hands the rest to the next, in a sweep that goes on', async () => {
    const first = new Watched(project, address);
    const run = project.start('run', project.sweep('drained', [1, 2, 3], { ms: 3_000 }), '--address', address, '--json');
    await first.says({ step: 'add', status: 'STARTED' });
    expect(await first.get('/readyz')).toEqual([200, 'ready\n']);
    const [, metrics] = await first.get('/metrics');
    expect(metrics).toContain('panelflow_tasks_total{uses="toy/number",status="completed"} 1\n');
    expect(metrics).toContain('panelflow_tasks_running{queue="cpu"} 1\n');
    expect(metrics).toMatch(/^temporal_worker_task_slots_available\{/m);
    expect(metrics).not.toMatch(/drained|n=1/);
    const names = metrics.split('\n').flatMap((line) => /^# TYPE (\S+)/.exec(line)?.[1] ?? []);
    expect(new Set(names).size).toBe(names.length);

    first.started.child.kill('SIGTERM');
    await until(() => first.log.some(({ message }) => String(message).startsWith('Stopping')));
    expect(await first.get('/readyz')).toEqual([503, 'draining\n']);
    expect(await first.get('/healthz')).toEqual([200, 'ok\n']);
    expect((await first.started.ended).code).toBe(0);
    expect(first.log.filter(({ step, status }) => step === 'add' && status === 'COMPLETED')).toHaveLength(1);
    expect(first.log.filter(({ status }) => status === 'ABORTED')).toEqual([]);

    const second = new Watched(project, address, '--drain', '0');
    await second.says({ step: 'add', status: 'STARTED' });
    second.started.child.kill('SIGTERM');
    expect((await second.started.ended).code).toBe(0);
    expect(second.log.at(-1)).toMatchObject({ level: 'warn', step: 'add', status: 'ABORTED' });

    const third = new Watched(project, address);
    const ended = await run.ended;
    third.started.child.kill('SIGTERM');
    await third.started.ended;
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    // What was drained was computed once, and what was handed back came to its end once.
    const done = project.lines('drained.log').filter((line) => line.startsWith('done'));
    expect(done.toSorted()).toEqual(['done add 5+1', 'done add 5+2', 'done add 5+3']);
    for (const line of [...first.log, ...second.log, ...third.log])
      expect(line).toMatchObject({ time: expect.stringMatching(/^\d{4}-.*Z$/), level: expect.any(String), message: expect.any(String) });
    expect(first.log.find(({ step }) => step === 'add')).toMatchObject({
      run: expect.stringMatching(/^drained-/),
      task: expect.stringMatching(/^add-/),
      cell: expect.stringMatching(/^n=/),
      uses: 'toy/add',
    });
  });

  it.each([
    ['--drain', 'soon'],
    ['--listen', 'nowhere'],
  ])('refuses %s %s in a line of its log', async (...flags) => {
    const { code, stderr } = await project.run('worker', '--address', address, '--log', 'json', ...flags);
    expect(code).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({ level: 'error', code: 'CONFIG' });
  });
});
