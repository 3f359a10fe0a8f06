import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Everything that the environment says, read in one place. */
export interface Settings {
  readonly work: string;
  readonly cache: string;
  readonly address: string | undefined;
  readonly namespace: string;
  readonly temporalBinary: string | undefined;
  /** A folder with copies of known datasets. */
  readonly mirror: string | undefined;
}

/** Flags win over the environment. */
export function settings(flags: { work?: string; address?: string; namespace?: string } = {}): Settings {
  const { env } = process;
  const cacheHome = env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return {
    work: resolve(flags.work ?? env.PANELFLOW_WORK ?? '.panelflow'),
    cache: env.PANELFLOW_CACHE ?? join(cacheHome, 'panelflow'),
    address: flags.address ?? (env.TEMPORAL_ADDRESS || undefined),
    namespace: flags.namespace ?? env.TEMPORAL_NAMESPACE ?? 'default',
    temporalBinary: env.PANELFLOW_TEMPORAL_BIN || undefined,
    mirror: env.PANELFLOW_DATA || undefined,
  };
}
