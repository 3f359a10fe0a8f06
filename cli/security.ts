import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { ConfigError } from '../core/errors.ts';
import type { Reach } from '../workers/worker.ts';
import type { SecuritySettings } from './settings.ts';

const SWITCH: Readonly<Record<string, boolean>> = { true: true, 1: true, false: false, 0: false };

type Security = Pick<Reach, 'tls' | 'apiKey'>;

/** How the user's own server is to be spoken to: TLS, mutual TLS and an API key, with the files that the environment names read and checked. */
export async function securityOf(given: SecuritySettings): Promise<Security> {
  const { tls, certificate, key, authority, serverName } = given;
  if (tls !== undefined && SWITCH[tls] === undefined)
    throw new ConfigError(`TEMPORAL_TLS is "${tls}"`, {
      mend: 'Write true or false, or leave it out: what else is set for TLS turns it on.',
    });
  const apiKey = given.apiKey?.trim();
  if (apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey))
    throw new ConfigError('TEMPORAL_API_KEY is no key: it holds spaces or other characters that no key has', {
      mend: 'Set it to the key alone.',
    });
  const isWanted = [certificate, key, authority, serverName, apiKey].some((value) => value !== undefined);
  if (!(tls === undefined ? isWanted : SWITCH[tls])) {
    if (apiKey === undefined) return {};
    throw new ConfigError('An API key does not go over an open connection', { mend: 'Leave TEMPORAL_TLS out, or set it to true.' });
  }
  const [ca, pair] = [authority && (await certificateAt('TEMPORAL_TLS_SERVER_CA_CERT_PATH', authority)), await pairOf(certificate, key)];
  return {
    tls: {
      ...(ca ? { serverRootCACertificate: ca } : {}),
      ...(pair ? { clientCertPair: pair } : {}),
      ...(serverName === undefined ? {} : { serverNameOverride: serverName }),
    },
    ...(apiKey === undefined ? {} : { apiKey }),
  };
}

/** The bytes of a file that a variable of the environment names. */
export async function fileAt(variable: string, path: string): Promise<Buffer> {
  return readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(`The file that ${variable} names cannot be read (${error.code})`, {
      cause: error,
      context: { path },
      mend: 'Check the path and who may read it.',
    });
  });
}

/** A file of certificates in PEM. */
async function certificateAt(variable: string, path: string): Promise<Buffer> {
  const bytes = await fileAt(variable, path);
  try {
    void new X509Certificate(bytes);
  } catch (error) {
    throw new ConfigError(`The file that ${variable} names holds no certificate`, {
      cause: error,
      context: { path },
      mend: 'It wants PEM.',
    });
  }
  return bytes;
}

async function pairOf(certificate: string | undefined, key: string | undefined): Promise<{ crt: Buffer; key: Buffer } | undefined> {
  if (certificate === undefined && key === undefined) return undefined;
  if (certificate === undefined || key === undefined) {
    const [there, missing] = certificate === undefined ? ['KEY', 'CERT'] : ['CERT', 'KEY'];
    throw new ConfigError(`TEMPORAL_TLS_CLIENT_${there}_PATH is set, and TEMPORAL_TLS_CLIENT_${missing}_PATH is not`, {
      mend: 'A client shows its certificate with the key that belongs to it: set both, or neither.',
    });
  }
  const crt = await certificateAt('TEMPORAL_TLS_CLIENT_CERT_PATH', certificate);
  const bytes = await fileAt('TEMPORAL_TLS_CLIENT_KEY_PATH', key);
  let isPair: boolean;
  try {
    isPair = createPublicKey(createPrivateKey(bytes)).equals(new X509Certificate(crt).publicKey);
  } catch {
    // OpenSSL's own words may hold parts of the file.
    throw new ConfigError('The file that TEMPORAL_TLS_CLIENT_KEY_PATH names holds no key that can be used', {
      context: { path: key },
      mend: 'It wants PEM without a passphrase.',
    });
  }
  if (!isPair)
    throw new ConfigError('The key in TEMPORAL_TLS_CLIENT_KEY_PATH does not belong to the certificate', {
      context: { certificate, key },
      mend: 'Name the two that were made together.',
    });
  return { crt, key: bytes };
}

