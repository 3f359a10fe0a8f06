import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Allowed, allowedOf } from '../core/allowed.ts';
import { ConfigError } from '../core/errors.ts';
import { bytes } from '../core/units.ts';
import { LocalCache } from '../plugins/stores/_local-cache.ts';

/** Where this machine keeps binaries, datasets and copies out of S3. */
export function cacheFolder(): string {
  const { env } = process;
  return env.PANELFLOW_CACHE ?? join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'panelflow');
}

/** Where this machine keeps the channels that notices go to. */
export function channelsFile(): string {
  const { env } = process;
  return resolve(env.PANELFLOW_NOTIFY || join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'panelflow', 'notify.yaml'));
}

/** A variable that the channels file names; what is empty counts as not set. */
export const variable = (name: string): string | undefined => process.env[name] || undefined;

/** From now on, spans that this process and its programs make hang under this one (OpenTelemetry's variable for W3C Trace Context). */
export function hangSpansUnder(traceparent: string | undefined): void {
  if (traceparent !== undefined) process.env.TRACEPARENT = traceparent;
}

/** A folder with copies of known datasets, where the environment names one. */
export const mirror = (): string | undefined => process.env.PANELFLOW_DATA || undefined;

/** Hosts that this machine may fetch from and send notices to, where the environment lists them. */
export const allowedHosts = (): Allowed => allowedOf(process.env.PANELFLOW_ALLOW_HOSTS);

/** Folders and places in S3 that inputs of steps may lie in, where the environment lists them. */
export const allowedPaths = (): Allowed => allowedOf(process.env.PANELFLOW_ALLOW_PATHS);

let cache: LocalCache | undefined;

/** This machine's copies of what lies in S3; PANELFLOW_CACHE_LIMIT ("50 GB", or 0) says how much they may take. */
export function localCache(): LocalCache {
  if (cache) return cache;
  const text = process.env.PANELFLOW_CACHE_LIMIT || '20 GB';
  const limit = text === '0' ? 0 : bytes(text);
  if (!Number.isFinite(limit))
    throw new ConfigError(`PANELFLOW_CACHE_LIMIT is "${text}", which is no size`, {
      mend: 'Write for example 500 MB, 50 GB, or 0 for none.',
    });
  return (cache = new LocalCache(join(cacheFolder(), 's3'), limit));
}
