import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import { gzip } from 'node:zlib';
import { promisify } from 'node:util';
import { ConfigError, isPanelflowError, ResourceError } from '../../core/errors.ts';
import { recordOf } from '../../runs/records.ts';
import { compare } from '../../runs/compare.ts';
import type { CurvesOf, Problem } from '../../ui/shapes.ts';
import { resultFile, runnableFiles } from './files.ts';
import { cookieName, type GuardOptions, HEADERS, refusal, REPORT_POLICY, same } from './guard.ts';
import { carryOut, start, type Verb, VERBS } from './orders.ts';
import { Pulse } from './pulse.ts';
import type { Reader } from './reader.ts';
import { say } from '../print.ts';
import { curvesOf, detailOf, findTask, panelOf } from './tasks.ts';

/** The files of the page, beside the compiled program. */
const PAGE = new URL('../../ui/', import.meta.url);
const ASSET = /^[a-z][a-z-]*\.(js|css|svg)$/;
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.csv': 'text/csv; charset=utf-8',
  '.tsv': 'text/tab-separated-values; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
};
const JSON_TYPE = TYPES['.json'];
const MOST_BYTES = 2 ** 20;
/** Answers from here on are packed. */
const PACKED = 1_000;
/** An open line says something at least so often, so that both ends notice when it is cut. */
const ALIVE_MS = 20_000;
const packed = promisify(gzip);

export interface UiOptions extends GuardOptions {
  /** 0 means any free one. */
  readonly port: number;
  /** Where files to run are looked for. */
  readonly folder: string;
}

interface Answer {
  readonly status?: number;
  readonly type: string;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

const json = (value: unknown, status = 200): Answer => ({ status, type: JSON_TYPE, body: JSON.stringify(value) });

/** The server behind the page. It keeps nothing: all it shows is read from Temporal and the store. */
export class UiServer {
  readonly #options: UiOptions;
  readonly #reader: Reader;
  readonly #pulse = new Pulse();
  readonly #server: Server;