/** Why a server is not spoken to, by the code of the handshake's error. */
const REFUSALS: readonly { readonly codes: RegExp; readonly says: string; readonly mend: string }[] = [
  {
    codes: /^(UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|CERT_UNTRUSTED|CERT_SIGNATURE|INVALID_CA)/,
    says: 'shows a certificate of an authority that is not trusted here',
    mend: 'Set TEMPORAL_TLS_SERVER_CA_CERT_PATH to the certificate of the authority that signed it.',
  },
  {
    codes: /^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/,
    says: 'shows a certificate that is out of date',
    mend: 'Have it renewed; check the clock.',
  },
  {
    codes: /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    says: 'shows a certificate for another name',
    mend: 'Use the name in it as the address, or set TEMPORAL_TLS_SERVER_NAME to that name.',
  },
  {
    codes: /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNEXPECTED_MESSAGE|ENDED_BEFORE_HANDSHAKE/,
    says: 'does not speak TLS',
    mend: 'Check the port, or unset what is set for TLS: TEMPORAL_TLS, TEMPORAL_TLS_…, TEMPORAL_API_KEY.',
  },
  {
    codes: /ALERT|HANDSHAKE_FAILURE|ENDED_AFTER_HANDSHAKE/,
    says: 'wants a certificate of the client, or does not accept the one that it was shown',
    mend: 'Set TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH to a pair that the server knows.',
  },
];

/** What an HTTP/2 client says first: a server that does not accept its certificate says so after that at the latest. */
const PREFACE = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])]);
const HANDSHAKE_MS = 3_000;

/** What a server's refusal comes from, as far as a handshake of our own can tell: gRPC says only that there is no connection. */
export async function refusalOf({ address, tls }: Reach): Promise<ConfigError | undefined> {
  const code = await handshake(address, tls ?? { isBlind: true });
  if (tls === undefined)
    return code === 'OK'
      ? new ConfigError(`The server at ${address} speaks TLS, and nothing is set for it`, { mend: 'Set TEMPORAL_TLS=true.' })
      : undefined;
  const refusal = REFUSALS.find(({ codes }) => codes.test(code));
  return refusal && new ConfigError(`The server at ${address} ${refusal.says}`, { context: { code }, mend: refusal.mend });
}

/** How a handshake went: OK, or the code of its error. */
function handshake(address: string, tls: NonNullable<Reach['tls']> & { readonly isBlind?: boolean }): Promise<string> {
  const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
  if (host === undefined) return Promise.resolve('NO_PORT');
  return new Promise((resolve) => {
    let isSecure = false;
    const end = (code: string): void => {
      socket.destroy();
      resolve(code);
    };
    const endedByServer = (): void => end(isSecure ? 'ENDED_AFTER_HANDSHAKE' : 'ENDED_BEFORE_HANDSHAKE');
    const socket = connect(
      {
        host,
        port: Number(port),
        servername: tls.serverNameOverride ?? (isIP(host) ? '' : host),
        ALPNProtocols: ['h2'],
        timeout: HANDSHAKE_MS,
        rejectUnauthorized: !tls.isBlind,
        ...(tls.serverRootCACertificate ? { ca: Buffer.from(tls.serverRootCACertificate) } : {}),
        ...(tls.clientCertPair ? { cert: Buffer.from(tls.clientCertPair.crt), key: Buffer.from(tls.clientCertPair.key) } : {}),
      },
      () => {
        isSecure = true;
        if (tls.isBlind) end('OK');
        else socket.write(PREFACE);
      },
    );
    socket.once('data', () => end('OK'));
    socket.once('timeout', () => end('TIMEOUT'));
    socket.once('end', endedByServer).once('close', endedByServer);
    socket.once('error', ({ code = 'UNKNOWN' }: NodeJS.ErrnoException) => (code === 'ECONNRESET' ? endedByServer() : end(code)));
  });
}
