import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createSecureServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** Paths of a certificate and of its key. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
const openssl = (...args: string[]): Buffer => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] });

/** True where the machine has openssl. */
export function canMakeCertificates(): boolean {
  try {
    return openssl('version').length > 0;
  } catch {
    return false;
  }
}

/** A certificate authority of a test's own, good for a day. */
export class Authority implements Pair {
  readonly cert: string;
  readonly key: string;
  readonly #folder: string;

  constructor(folder: string, name: string) {
    this.#folder = folder;
    [this.cert, this.key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
    openssl('req', '-x509', ...EC, '-keyout', this.key, '-out', this.cert, '-days', '1', '-subj', `/CN=${name}`);
  }

  /** A certificate for a name and for this machine's own address. */
  sign(name: string, ...also: string[]): Pair {
    const [cert, key, request, more] = ['pem', 'key', 'csr', 'ext'].map((end) => join(this.#folder, `${name}.${end}`));
    writeFileSync(more, `subjectAltName=${[`DNS:${name}`, ...also].join(',')}`);
    openssl('req', ...EC, '-keyout', key, '-out', request, '-subj', `/CN=${name}`);
    const signer = ['-CA', this.cert, '-CAkey', this.key, '-CAcreateserial'];
    openssl('x509', '-req', '-in', request, ...signer, '-days', '1', '-extfile', more, '-out', cert);
    return { cert, key };
  }
}

/** A server that speaks TLS, and asks for certificates and keys where it is told to, in front of one that does neither. */
export interface Front {
  readonly address: string;
  /** The `authorization` of each request, in their order. */
  readonly shown: (string | undefined)[];
  close(): void;
}

/** Starts one before a gRPC server. `clients` signs the certificates of those who may come; `apiKey` is what everybody has to show. */
export async function front(
  backend: string,
  { cert, key, clients, apiKey }: Pair & { readonly clients?: Authority; readonly apiKey?: string },
): Promise<Front> {
  const behind = connect(`http://${backend}`);
  const shown: Front['shown'] = [];
  const mutual = clients ? { ca: readFileSync(clients.cert), requestCert: true, rejectUnauthorized: true } : {};
  const server = createSecureServer({ cert: readFileSync(cert), key: readFileSync(key), ...mutual });
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => void sessions.add(session.on('error', () => {})));
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => {});
    shown.push(headers.authorization);
    const denied = { 'content-type': 'application/grpc', 'grpc-status': '16', 'grpc-message': 'Request unauthorized.' };
    if (apiKey !== undefined && headers.authorization !== `Bearer ${apiKey}`) return stream.respond(denied, { endStream: true });
    const request = behind.request({ ...headers, ':scheme': 'http', ':authority': backend }).on('error', () => stream.close());
    let trailers: IncomingHttpHeaders = {};
    request.on('trailers', (last) => (trailers = last));
    request.on('response', (answer, flags) => {
      if (stream.destroyed) return;
      const isAll = (flags & 1) === 1;
      stream.respond(answer, { endStream: isAll, waitForTrailers: !isAll });
      if (!isAll) request.pipe(stream);
    });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    stream.on('close', () => request.close());
    stream.pipe(request);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    for (const session of [...sessions, behind]) session.destroy();
    server.close();
  };
  return { address: `127.0.0.1:${port}`, shown, close };
}
