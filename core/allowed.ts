import { ConfigError } from './errors.ts';
import { isS3 } from './s3-uri.ts';

/** Names that a machine may reach, as whoever runs it lists them; undefined: all. */
export type Allowed = readonly string[] | undefined;

/** "a, b" as a list; undefined where nothing is set. */
export const allowedOf = (text: string | undefined): Allowed =>
  text === undefined || text.trim() === '' ? undefined : text.split(',').flatMap((word) => word.trim() || []);

/** True for a path that stays in the folder it is looked up from, by its letters. */
export const isInside = (path: string): boolean => {
  const parts = path.split(/[\\/]/);
  return !/^[\\/]|\0/.test(path) && !parts.includes('..') && parts.some((part) => part !== '' && part !== '.');
};

/** Refuses a host that is not listed in PANELFLOW_ALLOW_HOSTS: `hooks.example.org` is that host alone, `*.example.org` every host below. */
export function checkHost(host: string, allowed: Allowed): void {
  const isListed = (entry: string): boolean => (entry.startsWith('*.') ? host.endsWith(entry.slice(1)) : host === entry);
  if (allowed === undefined || allowed.some(isListed)) return;
  throw new ConfigError(`This machine may not reach ${host}`, {
    context: { host, allowed: allowed.join(', ') },
    mend: 'Whoever runs it may add the host to PANELFLOW_ALLOW_HOSTS.',
  });
}

/** Refuses an input that does not lie in one of the folders, or under one of the s3://bucket/prefix, that PANELFLOW_ALLOW_PATHS lists. Paths are real ones: absolute, links followed. */
export function checkPath(path: string, allowed: Allowed): void {
  const isBelow = (entry: string): boolean => path === entry || path.startsWith(entry.endsWith('/') ? entry : `${entry}/`);
  // In a bucket a name with dots is a name like any other; servers over folders take it for a way up.
  const isStraight = !isS3(path) || !path.split('/').includes('..');
  if (allowed === undefined || (isStraight && allowed.some(isBelow))) return;
  throw new ConfigError(`This machine may not read ${path}`, {
    context: { path, allowed: allowed.join(', ') },
    mend: 'Put the input into one of the places that are allowed; whoever runs the machine may add one to PANELFLOW_ALLOW_PATHS.',
  });
}