  private constructor(reader: Reader, options: UiOptions) {
    this.#reader = reader;
    this.#options = options;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        if (response.headersSent) response.destroy();
        else void this.#send(request, response, problem(error));
      });
    });
    this.#server.requestTimeout = 30_000;
    this.#server.headersTimeout = 10_000;
  }

  /** Listens; ResourceError when it cannot, with the code of the system in its context. */
  static async open(reader: Reader, options: UiOptions): Promise<UiServer> {
    const server = new UiServer(reader, options);
    await new Promise<void>((done, fail) => {
      server.#server.once('error', fail);
      server.#server.listen(options.port, options.host, done);
    }).catch((error: NodeJS.ErrnoException) => {
      throw new ResourceError(`Nothing can listen at ${options.host}:${options.port}`, {
        cause: error,
        context: { code: error.code ?? '' },
        mend: 'Give another --port, or none: then a free one is taken.',
      });
    });
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): Promise<void> {
    return new Promise((done) => {
      this.#server.close(() => done());
      this.#server.closeAllConnections();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!URL.canParse(request.url ?? '/', 'http://localhost')) throw new ConfigError('There is no such page');
    const url = new URL(request.url ?? '/', 'http://localhost');
    const { token } = this.#options;
    const given = url.searchParams.get('token');
    if (token !== undefined && given !== null && request.method === 'GET' && url.pathname === '/' && same(given, token)) {
      // The token goes into a cookie, out of the address bar and the history.
      const cookie = `${cookieName(request.headers.host)}=${token}; HttpOnly; SameSite=Strict; Path=/`;
      return this.#send(request, response, { status: 303, type: 'text/plain', body: '', headers: { location: '/', 'set-cookie': cookie } });
    }
    const refused = refusal(request, this.#options);
    if (refused) return this.#send(request, response, json({ code: 'REFUSED', message: refused[1] } satisfies Problem, refused[0]));
    if (url.pathname === '/api/events') return this.#events(url, response);
    await this.#send(request, response, await this.#answer(request, url));
  }

  async #answer(request: IncomingMessage, { pathname, searchParams }: URL): Promise<Answer> {
    const parts = pathname.slice(1).split('/').map(part);
    if (request.method === 'POST') return json(await this.#order(parts, await bodyOf(request)));
    const [first, ...rest] = parts;
    if (first === 'api') return json(await this.#read(rest, searchParams));
    if (first === 'results' && rest.length === 2) return this.#result(rest[0], rest[1]);
    if (first === '' || first === 'index.html') return asset('index.html');
    if (rest.length === 0 && ASSET.test(first)) return asset(first);
    throw new ConfigError('There is no such page');
  }

  async #read([what, run, kind, of]: readonly string[], query: URLSearchParams): Promise<unknown> {
    const reader = this.#reader;
    if (what === 'files') return runnableFiles(this.#options.folder);
    if (what === 'compare') {
      const [baseline, other] = [await reader.row(query.get('baseline') ?? ''), await reader.row(query.get('run') ?? '')];
      return compare(reader.store, baseline.run, other.run);
    }
    if (what === 'runs' && run === undefined) return reader.list();
    if (what !== 'runs') throw new ConfigError('There is no such page');
    if (kind === undefined) return reader.detail(run);
    if (kind === 'plan') return reader.plan(run);
    if (kind === 'states')
      return reader.states(run, query.get('plan') ?? '', Number(query.get('since') ?? 0) || 0, query.get('fact') ?? undefined);
    const finding = findTask(reader, run, of ?? '');
    // The page may ask for the curves of a task that an amendment has just dropped: then there are none.
    if (kind === 'curves') return finding.then(curvesOf, (): CurvesOf => ({ from: 'none', curves: {} }));
    const task = await finding;
    if (kind === 'tasks') return detailOf(task);
    if (kind === 'panels') return panelOf(task);
    throw new ConfigError('There is no such page');
  }

  async #order([api, what, run, verb]: readonly string[], body: unknown): Promise<unknown> {
    if (api === 'api' && what === 'start' && run === undefined) return start(this.#reader, this.#options.folder, body);
    if (api === 'api' && what === 'runs' && VERBS.includes(verb as Verb)) return carryOut(this.#reader, run, verb as Verb, body);
    throw new ConfigError('There is no such order');
  }

  async #result(run: string, name: string): Promise<Answer> {
    await this.#reader.row(run);
    const { out } = await recordOf(this.#reader.store, run);
    const type = TYPES[extname(name)] ?? 'application/octet-stream';
    const headers = {
      'content-security-policy': REPORT_POLICY,
      ...(extname(name) === '.html' ? {} : { 'content-disposition': `attachment; filename="${name}"` }),
    };
    return { type, body: await resultFile(out, name), headers };
  }

  /** A line that stays open: how far a run is, or the list of all, whenever it changes. */
  #events(url: URL, response: ServerResponse): void {
    const run = url.searchParams.get('run');
    response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' });
    response.write('retry: 2000\n\n');
    const look = (): Promise<unknown> => (run === null ? this.#reader.list() : this.#reader.live(run));
    const leave = this.#pulse.join(run === null ? 'runs' : `run ${run}`, look, (text) => void response.write(`data: ${text}\n\n`));
    const alive = setInterval(() => void response.write(': here\n\n'), ALIVE_MS);
    response.once('close', () => {
      clearInterval(alive);
      leave();
    });
  }

  async #send(request: IncomingMessage, response: ServerResponse, { status = 200, type, body, headers = {} }: Answer): Promise<void> {
    const all: Record<string, string> = { ...HEADERS, 'content-type': type, ...headers };
    if (all.etag !== undefined && request.headers['if-none-match'] === all.etag) {
      response.writeHead(304, all).end();
      return;
    }
    const isPacked = body.length > PACKED && /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
    const bytes = isPacked ? await packed(body, { level: 4 }) : Buffer.from(body);
    if (isPacked) all['content-encoding'] = 'gzip';
    response.writeHead(status, { ...all, 'content-length': bytes.length, vary: 'accept-encoding' });
    response.end(request.method === 'HEAD' ? undefined : bytes);
  }
}

/** One part of a path. */
function part(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ConfigError('There is no such page');
  }
}

async function asset(name: string): Promise<Answer> {
  const body = await readFile(new URL(name, PAGE)).catch(() => {
    throw new ConfigError('There is no such page');
  });
  // The page itself may stay in the browser's cache, and is asked after each time.
  return { type: TYPES[extname(name)], body, headers: { 'cache-control': 'no-cache', etag: tagOf(body) } };
}

const tagOf = (bytes: Uint8Array): string => `"${createHash('sha256').update(bytes).digest('hex').slice(0, 24)}"`;

/** An error as an answer: wrong requests are the page's fault, what cannot be reached is not. */
function problem(error: unknown): Answer {
  if (!isPanelflowError(error)) {
    say(`Unexpected: ${error instanceof Error ? error.stack : String(error)}`);
    return json({ code: 'BUG', message: error instanceof Error ? error.message : String(error) } satisfies Problem, 500);
  }
  const { code, message, mend } = error;
  return json({ code, message, mend } satisfies Problem, code === 'RESOURCE' ? 503 : message.startsWith('There is no') ? 404 : 400);
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > MOST_BYTES) throw new ConfigError('That is too long');
    chunks.push(chunk as Buffer);
  }
  try {
    return bytes === 0 ? {} : (JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown);
  } catch {
    throw new ConfigError('That is no JSON');
  }
}
