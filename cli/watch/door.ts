import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { hear } from '../../activities/hear.ts';
import type { Heard } from '../../activities/hear.ts';
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
  readonly spec: WatchSpec;
  readonly ledger: Ledger;
  /** Hands over what was heard; rejects when it was not taken. */
  readonly tell: (heard: Heard) => Promise<void>;
}

/** Reads "127.0.0.1:8123" or "8123"; beyond this machine a token is wanted. */
export function doorAt(text: string, token: string | undefined): Pick<DoorOptions, 'host' | 'port' | 'token'> {
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

/** Opens a door for notifications. It keeps nothing: a message is confirmed when the server has taken it, and refused else, so that it comes again. */
export async function openDoor(options: DoorOptions): Promise<Server> {
  const server = createServer((request, response) => {
    answer(request, options).then(
      ([status, text]) => reply(response, status, text),
      () => reply(response, 503, 'Not taken; send it again'),
    );
  });
  server.requestTimeout = 30_000;
  server.headersTimeout = 10_000;
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.listen(options.port, options.host, done);
  }).catch((error: NodeJS.ErrnoException) => {
    throw new ResourceError(`Nothing can listen at ${options.host}:${options.port} (${error.code})`, {
      cause: error,
      mend: 'Give another address with --listen.',
    });
  });
  return server;
}

function reply(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...(status === 413 ? { connection: 'close' } : {}) });
  response.end(`${text}\n`);
}

async function answer(request: IncomingMessage, { token, spec, ledger, tell }: DoorOptions): Promise<[number, string]> {
  if (token !== undefined && !isKnown(request, token)) return [401, 'Wrong token'];
  // MinIO asks with HEAD or GET whether somebody is there.
  if (request.method === 'GET' || request.method === 'HEAD') return [200, 'ok'];
  if (request.method !== 'POST') return [405, 'Send events with POST'];
  const text = await bodyOf(request);
  if (text === undefined) return [413, 'Too long'];
  const { problem } = parseEvents(text);
  await tell(await hear({ ledger, spec, from: 'webhook' }, [text]));
  return problem === undefined ? [200, 'ok'] : [400, problem];
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
