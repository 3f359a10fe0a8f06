import { existsSync, symlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CompactPlan, Live, RunDetail, RunItem, States, TaskDetail } from '../../ui/shapes.ts';
import { Project, until } from '../engine/_engine.ts';
import { Dashboard, toySweep } from './_ui.ts';

let project: Project;
let dashboard: Dashboard;
let run: string;

beforeAll(async () => {
  project = new Project();
  expect((await project.run('run', toySweep(project, 'first', 0), '--quiet')).code).toBe(1);
  dashboard = await Dashboard.open(project);
  [{ run }] = await dashboard.get<RunItem[]>('/api/runs');
});
afterAll(async () => {
  await dashboard?.close();
  await project.close();
});

const of = (name: string): string => `/api/runs/${encodeURIComponent(run)}${name}`;

describe('a run is told', () => {
  it('in the list, with what became of its tasks', async () => {
    const [row, ...others] = await dashboard.get<RunItem[]>('/api/runs');
    expect(others).toEqual([]);
    expect(row).toMatchObject({ name: 'first', state: 'completed', counts: { total: 38, done: 37, failed: 1, running: 0 } });
    expect(row.closed).toBeGreaterThan(row.started);
  });

  it('with its counts, failures, results, versions and the page of Temporal', async () => {
    const { facts, live } = await dashboard.get<RunDetail>(of(''));
    expect(live).toMatchObject({ isOpen: false, isServed: true, failures: [{ step: 'bad', code: 'DATA' }], stopped: '' });
    expect(live.steps.map(({ step, total }) => [step, total])).toEqual([
      ['base', 18],
      ['add', 18],
      ['bad', 1],
      ['list', 1],
    ]);
    expect(facts.results).toEqual(expect.arrayContaining(['run.json', 'trace.tsv']));
    expect(facts.temporal).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/namespaces\/default\/workflows\/first-/);
    expect(facts.about).toContainEqual(['plugin toy', '1.0.0']);
  });

  it('with a plan in few bytes, and the state and facts of each task', async () => {
    const plan = await dashboard.get<CompactPlan>(of('/plan'));
    expect(plan.axes.map(({ name, values }) => [name, values.length])).toEqual([
      ['seed', 6],
      ['k', 3],
    ]);
    expect(plan.steps.map(({ id, needs }) => [id, needs])).toEqual([
      ['base', []],
      ['add', [0]],
      ['bad', [1]],
      ['list', [1]],
    ]);
    const { changes, facts, more, seq } = await dashboard.get<States>(of('/states?since=0&fact=value'));
    expect([changes.length, facts, more]).toEqual([38, { 0: ['value'] }, false]);
    const base = plan.tasks.findIndex(([, step, seed, k]) => step === 0 && seed === 3 && k === 2);
    expect(changes.find(([task]) => task === base)).toEqual([base, 2, expect.any(Number), 323]);
    expect(changes.filter(([, state]) => state === 4)).toHaveLength(1);
    const later = await dashboard.get<States>(of(`/states?since=${seq}&plan=${plan.plan}`));
    expect(later.changes).toEqual([]);
    const packed = await dashboard.ask(of('/plan'), { headers: { 'accept-encoding': 'gzip' } });
    expect(packed.headers['content-encoding']).toBe('gzip');
  });

  it('with a task, its error, its mend and the fields of its key', async () => {
    const { live } = await dashboard.get<RunDetail>(of(''));
    const failed = await dashboard.get<TaskDetail>(of(`/tasks/${live.failures[0].task}`));
    expect(failed).toMatchObject({ name: 'bad (seed=1 k=8)', state: 'failed', record: { error: { code: 'DATA', mend: 'Mend it.' } } });
    expect(failed.inputs.map(({ port, from }) => [port, from[0][1]])).toEqual([['in', 'add (seed=1 k=8)']]);
    const [, source] = failed.inputs[0].from[0];
    const { tasks } = await dashboard.get<CompactPlan>(of('/plan'));
    const add = await dashboard.get<TaskDetail>(of(`/tasks/${tasks[failed.inputs[0].from[0][0]][0]}`));
    expect(add.name).toBe(source);
    expect(Object.fromEntries(add.fields)).toMatchObject({ uses: '"toy/add"', 'params.plus': '1' });
    expect(await dashboard.get(of(`/curves/${add.id}`))).toEqual({ from: 'none', curves: {} });
  });
});

