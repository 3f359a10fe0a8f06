import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { freePort } from '../../cli/embedded/server.ts';
import { gatewayBinary, startGateway } from '../../cli/embedded/versitygw.ts';
import { settings } from '../../cli/settings.ts';
import { devServer } from '../engine/_cluster.ts';
import { CLI } from '../engine/_engine.ts';
import { DROPS } from '../engine/_watch.ts';
import { Moto } from '../engine/_moto.ts';
import { launch, processes, type Running, Supervised } from '../engine/_processes.ts';

export const MODES = ['poll', 'webhook', 'sqs'] as const;
export type Mode = (typeof MODES)[number];

const WORKERS = 2;
const REGION = 'us-east-1';
const BUCKET = 'lab';

/** Servers, workers and a watch in a folder of their own, each under a supervisor. */
export class DropStage {
  readonly folder = mkdtempSync(join(tmpdir(), 'panelflow-drops-'));
  /** What each step read, one line for each time. */
  readonly log = join(this.folder, 'read.log');
  readonly mode: Mode;
  readonly programs: Supervised[] = [];
  s3!: S3Client;
  address = '';
  /** Where notifications go: the watch's door, or the queue. */
  door = '';
  queue = '';
  #env: NodeJS.ProcessEnv = {};

  private constructor(mode: Mode) {
    this.mode = mode;
    writeFileSync(
      join(this.folder, 'panel.yaml'),
      `name: panel
plugins: [${DROPS}]
params: { data: { type: string } }
steps:
  read: { uses: drop/read, with: { path: "\${{ params.data }}", log: ${this.log} } }
`,
    );
  }

  static async open(mode: Mode, isVersioned: boolean, pauseMs: () => number): Promise<DropStage> {
    const stage = new DropStage(mode);
    const { cache, gatewayBinary: given, temporalBinary } = settings();
    const say = (line: string): void => void process.stderr.write(`${line}\n`);
    const [port, s3Port, doorPort, sqsPort] = [await freePort(), await freePort(), await freePort(), await freePort()];
    stage.address = `127.0.0.1:${port}`;
    const temporal = await devServer({ cache, given: temporalBinary, say }, stage.folder, port);
    const binary = await gatewayBinary({ cache, given, say });
    const root = join(stage.folder, 's3');
    const first = await startGateway(binary, root, s3Port, { versions: true });
    const { endpoint, credentials } = first;
    stage.s3 = new S3Client({
      endpoint,
      region: REGION,
      credentials,
      forcePathStyle: true,
      maxAttempts: 1,
      requestChecksumCalculation: 'WHEN_REQUIRED',
    });
    await makeBucket(stage.s3, isVersioned);
    await first.stop();
    if (mode === 'webhook') stage.door = `http://127.0.0.1:${doorPort}/`;
    const gateway = async (): Promise<Running> => {
      const running = await startGateway(binary, root, s3Port, { versions: true, ...(stage.door === '' ? {} : { webhook: stage.door }) });
      const { pid } = processes().find(({ parent, command }) => parent === process.pid && command.includes(`127.0.0.1:${s3Port} posix`))!;
      return { ...running, pid };
    };
    stage.#env = {
      ...process.env,
      ...{ CI: '', NO_COLOR: '1', VITEST: '', AWS_REGION: REGION, AWS_ENDPOINT_URL_S3: endpoint },
      ...{ AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey },
      PANELFLOW_WORK: join(stage.folder, 'work'),
    };
    stage.#add('Temporal', temporal, pauseMs);
    await stage.programs[0].up();
    if (mode === 'sqs') {
      stage.queue = `http://127.0.0.1:${sqsPort}/123456789012/drops`;
      // moto keeps messages in memory alone: who fills it has to begin again, as a queue delivers at least once.
      stage.#add('queue', async () => (await Moto.start(stage.folder, sqsPort)).running, pauseMs);
      await stage.programs.at(-1)!.up();
    }
    if (mode !== 'webhook') {
      stage.#add('versitygw', gateway, pauseMs);
      await stage.programs.at(-1)!.up();
    }
    stage.#add('watch', async () => stage.#command('watch', stage.#watch()), pauseMs);
    // With its webhook the gateway wants the watch's door to be open.
    if (mode === 'webhook') stage.#add('versitygw', gateway, pauseMs);
    for (let i = 1; i <= WORKERS; i++) {
      const name = `worker-${i}`;
      mkdirSync(join(stage.folder, name), { recursive: true });
      const args = ['worker', '--queue', 'cpu,gpu', '--slots', '2', '--address', stage.address, '--plugin', DROPS];
      stage.#add(name, async () => stage.#command(name, args, { PANELFLOW_CACHE: join(stage.folder, name) }), pauseMs);
    }
    for (const program of stage.programs) await program.up();
    return stage;
  }

  /** What `panelflow watch show` says, as JSON. */
  async show(): Promise<any> {
    const log = join(this.folder, 'show.json');
    rmSync(log, { force: true });
    const args = ['watch', 'show', 'panel', '--address', this.address, '--json'];
    await launch(process.execPath, [resolve(CLI), ...args], { log, cwd: this.folder, env: this.#env }).ended;
    const line = readFileSync(log, 'utf8')
      .split('\n')
      .find((text) => text.startsWith('{"name"'));
    return line === undefined ? undefined : JSON.parse(line);
  }

  async close(): Promise<void> {
    for (const program of this.programs.toReversed()) await program.stop();
    this.s3.destroy();
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #add(name: string, start: () => Promise<Running>, pauseMs: () => number): void {
    this.programs.push(new Supervised(name, start, pauseMs));
  }

  #watch(): string[] {
    const how = {
      poll: ['--poll', '2s'],
      webhook: ['--listen', new URL(this.door || 'http://x').host, '--poll', '20s'],
      sqs: ['--queue', this.queue, '--poll', '0'],
    };
    const place = [`s3://${BUCKET}/in/**/*.h5ad`, '--pipeline', 'panel.yaml', '--out', `s3://${BUCKET}/out/{stem}/{version}`];
    return ['watch', ...place, '--address', this.address, '--most', '6', ...how[this.mode]];
  }

  #command(name: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
    const log = join(this.folder, `${name}.log`);
    writeFileSync(log, `--- ${new Date().toISOString()}\n`, { flag: 'a' });
    return launch(process.execPath, [resolve(CLI), ...args], { log, cwd: this.folder, env: { ...this.#env, ...env } });
  }
}

async function makeBucket(s3: S3Client, isVersioned: boolean): Promise<void> {
  const { CreateBucketCommand, PutBucketVersioningCommand } = await import('@aws-sdk/client-s3');
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  if (isVersioned) await s3.send(new PutBucketVersioningCommand({ Bucket: BUCKET, VersioningConfiguration: { Status: 'Enabled' } }));
}
