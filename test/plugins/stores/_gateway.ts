import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../../cli/embedded/server.ts';
import { type Gateway, gatewayBinary, type GatewayFlags, startGateway } from '../../../cli/embedded/versitygw.ts';
import { settings } from '../../../cli/settings.ts';
import { S3Bucket } from '../../../plugins/stores/_bucket.ts';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Why tests against S3 are skipped: no versitygw, and no Go to build it. Undefined when they run. */
export let noGateway: string | undefined;
const { cache, gatewayBinary: given } = settings();
/** Its path. */
export const binary = await gatewayBinary({ cache, given, say }).catch((error: Error) => (noGateway = error.message));
if (noGateway !== undefined) say(`Tests against S3 are skipped: ${noGateway}`);

/** A versitygw with an empty bucket `panelflow`, in a folder that goes with it. */
export class TestGateway {
  readonly #folder: string;
  readonly #gateway: Gateway;
  readonly client: Pick<Gateway, 'endpoint' | 'region' | 'credentials'>;

  private constructor(folder: string, gateway: Gateway) {
    this.#folder = folder;
    this.#gateway = gateway;
    const { endpoint, region, credentials } = gateway;
    this.client = { endpoint, region, credentials };
  }

  static async start(flags: GatewayFlags = {}): Promise<TestGateway> {
    const folder = mkdtempSync(join(tmpdir(), 'panelflow-s3-'));
    const started = new TestGateway(folder, await startGateway(binary, folder, await freePort(), flags));
    await new S3Bucket('panelflow', { client: started.client }).create();
    return started;
  }

  /** The file of an object. */
  path(key: string): string {
    return join(this.#folder, 'buckets', 'panelflow', key);
  }

  async stop(): Promise<void> {
    await this.#gateway.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
