import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What goes wrong with one request. */
export type Fault =
  /** An error of S3 instead of the answer; the request never arrives. */
  | { readonly kind: 'refuse'; readonly status: number; readonly code: string }
  /** The request arrives and is done, but the answer is an error of the server. */
  | { readonly kind: 'lose'; readonly status: number }
  /** The connection breaks after so many bytes of the answer's body. */
  | { readonly kind: 'cut'; readonly after: number }
  /** The answer stops after so many bytes and never goes on. */
  | { readonly kind: 'stall'; readonly after: number }
  /** One bit of the answer's body, or of what is sent, is another. */
  | { readonly kind: 'flip'; readonly way: 'down' | 'up' }
  | { readonly kind: 'delay'; readonly ms: number };

/** What a request is, as far as a plan of faults has to know. */
export interface Seen {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
}

/** A proxy in front of an S3 server. `plan` says what goes wrong with each request; the Host header stays, so that signatures do. */
export class FaultyProxy {
  /** How many requests something went wrong with, since `reset`. */
  struck = 0;
  #plan: (seen: Seen) => Fault | undefined = () => undefined;
  readonly #upstream: URL;
  readonly #server: Server;

  constructor(upstream: string) {
    this.#upstream = new URL(upstream);
    this.#server = createServer((incoming, answer) => void this.#pass(incoming, answer).catch(() => answer.destroy()));
  }

  async start(): Promise<string> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** Starts to count anew, with another plan. */
  reset(plan: (seen: Seen) => Fault | undefined): void {
    this.struck = 0;
    this.#plan = plan;
  }

  async #pass(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const fault = this.#plan({ method: incoming.method ?? '', url: incoming.url ?? '' });
    if (fault) this.struck++;
    const sent = await read(incoming);
    if (fault?.kind === 'refuse') return refuse(answer, fault.status, fault.code);
    if (fault?.kind === 'delay') await sleep(fault.ms);
    if (fault?.kind === 'flip' && fault.way === 'up' && sent.length > 0) sent[sent.length >> 1] ^= 1;
    const upstream = await this.#forward(incoming, sent);
    const body = await read(upstream);
    if (fault?.kind === 'lose') return refuse(answer, fault.status, 'InternalError');
    if (fault?.kind === 'flip' && fault.way === 'down' && body.length > 0) body[body.length >> 1] ^= 1;
    answer.writeHead(upstream.statusCode ?? 500, upstream.rawHeaders);
    if (fault?.kind === 'stall') answer.write(body.subarray(0, fault.after));
    else if (fault?.kind === 'cut') answer.write(body.subarray(0, fault.after), () => answer.destroy());
    else answer.end(body);
  }

  #forward(incoming: IncomingMessage, sent: Buffer): Promise<IncomingMessage> {
    const { hostname, port } = this.#upstream;
    const headers = { ...incoming.headers, connection: 'close' };
    return new Promise((resolve, reject) => {
      request({ hostname, port, method: incoming.method, path: incoming.url, headers }, resolve).once('error', reject).end(sent);
    });
  }
}

async function read(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function refuse(answer: ServerResponse, status: number, code: string): void {
  answer.writeHead(status, { 'content-type': 'application/xml' });
  answer.end(answer.req.method === 'HEAD' ? undefined : `<Error><Code>${code}</Code><Message>planned</Message></Error>`);
}
