import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { hear, type Heard } from '../../activities/hear.ts';
import type { Ledger } from '../../activities/ledger.ts';
import { ConfigError, ResourceError } from '../../core/errors.ts';
import { parseEvents } from '../../core/s3-events.ts';
import type { WatchSpec } from '../../schemas/watch.ts';

/** The most bytes of one message. */
const MOST_BYTES = 2 ** 20;

export interface DoorOptions {
  readonly host: string;
  readonly port: number;
  readonly token: string | undefined;
}

/** Who takes what was heard; before there is one, only what says nothing is confirmed. */
export interface Listener {
  readonly spec: WatchSpec;
  readonly ledger: Ledger;
  /** Hands over what was heard; rejects when it was not taken. */
  readonly tell: (heard: Heard) => Promise<void>;
}

/** Reads "127.0.0.1:8123" or "8123"; beyond this machine a token is wanted. */
export function doorAt(text: string, token: string | undefined): DoorOptions {
  const [, host = '127.0.0.1', digits] = /^(?:(.+):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port < 1 || port > 65535)
    throw new ConfigError(`--listen ${text}: that is no address`, { mend: 'Write --listen 127.0.0.1:8123.' });
  if (!['127.0.0.1', 'localhost', '::1', '[::1]'].includes(host) && (token ?? '') === '')
    throw new ConfigError(`--listen ${text}: other machines could send anything`, {
      mend: 'Add --token SECRET; senders give it as "Authorization: Bearer SECRET" or ?token=SECRET.',
    });
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port, token };
}

/**
 * A door for notifications. It keeps nothing: a message is confirmed when the server has taken it, and refused else, so that it comes again. It
 * opens before S3 is asked for anything, since some servers of S3 do not start while nobody listens.
 */
export class Door {
  listener: Listener | undefined;
  readonly #server: Server;

  private constructor(options: DoorOptions) {
    this.#server = createServer((request, response) => {
      this.#answer(request, options.token).then(
        ([status, text]) => reply(response, status, text),
        () => reply(response, 503, 'Not taken; send it again'),
      );
    });
    this.#server.requestTimeout = 30_000;
    this.#server.headersTimeout = 10_000;
  }

  static async open(options: DoorOptions): Promise<Door> {
    const { host, port } = options;
    const door = new Door(options);
    await new Promise<void>((done, fail) => {
      door.#server.once('error', fail);
      door.#server.listen(port, host, done);
    }).catch((error: NodeJS.ErrnoException) => {
      throw new ResourceError(`Nothing can listen at ${host}:${port} (${error.code})`, {
        cause: error,
        mend: 'Give another address with --listen.',
      });
    });
    return door;
  }

  close(): Promise<void> {
    return new Promise((done) => {
      this.#server.close(() => done());
      this.#server.closeAllConnections();
    });
  }

  async #answer(request: IncomingMessage, token: string | undefined): Promise<[number, string]> {
    // Browsers say which page asks; no server of S3 does.
    if (request.headers.origin !== undefined) return [403, 'Asked for by a page'];
    if (token !== undefined && !isKnown(request, token)) return [401, 'Wrong token'];
    // MinIO asks with HEAD or GET whether somebody is there.
    if (request.method === 'GET' || request.method === 'HEAD') return [200, 'ok'];
    if (request.method !== 'POST') return [405, 'Send events with POST'];
    const text = await bodyOf(request);
    if (text === undefined) return [413, 'Too long'];
    const { problem, nudges } = parseEvents(text);
    if (problem === undefined && nudges.length === 0) return [200, 'ok'];
    if (!this.listener) return [503, 'Not ready; send it again'];
    const { spec, ledger, tell } = this.listener;
    await tell(await hear({ ledger, spec, from: 'webhook' }, [text]));
    return problem === undefined ? [200, 'ok'] : [400, problem];
  }
}

function reply(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...(status === 413 ? { connection: 'close' } : {}) });
  response.end(`${text}\n`);
}

function isKnown({ headers, url = '' }: IncomingMessage, token: string): boolean {
  const given = headers.authorization?.replace(/^Bearer /, '') ?? new URL(url, 'http://localhost').searchParams.get('token') ?? '';
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** A body as text; undefined when it is too long. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > MOST_BYTES) return undefined;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}