describe('orders', () => {
  it('pause and resume a run, with a note, and amend it', async () => {
    const started = project.start('run', toySweep(project, 'slow', 700), '--slots', '2', '--quiet');
    await until(() => project.lines('slow.log').some((line) => line.startsWith('done')));
    const { run: slow } = (await dashboard.get<RunItem[]>('/api/runs')).find(({ name }) => name === 'slow')!;
    const paused = await dashboard.post(`/api/runs/${slow}/pause`, { note: 'the disk is full' });
    expect([paused.status, JSON.parse(paused.text)]).toEqual([200, { said: expect.stringContaining('is paused') }]);
    const { live } = await dashboard.get<RunDetail>(`/api/runs/${slow}`);
    expect(live).toMatchObject({ state: 'paused', changes: [{ what: 'pause', note: 'the disk is full' }] });
    const dry = await dashboard.post(`/api/runs/${slow}/amend`, { drop: ['seed=5'], dryRun: true });
    expect(JSON.parse(dry.text)).toEqual({ said: 'That would be: 1 task added, 7 dropped.' });
    const wrong = await dashboard.post(`/api/runs/${slow}/amend`, { add: ['speed=5'] });
    expect([wrong.status, JSON.parse(wrong.text)]).toEqual([400, expect.objectContaining({ code: 'CONFIG' })]);
    expect((await dashboard.post(`/api/runs/${slow}/amend`, { drop: ['seed=5,4,3,2'] })).status).toBe(200);
    expect((await dashboard.get<CompactPlan>(`/api/runs/${slow}/plan`)).axes[0].values).toEqual([0, 1]);
    expect((await dashboard.post(`/api/runs/${slow}/resume`)).status).toBe(200);
    expect((await started.ended).code).toBe(1);
    const end = (await dashboard.get<RunDetail>(`/api/runs/${slow}`)).live;
    expect(end.changes.map(({ what }) => what)).toEqual(['pause', 'amend', 'resume']);
    expect(end.isOpen).toBe(false);
  });

  it('start a file of the folder; the run goes on when the dashboard has ended', async () => {
    toySweep(project, 'third', 300);
    project.write('notes.yaml', 'a: b\n');
    expect(await dashboard.get<string[]>('/api/files')).toEqual(['first.yaml', 'slow.yaml', 'third.yaml']);
    const other = await Dashboard.open(project);
    const { status, text } = await other.post('/api/start', { file: 'third.yaml' });
    expect([status, text]).toEqual([200, expect.stringContaining('third-')]);
    expect((await other.close()).code).toBe(0);
    await until(() => existsSync(project.path('results/third/run.json')));
    const bad = await dashboard.post('/api/start', { file: 'first.yaml', set: ['nothing=1'] });
    expect([bad.status, bad.text]).toEqual([400, expect.stringContaining('nothing')]);
  });

  it('take up a run that has ended', async () => {
    const { status, text } = await dashboard.post(of('/retry'));
    expect([status, (JSON.parse(text) as { run: string }).run]).toEqual([200, run]);
    let live: Live;
    do ({ live } = await dashboard.get<RunDetail>(of('')));
    while (live.isOpen);
    expect(live.steps.find(({ step }) => step === 'bad')).toMatchObject({ failed: 1 });
  });

  it('serve a run whose worker has gone, and cancel it', async () => {
    const started = project.start('run', toySweep(project, 'lone', 20_000), '--slots', '2', '--quiet');
    await until(() => project.lines('lone.log').length > 0);
    const { run: lone } = (await dashboard.get<RunItem[]>('/api/runs')).find(({ name }) => name === 'lone')!;
    started.child.kill('SIGKILL');
    await started.ended;
    const live = async (): Promise<Live> => (await dashboard.get<RunDetail>(`/api/runs/${lone}`)).live;
    const comesTo = async (isServed: boolean): Promise<void> => {
      while ((await live()).isServed !== isServed) await new Promise((wake) => setTimeout(wake, 300));
    };
    await comesTo(false);
    expect((await live()).steps.find(({ step }) => step === 'base')).toMatchObject({ total: 18, cached: 18 });
    expect((await dashboard.post(`/api/runs/${lone}/attach`)).status).toBe(200);
    await comesTo(true);
    expect((await dashboard.post(`/api/runs/${lone}/cancel`)).status).toBe(200);
    while ((await live()).isOpen) await new Promise((wake) => setTimeout(wake, 300));
    expect((await live()).state).toBe('cancelled');
  });

  it('that make no sense are refused', async () => {
    for (const [path, body] of [
      [of('/explode'), {}],
      [of('/pause'), { note: 3 }],
      [of('/pause'), { surprise: true }],
      ['/api/runs/none/pause', {}],
      ['/api/start', { file: 5 }],
    ] as const) {
      const { status, text } = await dashboard.post(path, body);
      expect([400, 404], `${path} ${text}`).toContain(status);
    }
    expect(JSON.parse((await dashboard.post(of('/pause'))).text)).toMatchObject({
      code: 'CONFIG',
      message: expect.stringContaining('already'),
    });
  });
});

