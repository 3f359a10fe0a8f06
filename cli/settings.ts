import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { isS3 } from '../core/s3-uri.ts';
import { cacheFolder } from '../workers/machine.ts';

/** What the environment says of security towards the user's own Temporal server, by the names that Temporal's tools use; as it stands there. */
export interface SecuritySettings {
  readonly apiKey: string | undefined;
  /** "true" or "false". */
  readonly tls: string | undefined;
  /** Files in PEM: certificate and key of the client, and the authority of the server. */
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  readonly authority: string | undefined;
  /** The name in the server's certificate, where it is not that of the address. */
  readonly serverName: string | undefined;
}

/** What the environment says of keys for what Temporal keeps, as it stands there. */
export interface PayloadSettings {
  /** Keys in base64, with commas between them; the first encrypts. */
  readonly keys: string | undefined;
  /** A file that holds them instead. */
  readonly file: string | undefined;
}

/** Everything that the environment says, read in one place. */
export interface Settings {
  /** The store: an absolute path, or s3://bucket/prefix. */
  readonly work: string;
  /** Folder of the embedded server's own files: that of the store, or one of this machine when the store lies in S3. */
  readonly local: string;
  readonly cache: string;
  readonly address: string | undefined;
  readonly namespace: string;
  readonly security: SecuritySettings;
  readonly payloads: PayloadSettings;
  /** What everybody must show to the dashboard. */
  readonly uiToken: string | undefined;
  readonly temporalBinary: string | undefined;
  /** A binary of versitygw, a server that speaks S3. */
  readonly gatewayBinary: string | undefined;
}

/** Flags win over the environment. */
export function settings(flags: { work?: string; address?: string; namespace?: string } = {}): Settings {
  const { env } = process;
  const named = flags.work ?? env.PANELFLOW_WORK ?? '.panelflow';
  const work = isS3(named) ? named.replace(/\/+$/, '') : resolve(named);
  const cache = cacheFolder();
  return {
    work,
    local: isS3(work) ? join(cache, 'servers', createHash('sha256').update(work).digest('hex').slice(0, 16)) : work,
    cache,
    address: flags.address ?? (env.TEMPORAL_ADDRESS || undefined),
    namespace: flags.namespace ?? env.TEMPORAL_NAMESPACE ?? 'default',
    security: {
      apiKey: env.TEMPORAL_API_KEY || undefined,
      tls: env.TEMPORAL_TLS || undefined,
      certificate: env.TEMPORAL_TLS_CLIENT_CERT_PATH || undefined,
      key: env.TEMPORAL_TLS_CLIENT_KEY_PATH || undefined,
      authority: env.TEMPORAL_TLS_SERVER_CA_CERT_PATH || undefined,
      serverName: env.TEMPORAL_TLS_SERVER_NAME || undefined,
    },
    payloads: { keys: env.PANELFLOW_PAYLOAD_KEY || undefined, file: env.PANELFLOW_PAYLOAD_KEY_FILE || undefined },
    uiToken: env.PANELFLOW_UI_TOKEN || undefined,
    temporalBinary: env.PANELFLOW_TEMPORAL_BIN || undefined,
    gatewayBinary: env.PANELFLOW_VERSITYGW || undefined,
  };
}
