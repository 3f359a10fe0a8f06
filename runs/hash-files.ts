import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { checkPath } from '../core/allowed.ts';
import { ConfigError, DataError } from '../core/errors.ts';
import { didYouMean } from '../core/problem.ts';
import { isS3 } from '../core/s3-uri.ts';
import { allowedHosts, allowedPaths, cacheFolder, localCache, mirror } from '../workers/machine.ts';
import { shortPath } from './source-file.ts';

/**
 * Hashes the files that params name; paths are relative to the folder of the user's file, else to the one that PANELFLOW_DATA names, or name
 * an object in S3. A folder counts by all its files.
 */
export function fileHasher(from: string): (path: string) => Promise<{ path: string; sha256: string }> {
  const known = new Map<string, Promise<{ path: string; sha256: string }>>();
  return (named) => {
    const found = known.get(named);
    if (found) return found;
    const hashing = hashNamed(named, from);
    known.set(named, hashing);
    return hashing;
  };
}

async function hashNamed(named: string, from: string): Promise<{ path: string; sha256: string }> {
  if (isS3(named)) checkPath(named, allowedPaths());
  if (isS3(named)) return (await import('../plugins/stores/s3-input.ts')).pinInput(named, localCache());
  if (/^[a-z0-9+.-]+:\/\//.test(named))
    throw new ConfigError(`"${named}" cannot be read directly`, {
      context: { path: named },
      mend: 'Download it first (`panelflow data` fetches known datasets), and give its path or s3://bucket/key.',
    });
  const path = await pathOf(named, resolve(from, named));
  const info = await stat(path).catch(() => null);
  if (!info) {
    const beside = await readdir(dirname(path)).catch(() => []);
    const hint = beside.length > 0 ? didYouMean(basename(path), beside) : `There is no folder ${shortPath(dirname(path))}.`;
    throw new ConfigError(`The file "${named}" does not exist`, {
      context: { path: named },
      mend: `It is looked for at ${shortPath(path)}. ${beside.length > 30 && hint?.startsWith('Known') ? '' : (hint ?? '')}`.trim(),
    });
  }
  checkPath(await realpath(path), allowedPaths());
  if (!info.isDirectory() && !info.isFile())
    throw new ConfigError(`"${named}" is no plain file`, {
      context: { path: named },
      mend: 'Save what comes out of a pipe or a device first.',
    });
  if (info.isFile()) return { path, sha256: await hashFile(path) };
  const names = (await readdir(path, { recursive: true, withFileTypes: true }))
    .filter((e) => e.isFile())
    .map((e) => relative(path, join(e.parentPath, e.name)))
    .sort();
  if (names.length === 0)
    throw new ConfigError(`The folder "${named}" is empty`, {
      context: { path: named },
      mend: 'Name a file, or a folder with matrix.mtx, barcodes and features.',
    });
  const whole = createHash('sha256');
  for (const name of names) whole.update(`${name}\0${await hashFile(join(path, name))}\n`);
  return { path, sha256: whole.digest('hex') };
}

/** Where a file lies: at that path, among the copies that PANELFLOW_DATA names, or where a known dataset was fetched to. */
async function pathOf(named: string, path: string): Promise<string> {
  if (await stat(path).catch(() => null)) return path;
  const known = await knownDataset(named);
  if (known !== undefined) return known;
  const copies = mirror();
  const copy = copies === undefined || isAbsolute(named) ? undefined : resolve(copies, named);
  return copy !== undefined && (await stat(copy).catch(() => null)) ? copy : path;
}

/** The file of a known dataset, fetched when it is not there yet; undefined for other words. */
async function knownDataset(word: string): Promise<string | undefined> {
  const { CATALOGUE, fetchDataset } = await import('../data/catalogue.ts');
  if (!CATALOGUE.some((e) => e.name === word && e.file !== undefined)) return undefined;
  const copies = mirror();
  return fetchDataset(word, join(cacheFolder(), 'data'), { hosts: allowedHosts(), ...(copies === undefined ? {} : { mirror: copies }) });
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  } catch (error) {
    throw new DataError(`${shortPath(path)} cannot be read: ${(error as Error).message}`, {
      cause: error,
      context: { path },
      mend: 'Check that you may read it.',
    });
  }
  return hash.digest('hex');
}