describe('strangers', () => {
  const JSON_TYPE = { 'content-type': 'application/json' };

  it('do not get in by another name of this machine, or from another site', async () => {
    for (const host of ['evil.example', `evil.example:${dashboard.port}`, '192.0.2.1', 'localhost.evil.example'])
      expect((await dashboard.ask('/api/runs', { headers: { host } })).status, host).toBe(403);
    for (const host of ['localhost', `127.0.0.1:${dashboard.port}`, `[::1]:${dashboard.port}`])
      expect((await dashboard.ask('/api/runs', { headers: { host } })).status, host).toBe(200);
    expect((await dashboard.ask('/api/runs', { headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' } })).status).toBe(
      403,
    );
  });

  it('cannot order anything through a page of theirs', async () => {
    const host = `127.0.0.1:${dashboard.port}`;
    const refused: Record<string, string>[] = [
      {},
      JSON_TYPE,
      { ...JSON_TYPE, origin: 'http://evil.example' },
      { ...JSON_TYPE, origin: 'null' },
      { ...JSON_TYPE, origin: `http://127.0.0.1:${dashboard.port + 1}` },
      { 'content-type': 'text/plain', origin: `http://${host}` },
    ];
    for (const headers of refused) {
      const { status } = await dashboard.ask(of('/cancel'), { method: 'POST', headers: { host, ...headers }, body: {} });
      expect([403, 415], JSON.stringify(headers)).toContain(status);
    }
    expect((await dashboard.ask(of('/cancel'), { method: 'DELETE' })).status).toBe(405);
  });

  it('get no file that is not meant for them', async () => {
    symlinkSync('/etc', project.path('etc'));
    symlinkSync('/etc/hostname', project.path('results/first/host.json'));
    const paths = [
      '/../package.json',
      '/..%2fpackage.json',
      '/%2e%2e/cli/main.js',
      '/ui.js/../../package.json',
      '/tsconfig.json',
      '/shapes.d.ts',
    ];
    const results = ['run.json%00.html', '..%2f..%2ffirst.yaml', 'host.json', '%2fetc%2fpasswd'].map((name) => `/results/${run}/${name}`);
    for (const path of [...paths, ...results, '/results/none/run.json']) {
      const { status, text } = await dashboard.ask(path);
      expect([400, 404], path).toContain(status);
      expect(text).not.toMatch(/"(name|panelflow)":/);
    }
    for (const file of ['../first.yaml', '/etc/passwd', 'etc/passwd', './first.yaml', 'first.yaml\0'])
      expect((await dashboard.post('/api/start', { file })).status, file).toBeGreaterThanOrEqual(400);
    expect((await dashboard.ask(`/results/${run}/run.json`)).headers['content-disposition']).toBe('attachment; filename="run.json"');
  });

  it('may not frame, extend or keep what they see', async () => {
    const { headers } = await dashboard.ask('/');
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self';/);
    expect(headers['content-security-policy']).not.toContain('unsafe');
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY', 'referrer-policy': 'no-referrer' });
    expect((await dashboard.ask('/api/runs')).headers['cache-control']).toBe('no-store');
  });

  it('must show a token where other machines can reach it', async () => {
    const open = await Dashboard.open(project, '--host', '0.0.0.0');
    try {
      const token = new URL(open.url).searchParams.get('token')!;
      expect(token).toMatch(/^[\w-]{32}$/);
      for (const path of ['/', '/api/runs', '/app.js', '/?token=wrong', `/api/runs?token=${token}`])
        expect((await open.ask(path)).status, path).toBe(401);
      const entered = await open.ask(`/?token=${token}`);
      expect([entered.status, entered.headers.location]).toEqual([303, '/']);
      const [cookie] = String(entered.headers['set-cookie']).split(';');
      expect(String(entered.headers['set-cookie'])).toMatch(/HttpOnly; SameSite=Strict/);
      expect((await open.ask('/api/runs', { headers: { cookie } })).status).toBe(200);
      expect((await open.ask('/api/runs', { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
      expect((await open.ask('/api/runs', { headers: { cookie, host: 'evil.example' } })).status).toBe(403);
      const order = { method: 'POST', body: {} };
      expect((await open.ask(of('/pause'), { ...order, headers: { ...JSON_TYPE, cookie } })).status).toBe(403);
      expect((await open.ask(of('/pause'), { ...order, headers: { ...JSON_TYPE, authorization: `Bearer ${token}` } })).status).toBe(400);
    } finally {
      await open.close();
    }
    expect((await project.run('ui', '--token', 'short')).code).toBe(2);
  });
});
