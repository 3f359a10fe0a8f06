import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterAll, afterEach, expect } from 'vitest';
import type { Notice } from '../../schemas/notice.ts';

const folder = mkdtempSync(join(tmpdir(), 'panelflow-notify-'));
afterAll(() => rmSync(folder, { recursive: true }));
const before = { ...process.env };
afterEach(() => {
  process.env = { ...before };
});

/** Writes a channels file and names it in the environment. */
export function channels(text: string): void {
  process.env.PANELFLOW_NOTIFY = join(folder, 'notify.yaml');
  writeFileSync(process.env.PANELFLOW_NOTIFY, text);
}

/** A store's folder that is new. */
export const newFolder = (): string => mkdtempSync(join(folder, 'store-'));

export const notice: Notice = {
  id: 'run-zeisel-1a2b/drift',
  event: 'drift',
  name: 'zeisel',
  run: 'zeisel-1a2b',
  title: 'zeisel drifted: <2> of 12 metrics & more',
  text: 'forest f1 0.91 → 0.84\nSee results/zeisel/report.html',
  at: Date.UTC(2026, 0, 2, 3, 4, 5),
  facts: { tasks: 12, failed: 0, verdict: 'drift', 'f1.mean': 0.84 },
};

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}
export type Answer = { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string } | 'silence' | 'hang up';

/** An HTTP server that gives each answer once, and the last for ever; `port` reopens one that was closed. */
export async function httpServer(
  answers: Answer[],
  port = 0,
): Promise<{ url: string; port: number; got: Received[]; close: () => Promise<void> }> {
  const got: Received[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      got.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(parts) });
      const answer = answers.length > 1 ? answers.shift()! : answers[0];
      if (answer === 'hang up') request.socket.destroy();
      else if (answer !== 'silence') response.writeHead(answer.status, answer.headers).end(answer.body ?? request.url);
    });
  });
  await new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve));
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    got,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A mail server on this machine; it keeps what it took. */
export async function mailServer(options: SMTPServerOptions = {}): Promise<{ port: number; took: string[]; close: () => Promise<void> }> {
  const took: string[] = [];
  const server = new SMTPServer({
    authOptional: true,
    hideSTARTTLS: true,
    allowInsecureAuth: true,
    onAuth: ({ username }, _, done) => done(null, { user: username }),
    onData: (stream, _, done) => {
      const parts: Buffer[] = [];
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('end', () => {
        took.push(Buffer.concat(parts).toString());
        done();
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  return { port, took, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** The error of a promise that must fail: one of ours, with that code, and without a trace of the secrets, its causes and stack included. */
export async function refusal(promise: Promise<unknown>, secrets: readonly string[], code = 'RESOURCE'): Promise<any> {
  const error: any = await promise.then(
    (value) => expect.fail(`gave ${inspect(value)}`),
    (e: unknown) => e,
  );
  expect(error).toMatchObject({ code });
  const all = inspect(error, { depth: Infinity, showHidden: true }) + JSON.stringify([error.message, error.context, error.mend]);
  for (const secret of secrets) expect(all).not.toContain(secret);
  return error;
}
