import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLI, Project, until } from '../engine/_engine.ts';
import { noCluster } from '../engine/_postgres.ts';
import { end } from '../engine/_processes.ts';
import { noGateway } from '../plugins/stores/_gateway.ts';

type Line = Readonly<Record<string, unknown>>;
type Services = Readonly<Record<string, { readonly pid: number; readonly at: string }>>;

const SWEEP = `pipeline: benchmark
name: deployed
params:
  data: { uses: simulated, with: { cells: 600, genes: 400 } }
  tasks: [cell_type]
  hvg: { flavor: seurat_v3, top: 200 }
  seeds: [0, 1]
  k: [8, 16]
  selectors: [random, wilcoxon, { uses: yoto, with: { epochs: 150 } }]
  evaluators: [knn]
`;

/** What deploy/processes.mjs starts, with ports and secrets of its own, in a folder that goes with it. */
class Deployment extends Project {
  readonly token = randomBytes(16).toString('hex');
  readonly #keys = [randomBytes(10).toString('hex'), randomBytes(20).toString('hex')];
  readonly #child;
  readonly ended: Promise<number | null>;
  /** What it said. */
  text = '';

  constructor() {
    super();
    // For PostgreSQL, which has a user of its own where this one is root.
    chmodSync(this.folder, 0o711);
    const [access, secret] = this.#keys;
    const password = randomBytes(8).toString('hex');
    const given = { POSTGRES_PASSWORD: password, S3_ACCESS_KEY: access, S3_SECRET_KEY: secret, PANELFLOW_UI_TOKEN: this.token };
    const lines = Object.entries(given).map(([name, value]) => `${name}=${value}\n`);
    const shift = 10_000 + Math.floor(12_000 * Math.random());
    const args = ['--folder', this.path('deployment'), '--env', this.write('env', lines.join('')), '--shift', String(shift)];
    this.#child = spawn(process.execPath, ['deploy/processes.mjs', ...args], {
      env: { ...process.env, PANELFLOW_CLI: CLI },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child.stderr.on('data', (chunk: Buffer) => (this.text += chunk.toString()));
    this.ended = new Promise((done) => this.#child.once('close', done));
  }

  get services(): Services {
    return JSON.parse(this.read('deployment/services.json')) as Services;
  }

  /** The environment of a client on the same machine, as deploy/README.md names it. */
  get client(): Record<string, string> {
    return {
      TEMPORAL_ADDRESS: this.services.temporal.at,
      PANELFLOW_WORK: 's3://panelflow/work',
      AWS_ENDPOINT_URL_S3: `http://${this.services.s3.at}`,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: this.#keys[0],
      AWS_SECRET_ACCESS_KEY: this.#keys[1],
    };
  }

  log(service: string): Line[] {
    return this.lines(`deployment/logs/${service}.log`).map((line) => JSON.parse(line) as Line);
  }

  /** Asks a service; status 0 where nobody answers. */
  async get(service: string, path: string, headers: Record<string, string> = {}): Promise<[status: number, text: string]> {
    return fetch(`http://${this.services[service]?.at}${path}`, { headers }).then(
      async (response) => [response.status, await response.text()],
      () => [0, ''],
    );
  }

  /** Until a service answers with that status. */
  async answers(service: string, path: string, status: number): Promise<string> {
    for (let tries = 0; tries < 600; tries++) {
      const [now, text] = await this.get(service, path);
      if (now === status) return text;
      await new Promise((wake) => setTimeout(wake, 50));
    }
    throw new Error(`${service} did not answer ${status} to ${path}\n${this.text}`);
  }

  stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    return this.ended;
  }
}

describe.skipIf(noGateway ?? noCluster)('the services of compose.yaml as processes', () => {
  let deployment: Deployment;
  beforeAll(async () => {
    deployment = new Deployment();
    await Promise.race([until(() => deployment.text.includes('All is up')), deployment.ended]);
    expect(deployment.text).toContain('All is up');
  });
  afterAll(async () => {
    await deployment.stop();
    await deployment.close();
  });

  it('compute a sweep while a worker is drained and another takes its place, with the bytes of one that nobody disturbed', async () => {
    for (const worker of ['worker-1', 'worker-2']) expect(await deployment.answers(worker, '/readyz', 200)).toBe('ready\n');
    const file = deployment.write('deployed.yaml', SWEEP);
    const run = deployment.startWith(deployment.client, 'run', file, '--json');
    const began = (line: Line): boolean => line.status === 'STARTED' && line.uses === 'selector/yoto';
    await until(() => deployment.log('worker-1').some(began));

    const { pid } = deployment.services['worker-1'];
    end(pid, 'SIGTERM');
    expect(await deployment.answers('worker-1', '/readyz', 503)).toBe('draining\n');
    expect(await deployment.get('worker-1', '/healthz')).toEqual([200, 'ok\n']);
    const [, metrics] = await deployment.get('worker-1', '/metrics');
    expect(metrics).toContain('panelflow_draining 1\n');
    expect(metrics).toContain('panelflow_tasks_running{queue="gpu"} 1\n');
    expect((await deployment.get('worker-2', '/readyz'))[0]).toBe(200);

    expect((await deployment.get('dashboard', '/api/runs'))[0]).toBe(401);
    const [status, runs] = await deployment.get('dashboard', '/api/runs', { authorization: `Bearer ${deployment.token}` });
    expect([status, runs]).toEqual([200, expect.stringMatching(/"deployed-[^"]*"/)]);

    await until(() => deployment.text.includes('worker-1   ended (0)'));
    const drained = deployment.log('worker-1');
    await deployment.answers('worker-1', '/readyz', 200);
    expect(deployment.services['worker-1'].pid).not.toBe(pid);
    const tasks = (status: string): Set<unknown> => new Set(drained.filter((line) => line.status === status).map(({ task }) => task));
    expect(tasks('COMPLETED')).toEqual(tasks('STARTED'));

    const ended = await run.ended;
    expect(ended.code, ended.stderr).toBe(0);
    const trace = deployment.trace('deployed');
    expect(new Set(trace.map((row) => row.status))).toEqual(new Set(['COMPLETED']));
    const workers = new Set(trace.map((row) => Number(/(\d+)@/.exec(row.worker)?.[1])));
    expect([...workers]).toEqual(expect.arrayContaining([pid, deployment.services['worker-2'].pid]));

    const peace = await deployment.run('run', file, '--out', 'peace');
    expect(peace.code, peace.stderr).toBe(0);
    for (const name of ['report.html', 'metrics.csv', 'panels.csv', 'summary.csv', 'metrics.parquet'])
      expect(deployment.bytes(`results/deployed/${name}`).equals(deployment.bytes(`peace/${name}`)), name).toBe(true);
  });

  it('keep secrets out of their logs, and stop in order with all that they started', async () => {
    const { services } = deployment;
    expect(await deployment.stop()).toBe(0);
    for (const service of Object.keys(services)) {
      const text = deployment.read(`deployment/logs/${service}.log`);
      for (const secret of [deployment.token, deployment.client.AWS_SECRET_ACCESS_KEY]) expect(text, service).not.toContain(secret);
      expect(end(services[service].pid, 0 as never), service).toBe(false);
    }
    const order = [...deployment.text.matchAll(/^(\S+) +ended/gm)].map(([, name]) => name).slice(1);
    expect(order.at(-1)).toBe('postgres');
    expect(order.indexOf('temporal')).toBeGreaterThan(order.indexOf('worker-2'));
  });
});
