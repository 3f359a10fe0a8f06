import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection, defaultGrpcRetryOptions, type GrpcRetryOptions, makeGrpcRetryInterceptor } from '@temporalio/client';
import { ConfigError, type PanelflowError, ResourceError } from '../core/errors.ts';
import { type PayloadCipher, UnknownPayloadKeyError } from '../workers/payload-cipher.ts';
import type { Reach } from '../workers/worker.ts';
import { ensureServer, findServer } from './embedded/server.ts';
import { payloadCipher } from './payload-keys.ts';
import { refusalOf, securityOf } from './security.ts';
import type { Settings } from './settings.ts';

/** A request is repeated for some two seconds; who can wait for longer asks again, and says so. */
const RETRIES = defaultGrpcRetryOptions({ maxAttempts: 6, maxIntervalMs: () => 500 });

export interface Connected {
  readonly client: Client;
  /** How a worker of this process reaches the same server. */
  readonly reach: Reach;
  /** What encrypts all that Temporal is given to keep. */
  readonly payloads: PayloadCipher;
  /** Address of the embedded server's web pages; undefined for a cluster of the user's own. */
  readonly ui: string | undefined;
  close(): Promise<void>;
}

/** Connects to the cluster that the user names, else to the embedded server; ConfigError when its open runs are encrypted with a key that is not set. */
export async function connect(settings: Settings, say: (line: string) => void, start = true): Promise<Connected> {
  const payloads = await payloadCipher(settings.payloads);
  let ui: string | undefined;
  let reach: Reach;
  if (settings.address !== undefined) reach = { address: settings.address, ...(await securityOf(settings.security)) };
  else {
    const options = { cache: settings.cache, given: settings.temporalBinary, say };
    const server = start ? await ensureServer(settings.local, options) : await findServer(settings.local);
    if (!server)
      throw new ResourceError('No server is up for this folder', {
        context: { work: settings.work },
        mend: '`panelflow run FILE` starts one.',
      });
    ({ ui } = server);
    reach = { address: server.address };
  }
  const retries = new Retries();
  const interceptors = [makeGrpcRetryInterceptor(retries)];
  const connection = await Connection.connect({ ...reach, connectTimeout: '5s', interceptors }).catch(async (error: unknown) => {
    throw await faultOf(reach, error);
  });
  const close = (): Promise<void> => retries.end().then(() => connection.close());
  const client = new Client({ connection, namespace: settings.namespace, dataConverter: payloads.converter });
  await checkPayloads(client).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return { client, reach, payloads, ui, close };
}

/** What carries a memo, and goes on. */
const OPEN = 'ExecutionStatus = "Running" AND (WorkflowType = "runPipeline" OR WorkflowType = "watchDrops")';
const LOOKED_AT = 20;

/** Reads the memos of some open runs: a key that is missing is better heard of now than from within a task. */
async function checkPayloads(client: Client): Promise<void> {
  let n = 0;
  try {
    for await (const _ of client.workflow.list({ query: OPEN, pageSize: LOOKED_AT })) if (++n === LOOKED_AT) break;
  } catch (error) {
    if (error instanceof UnknownPayloadKeyError) throw error;
  }
}

const UNAUTHENTICATED = 16;
const PERMISSION_DENIED = 7;

/** Why there is no connection. */
async function faultOf(reach: Reach, cause: unknown): Promise<PanelflowError> {
  const code = (cause as { cause?: { code?: unknown } }).cause?.code;
  if (code === UNAUTHENTICATED || code === PERMISSION_DENIED)
    return new ConfigError(`The Temporal server at ${reach.address} does not accept who asks`, {
      cause,
      mend: 'Check TEMPORAL_API_KEY (it may have expired) or the client certificate, and that they are for TEMPORAL_NAMESPACE.',
    });
  const refusal = await refusalOf(reach);
  if (refusal) return refusal;
  return new ResourceError(`No Temporal server answers at ${reach.address}`, {
    cause,
    mend: 'Check --address or TEMPORAL_ADDRESS, or leave it out to use the embedded server.',
  });
}

/** Requests are repeated until the connection closes: the SDK would repeat one on a closed connection, and throw where nobody can catch it. */
class Retries implements GrpcRetryOptions {
  #isOpen = true;
  #due = 0;

  readonly retryableDecider: GrpcRetryOptions['retryableDecider'] = (attempt, status) =>
    this.#isOpen && RETRIES.retryableDecider(attempt, status);

  readonly delayFunction: GrpcRetryOptions['delayFunction'] = (attempt, status) => {
    const ms = RETRIES.delayFunction(attempt, status);
    this.#due = Math.max(this.#due, performance.now() + ms);
    return ms;
  };

  /** Resolves when nothing is about to be repeated. */
  async end(): Promise<void> {
    this.#isOpen = false;
    const ms = this.#due - performance.now();
    if (ms > 0) await sleep(ms + 20);
  }
}
