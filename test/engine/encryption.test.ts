import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newPayloadKey, payloadKeyId, payloadKeyIn } from '../../workers/payload-cipher.ts';
import { Dashboard } from '../ui/_ui.ts';
import { type Ended, Project, TOY, until } from './_engine.ts';
import { keptBy } from './_raw.ts';

const [OLD, NEW] = [newPayloadKey(), newPayloadKey()];
const idOf = (key: string): string => payloadKeyId(payloadKeyIn(key)!);
/** Where keys are shown, they are these alone. */
const clean = ({ stdout, stderr }: Ended): void => {
  for (const key of [OLD, NEW]) expect(stdout + stderr).not.toContain(key);
  expect(stderr).not.toMatch(/^\s+at /m);
};
const missing = (ended: Ended, key: string): void => {
  expect(ended, ended.stderr).toMatchObject({ code: 2 });
  expect(ended.stderr.split(`encrypted with key ${idOf(key)}`), ended.stderr).toHaveLength(2);
  expect(ended.stderr).toContain('PANELFLOW_PAYLOAD_KEY');
  clean(ended);
};

describe('encrypted payloads', () => {
  const project = new Project();
  let address: string;
  const env = (keys: string): Record<string, string> => ({ TEMPORAL_ADDRESS: address, PANELFLOW_PAYLOAD_KEY: keys });
  /** A sweep with words in it by which it is known, and a step that fails with one. */
  const words = (name: string): string =>
    project.write(
      `${name}.yaml`,
      `name: ${name}
plugins: [${TOY}]
axes: { pledge: [swordfish-${name}] }
steps:
  base: { uses: toy/number, with: { value: 5, log: ${project.path(`cod-${name}.log`)} } }
  bad: { uses: toy/bad, in: { in: base.out } }
  label: { uses: command/run, with: { argv: [echo, '\${{ axis.pledge }}'], outputs: {} } }
`,
    );

  beforeAll(async () => {
    ({ address } = JSON.parse((await project.run('server', 'start', '--json')).stdout) as { address: string });
  });
  afterAll(() => project.close());

  const serve = (keys: string): ReturnType<Project['startWith']> =>
    project.startWith(env(keys), 'worker', '--queue', 'cpu,gpu', '--slots', '1', '--plugin', TOY);
  const isServing = (worker: ReturnType<Project['startWith']>): Promise<void> => {
    let said = '';
    worker.child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    return until(() => said.includes('Serving'));
  };

  it('hides from the server what tasks, errors and memos say, and hides nothing without a key', async () => {
    const plain = await project.run('run', words('plain'), '--slots', '1');
    expect(plain.code, plain.stderr).toBe(1);
    const before = await keptBy(address);
    for (const word of ['swordfish-plain', project.folder, 'toy/bad', 'are bad']) expect(before.includes(word), word).toBe(true);

    const bare = new Project();
    try {
      const sealed = { PANELFLOW_PAYLOAD_KEY: NEW };
      const file = bare.write(
        'sealed.yaml',
        project.read('plain.yaml').replaceAll('plain', 'sealed').replaceAll(project.folder, bare.folder),
      );
      const run = await bare.runWith(sealed, 'run', file, '--slots', '1');
      expect(run.code, run.stderr).toBe(1);
      clean(run);
      const scheduled = await bare.runWith(sealed, 'schedule', 'add', 'nightly', file, '--every', '1d');
      expect(scheduled, scheduled.stderr).toMatchObject({ code: 0 });
      const own = (JSON.parse(bare.read('.panelflow/temporal/server.json')) as { address: string }).address;
      const kept = await keptBy(own);
      // What is not encrypted: ids, names of steps' types, and times.
      for (const word of ['sealed', 'toy/bad', 'nightly', idOf(NEW)]) expect(kept.includes(word), word).toBe(true);
      for (const word of ['swordfish', bare.folder, 'are bad', 'plans', NEW]) expect(kept.includes(word), word).toBe(false);
      for (const command of [['list'], ['status', 'last'], ['log', 'last'], ['schedule', 'list'], ['doctor']]) {
        const ended = await bare.runWith(sealed, ...command);
        clean(ended);
        expect(ended.stdout + ended.stderr).toContain({ schedule: 'nightly', doctor: idOf(NEW) }[command[0]] ?? 'sealed');
      }
      missing(await bare.run('list'), NEW);
    } finally {
      await bare.close();
    }
  });

  it('is said once by who follows a run, and by the dashboard, when the worker encrypts and they have no key', async () => {
    const worker = serve(NEW);
    await isServing(worker);
    missing(await project.run('run', project.sweep('blind', [1, 2], { ms: 500 }), '--address', address), NEW);
    expect(await project.runWith(env(NEW), 'attach', 'last')).toMatchObject({ code: 0 });
    const dashboard = await Dashboard.open(project, '--address', address);
    try {
      const problem = {
        code: 'CONFIG',
        message: expect.stringContaining(idOf(NEW)),
        mend: expect.stringContaining('PANELFLOW_PAYLOAD_KEY'),
      };
      expect(JSON.parse((await dashboard.ask('/api/runs')).text)).toEqual(problem);
    } finally {
      clean(await dashboard.close());
    }
    worker.child.kill('SIGTERM');
    await worker.ended;
  });

  it('reads on when keys change while a run goes on, and says which key is missing to who has not got it', async () => {
    const keyless = serve('');
    await isServing(keyless);
    const run = project.startWith(env(`${OLD},${NEW}`), 'run', project.sweep('turn', [1, 2, 3, 4], { ms: 1_000 }));
    // What it cannot read ends it, before it spoils more.
    missing(await keyless.ended, OLD);
    const first = serve(OLD);
    await until(() => project.lines('turn.log').length > 0);
    // It stays open until all have looked at it.
    expect(await project.runWith(env(`${OLD},${NEW}`), 'pause', 'last')).toMatchObject({ code: 0 });
    const second = serve(`${NEW},${OLD}`);
    await isServing(second);
    first.child.kill('SIGTERM');
    expect((await first.ended).code).toBe(0);

    expect((await project.runWith(env(`${NEW},${OLD}`), 'list', '--json')).stdout).toContain('turn');
    // Who comes now hears of it at once.
    missing(await project.runWith(env(''), 'attach', 'last'), OLD);
    missing(await serve(NEW).ended, OLD);
    expect(await project.runWith(env(`${NEW},${OLD}`), 'resume', 'last')).toMatchObject({ code: 0 });
    expect(await run.ended).toMatchObject({ code: 0 });
    second.child.kill('SIGTERM');
    clean(await second.ended);
  });
});
