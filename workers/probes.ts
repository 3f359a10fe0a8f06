import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConfigError, ResourceError } from '../core/errors.ts';

/** What is asked of a worker from outside. */
export interface Probed {
  /** Why it takes no work; undefined while it does. */
  idle(): Promise<string | undefined>;
  /** In Prometheus' text format. */
  metrics(): Promise<string>;
}

export interface Probes {
  readonly port: number;
  /** From now on there is a worker to be asked. */
  attach(probed: Probed): void;
  close(): void;
}

/**
 * Answers at `host:port`: /healthz, the process is alive; /readyz, it asks for work (503: not yet, or no longer, or its server is away);
 * /metrics, for Prometheus. There is nothing to be changed here, and no secret to be seen, so nobody is asked for a token.
 */
export async function openProbes(place: string): Promise<Probes> {
  const [, host, port] = /^\[?([^\s/]*?)\]?:(\d{1,5})$/.exec(place) ?? [];
  if (host === undefined || Number(port) > 65_535)
    throw new ConfigError(`There is no listening at "${place}"`, { mend: 'Write --listen 0.0.0.0:9090, or another host:port.' });
  let probed: Probed | undefined;
  const paths: Readonly<Record<string, (response: ServerResponse) => Promise<void>>> = {
    '/healthz': async (response) => answer(response, 200, 'ok\n'),
    '/readyz': async (response) => {
      const why = probed ? await probed.idle() : 'starting';
      answer(response, why === undefined ? 200 : 503, `${why ?? 'ready'}\n`);
    },
    '/metrics': async (response) => answer(response, 200, (await probed?.metrics()) ?? '', 'text/plain; version=0.0.4; charset=utf-8'),
  };
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000 }, ({ method, url = '' }, response) => {
    if (method !== 'GET' && method !== 'HEAD') return answer(response, 405, 'GET only\n');
    const handle = paths[url.split('?')[0]];
    if (!handle) return answer(response, 404, `${Object.keys(paths).join(' ')}\n`);
    handle(response).catch((error: Error) => answer(response, 500, `${error.message}\n`));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', ({ code }: NodeJS.ErrnoException) =>
      reject(
        new ResourceError(`There is no listening at ${place}`, { context: { code: code ?? 'UNKNOWN' }, mend: 'Name another --listen.' }),
      ),
    );
    server.listen(Number(port), host || undefined, resolve);
  });
  server.unref();
  return {
    port: (server.address() as AddressInfo).port,
    attach: (other) => (probed = other),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function answer(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
}
