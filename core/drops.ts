import type { WatchSpec } from '../schemas/watch.ts';
import { globMatcher, globPrefix } from './glob.ts';
import { isS3 } from './s3-uri.ts';

/** Results beside a drop lie in a folder of its name with this ending; nothing in there is a drop. */
export const RESULTS = '.panelflow';

/** "in/batch-1/" of "in/batch-1/a.h5ad"; empty at the top. */
export const folderOf = (key: string): string => key.slice(0, key.lastIndexOf('/') + 1);
const fileOf = (key: string): string => key.slice(key.lastIndexOf('/') + 1);
const stemOf = (key: string): string => fileOf(key).replace(/(?<=.)\.[^.]*$/, '');

/** What an object is to a watch: a drop, a sign for the drops whose keys begin with `of`, or nothing. */
export type Role = { readonly role: 'drop' | 'other' } | { readonly role: 'sign'; readonly of: string };

/** Tells drops from markers, manifests and all else. */
export function sorter({ glob, marker, manifest }: Pick<WatchSpec, 'glob' | 'marker' | 'manifest'>): (key: string) => Role {
  const fits = globMatcher(glob);
  const prefix = globPrefix(glob);
  return (key) => {
    if (key.includes(`${RESULTS}/`)) return { role: 'other' };
    const file = fileOf(key);
    if (marker?.startsWith('.') && key.endsWith(marker)) return { role: 'sign', of: key.slice(0, -marker.length) };
    if (file === marker || file === manifest) {
      const folder = folderOf(key);
      return folder.startsWith(folderOf(prefix)) ? { role: 'sign', of: folder } : { role: 'other' };
    }
    return { role: file !== '' && fits(key) ? 'drop' : 'other' };
  };
}

/** The name that a pipeline reads one version by. */
export function inputOf(
  bucket: string,
  { key, version, etag }: { readonly key: string; readonly version: string | null; readonly etag: string },
): string {
  return `s3://${bucket}/${key}#${version === null ? `etag=${etag}` : `version=${version}`}`;
}

/** A key as a path below a folder: no part of it leads up, to the top, or nowhere. */
const asPath = (key: string): string =>
  key
    .split('/')
    .map((part) => (/^\.{0,2}$/.test(part) ? '_' : part.replaceAll(/\p{Cc}/gu, '_')))
    .join('/');

/** Where the results of a drop go: the place with {stem}, {key}, {folder} and {version} filled in. */
export function outOf(
  place: string,
  { key, version, etag }: { readonly key: string; readonly version: string | null; readonly etag: string },
): string {
  const values: Record<string, string> = { stem: stemOf(key), key, folder: folderOf(key).replace(/\/$/, ''), version: version ?? etag };
  const fit = isS3(place) ? (value: string): string => value : asPath;
  return place.replaceAll(/\{(\w+)\}/g, (all, name: string) => (Object.hasOwn(values, name) ? fit(values[name]) : all));
}

/** Words in braces that stand for nothing. */
export const unknownIn = (place: string): string[] =>
  [...place.matchAll(/\{([^}]*)\}/g)].map(([, name]) => name).filter((name) => !['stem', 'key', 'folder', 'version'].includes(name));

/** The name of a drop's run: that of the watch, and of the file without what a name must not have. */
export function runNameOf(watch: string, key: string): string {
  const stem = stemOf(key)
    .replaceAll(/[^A-Za-z0-9_-]+/g, '-')
    .slice(0, 60);
  return `${watch}-${stem}`.replace(/^[^A-Za-z]+/, 'w-').slice(0, 100);
}

/** Params that the first fitting row of the sample sheet gives; undefined when none fits. */
export function sampleOf({ samples }: Pick<WatchSpec, 'samples'>, key: string): Record<string, unknown> | undefined {
  const file = fileOf(key);
  return samples.find(({ drop }) => drop === key || drop === file || globMatcher(drop)(key) || globMatcher(drop)(file))?.params;
}
