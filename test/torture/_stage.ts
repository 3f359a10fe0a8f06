import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort } from '../../cli/embedded/server.ts';
import { gatewayBinary } from '../../cli/embedded/versitygw.ts';
import { settings } from '../../cli/settings.ts';
import { S3Bucket } from '../../plugins/stores/_bucket.ts';
import { devServer, gatewayAt } from '../engine/_cluster.ts';
import { CLI, TOY } from '../engine/_engine.ts';
import { launch, type Running, Supervised } from '../engine/_processes.ts';

/** Slots of each worker. */
export const SLOTS = [1, 2, 1, 2] as const;
/** Every so many cells the last step takes five seconds, with checkpoints. */
const LONG_EVERY = 8;

/** The file that is run: for each cell a chain of three steps, and a list of all. */
const pipeline = (cells: number, log: string): string => `name: torture
plugins: [${TOY}]
axes: { n: [${Array.from({ length: cells }, (_, n) => n).join(', ')}] }
steps:
  base: { uses: toy/number, with: { value: 5 } }
  one: { uses: toy/work, in: { in: base.out }, with: { tag: "one \${{ axis.n }}", plus: "\${{ axis.n }}", least: 50, most: 1500, log: ${log} } }
  two: { uses: toy/work, in: { in: one.out }, with: { tag: "two \${{ axis.n }}", plus: 1000, least: 50, most: 1500, log: ${log} } }
  three:
    uses: toy/train
    in: { in: two.out }
    with: { tag: "three \${{ axis.n }}", ticks: "\${{ axis.n % ${LONG_EVERY} == 0 ? 50 : 3 }}", log: ${log} }
    resources: { checkpoint: 1s }
  list: { uses: toy/list, in: { all: { from: three.out, gather: all } } }
`;

/** How long each kind of program stays down, in milliseconds. */
export interface Pauses {
  readonly server: () => number;
  readonly worker: () => number;
  readonly client: () => number;
}

/** Servers, workers and a client in a folder of their own, each under a supervisor. */
export class Stage {
  readonly folder = mkdtempSync(join(tmpdir(), 'panelflow-torture-'));
  /** Where steps note when they begin and end. */
  readonly log = join(this.folder, 'steps.log');
  /** The bucket as a folder of this machine. */
  readonly bucket = join(this.folder, 's3', 'buckets', 'panelflow');
  temporal!: Supervised;
  gateway!: Supervised;
  readonly workers: Supervised[] = [];
  client!: Supervised;
  #address = '';
  #env: NodeJS.ProcessEnv = {};

  private constructor(cells: number) {
    writeFileSync(join(this.folder, 'torture.yaml'), pipeline(cells, this.log));
  }

  static async open(cells: number, pauses: Pauses): Promise<Stage> {
    const stage = new Stage(cells);
    const { cache, gatewayBinary: given, temporalBinary } = settings();
    const say = (line: string): void => void process.stderr.write(`${line}\n`);
    const port = await freePort();
    const gateway = await gatewayAt(await gatewayBinary({ cache, given, say }), join(stage.folder, 's3'), await freePort());
    stage.#env = { ...process.env, CI: '', NO_COLOR: '1', VITEST: '', ...gateway.env };
    stage.#address = `127.0.0.1:${port}`;
    const temporal = await devServer({ cache, given: temporalBinary, say }, stage.folder, port);
    stage.gateway = new Supervised('versitygw', gateway.start, pauses.server);
    stage.temporal = new Supervised('Temporal', temporal, pauses.server);
    await stage.gateway.up();
    await stage.temporal.up();
    await new S3Bucket('panelflow', { client: gateway.client }).create();
    stage.#hire(pauses.worker, {});
    stage.client = new Supervised('client', async () => stage.#command('client', stage.#run('tortured')), pauses.client);
    return stage;
  }

  /** Runs the same file again with quick steps and fresh workers, into another part of the bucket; gives the exit code. */
  async quietRun(): Promise<number | null> {
    await this.dismiss();
    this.#hire(() => 0, { TOY_PACE: '0' });
    return this.#command('quiet', this.#run('quiet')).ended;
  }

  /** True when every object of the run that was disturbed has the bytes that its name says. */
  async isSound(): Promise<boolean> {
    return (await this.#command('verify', ['cache', 'verify', '--work', 's3://panelflow/tortured']).ended) === 0;
  }

  /** Stops the workers. */
  async dismiss(): Promise<void> {
    await Promise.all(this.workers.splice(0).map((worker) => worker.stop()));
  }

  async close(): Promise<void> {
    await this.client.stop();
    await this.dismiss();
    await Promise.all([this.temporal.stop(), this.gateway.stop()]);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #hire(pauseMs: () => number, env: NodeJS.ProcessEnv): void {
    for (const [i, slots] of SLOTS.entries()) {
      const name = `worker-${i + 1}`;
      const cache = join(this.folder, name);
      mkdirSync(cache, { recursive: true });
      const args = ['worker', '--queue', 'cpu,gpu', '--slots', String(slots), '--address', this.#address, '--plugin', TOY];
      this.workers.push(new Supervised(name, async () => this.#command(name, args, { ...env, PANELFLOW_CACHE: cache }), pauseMs));
    }
  }

  #run(part: string): string[] {
    const place = ['--work', `s3://panelflow/${part}`, '--out', join(this.folder, part)];
    return ['run', 'torture.yaml', ...place, '--address', this.#address];
  }

  #command(name: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
    const log = join(this.folder, `${name}.log`);
    writeFileSync(log, `--- ${new Date().toISOString()}\n`, { flag: 'a' });
    return launch(process.execPath, [resolve(CLI), ...args], { log, cwd: this.folder, env: { ...this.#env, ...env } });
  }
}
