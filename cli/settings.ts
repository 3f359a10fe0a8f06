import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { isS3 } from '../core/s3-uri.ts';
import { cacheFolder } from '../workers/machine.ts';

/** Everything that the environment says, read in one place. */
export interface Settings {
  /** The store: an absolute path, or s3://bucket/prefix. */
  readonly work: string;
  /** Folder of the embedded server's own files: that of the store, or one of this machine when the store lies in S3. */
  readonly local: string;
  readonly cache: string;
  readonly address: string | undefined;
  readonly namespace: string;
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
    temporalBinary: env.PANELFLOW_TEMPORAL_BIN || undefined,
    gatewayBinary: env.PANELFLOW_VERSITYGW || undefined,
  };
}
