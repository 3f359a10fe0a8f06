import { join, resolve } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Ledger } from '../../activities/ledger.ts';
import { FileStore } from '../../plugins/stores/fs.ts';
import { type Project, TOY, until } from './_engine.ts';
import { DROPS } from './_watch.ts';

/** Where recorded histories lie. */
export const HISTORIES = resolve('test/fixtures/histories');

const sweep = (project: Project, name: string, ns: readonly number[], ms: number): string => project.sweep(name, ns, { ms });
/** A watch that runs one drop, is paused and resumed, and told to run what failed again. */
async function watched(project: Project): Promise<void> {
  const { TestGateway } = await import('../plugins/stores/_gateway.ts');
  const { TestBucket } = await import('./_bucket.ts');
  const gateway = await TestGateway.start();
  const { endpoint, region, credentials } = gateway.client;
  const { accessKeyId, secretAccessKey } = credentials;
  const env = { AWS_ENDPOINT_URL_S3: endpoint, AWS_REGION: region, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  const bucket = new TestBucket('panelflow', gateway.client);
  const file = project.write(
    'w.yaml',
    `name: w\nplugins: [${DROPS}]\nparams: { data: { type: string } }\nsteps:\n  read: { uses: drop/read, with: { path: "\${{ params.data }}" } }\n`,
  );
  const ledger = new Ledger(new FileStore(project.path('.panelflow')), 'w');
  const states = async (): Promise<string> => (await ledger.all()).map(({ state }) => state).join(' ');
  const stand = async (wanted: string): Promise<void> => {
    while ((await states().catch(() => '')) !== wanted) await new Promise((done) => setTimeout(done, 100));
  };
  const started = project.startWith(env, 'watch', 's3://panelflow/*.h5ad', '--pipeline', file, '--poll', '1s', '--marker', '.done');
  try {
    await bucket.put('a.h5ad', 'a');
    await stand('waiting');
    await project.runWith(env, 'watch', 'pause', 'w');
    await bucket.put('a.h5ad.done', 'a');
    await project.runWith(env, 'watch', 'resume', 'w');
    await stand('done');
  } finally {
    started.child.kill('SIGINT');
    await started.ended;
    await gateway.stop();
  }
}

const begun = (project: Project, name: string): number => project.lines(`${name}.log`).filter((line) => line.startsWith('start')).length;

/** Runs that go through everything that a workflow decides, by the name of their history. */
export const SCENARIOS: Readonly<Record<string, (project: Project) => Promise<void>>> = {
  plain: async (project) => {
    await project.run('run', sweep(project, 'plain', [1, 2, 3], 1));
  },
  cached: async (project) => {
    await project.run('run', sweep(project, 'cached', [1, 2, 3], 1));
    await project.run('run', project.path('cached.yaml'));
  },
  sliced: async (project) => {
    const ns = Array.from({ length: 30 }, (_, i) => i);
    await project.run('run', sweep(project, 'sliced', ns, 1), '--shard-size', '10');
  },
  failed: async (project) => {
    const file = project.write(
      'failed.yaml',
      `name: failed\nplugins: [${TOY}]\nsteps:\n  base: { uses: toy/number, with: { value: 5 } }\n  bad: { uses: toy/bad, in: { in: base.out } }\n  after: { uses: toy/add, in: { in: bad.out } }\n`,
    );
    await project.run('run', file);
  },
  changed: async (project) => {
    const started = project.start('run', sweep(project, 'changed', [1, 2, 3, 4, 5, 6], 700), '--slots', '1');
    await until(() => begun(project, 'changed') >= 1);
    await project.run('pause', 'changed');
    await project.run('amend', 'changed', '--add', 'n=7', '--drop', 'n=6');
    await project.run('resume', 'changed');
    await project.run('retry', 'changed');
    await started.ended;
  },
  stopped: async (project) => {
    const started = project.start('run', sweep(project, 'stopped', [1, 2, 3, 4], 700), '--slots', '1');
    await until(() => begun(project, 'stopped') >= 1);
    await project.run('stop', 'stopped');
    await started.ended;
  },
  launched: async (project) => {
    const file = sweep(project, 'launched', [1, 2], 1);
    await project.run('schedule', 'add', 'launched', file, '--every', '365d', '--baseline', 'first');
    const worker = project.start('worker', '--plugin', TOY);
    for (const runs of [1, 2]) {
      await project.run('schedule', 'trigger', 'launched');
      await until(() => project.list('results/launched').length === runs);
    }
    worker.child.kill('SIGTERM');
    await worker.ended;
  },
  limited: async (project) => {
    await project.run('run', sweep(project, 'limited', [1, 2, 3, 4, 5, 6, 7, 8], 300), '--slots', '1', '--budget', 'tasks=3,wall=1h');
  },
  // The watch itself, and the workflow of one of its drops with the launch that it holds.
  watch: watched,
  drop: watched,
};

/** The history of one workflow; its id decides what its children are called. */
export interface Recorded {
  readonly id: string;
  readonly history: unknown;
}

/** A history in which nothing tells where it was recorded: also not in its payloads, which are base64. */
function withoutNames(value: unknown, folder: string): unknown {
  const clean = (text: string): string => text.replaceAll(folder, '/project').replaceAll(/\b[\w.-]+@[\w.-]+\b/g, 'somebody@machine');
  if (typeof value === 'string') return clean(value);
  if (Array.isArray(value)) return value.map((item) => withoutNames(item, folder));
  if (value === null || typeof value !== 'object') return value;
  const cleaned = Object.entries(value).map(([key, item]) => {
    if (key !== 'data' || typeof item !== 'string') return [key, withoutNames(item, folder)];
    return [key, Buffer.from(clean(Buffer.from(item, 'base64').toString('utf8'))).toString('base64')];
  });
  return Object.fromEntries(cleaned) as unknown;
}

/** The histories of a scenario's workflows, the children's after the run's own, as JSON. */
export async function historiesOf(project: Project, name: string): Promise<Recorded[]> {
  const { address } = JSON.parse((await project.run('server', 'status', '--json')).stdout) as { address: string };
  const connection = await Connection.connect({ address });
  const client = new Client({ connection });
  const found: Recorded[] = [];
  for await (const workflow of client.workflow.list({
    query: `WorkflowId STARTS_WITH "${name}-" OR WorkflowId STARTS_WITH "schedule-${name}-"`,
  })) {
    const handle = client.workflow.getHandle(workflow.workflowId, workflow.runId);
    const history = JSON.parse(historyToJSON(await handle.fetchHistory())) as unknown;
    found.push({ id: workflow.workflowId, history: withoutNames(history, project.folder) });
  }
  await connection.close();
  return found.toSorted((a, b) => a.id.length - b.id.length);
}

export const historyFile = (name: string): string => join(HISTORIES, `${name}.json.gz`);
