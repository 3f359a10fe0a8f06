import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ConfigError, DataError, ResourceError } from '../../core/errors.ts';
import { isS3, parseS3 } from '../../core/s3-uri.ts';
import { S3Bucket, type BucketOptions } from './_bucket.ts';
import type { LocalCache } from './_local-cache.ts';
import type { ObjectHead } from './_objects.ts';

/** What the system says when this machine's disk, and not the network, is at fault. */
const DISK = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EIO', 'ENOENT']);
const PIN = /#sha256=([0-9a-f]{64})$/;
/** One version of an object: by the bucket's own name for it, or by its ETag for as long as nothing is written over it. */
const VERSION = /#(version|etag)=([^#]+)$/;

/** How the copy of an object is named: its end tells the format; keys may hold any character, and four times what a file's name may. */
const fileName = (key: string): string =>
  basename(key)
    .replaceAll(/[^\w.-]/g, '_')
    .slice(-100);

/** True for the name of an object whose content is pinned: `s3://bucket/key#sha256=<hex>`. */
export const isPinned = (path: string): boolean => isS3(path) && PIN.test(path);

/**
 * The name of an object with its content pinned, and that content's SHA-256: as the server keeps it, else as known for its ETag,
 * else by fetching it. A name that is pinned already stays. ConfigError when there is no such object.
 */
export async function pinInput(uri: string, cache: LocalCache, options?: BucketOptions): Promise<{ path: string; sha256: string }> {
  const pin = PIN.exec(uri);
  if (pin) return { path: uri, sha256: pin[1] };
  const found = await find(uri, options);
  const { bucket, head } = found;
  const seen = createHash('sha256')
    .update([await bucket.endpoint(), uri, head.etag, head.bytes].join('\n'))
    .digest('hex');
  const noted = head.sha256 ?? (await readFile(cache.path(seen, 'etag'), 'utf8').catch(() => undefined));
  const sha256 = noted ?? (await fetchInput(uri, found, cache)).sha256;
  if (noted === undefined) {
    const note = async (temporary: string): Promise<string> => {
      await writeFile(temporary, sha256);
      return seen;
    };
    await cache.adopt(note, 'etag');
  }
  return { path: `${uri}#sha256=${sha256}`, sha256 };
}

/** A file on this machine's disk with the content of a pinned object, fetched when it is not there. DataError when the object has other content by now. */
export async function openInput(pinned: string, cache: LocalCache, options?: BucketOptions): Promise<string> {
  const sha256 = PIN.exec(pinned)?.[1] ?? '';
  const uri = pinned.replace(PIN, '');
  const path = cache.path(sha256, fileName(uri.replace(VERSION, '')));
  if ((await hashFile(path)) === sha256) {
    await cache.touch(path);
    return path;
  }
  const found = await fetchInput(uri, await find(uri, options), cache);
  if (found.sha256 !== sha256) throw changed(uri);
  return found.path;
}

interface Found {
  readonly bucket: S3Bucket;
  readonly key: string;
  readonly version: string | undefined;
  readonly head: ObjectHead;
}

/** Looks for an object; a name that ends in a slash, or begins others, is said to be a folder. */
async function find(uri: string, options?: BucketOptions): Promise<Found> {
  const [, kind, mark] = VERSION.exec(uri) ?? [];
  const { bucket: name, key } = parseS3(uri.replace(VERSION, ''));
  const bucket = new S3Bucket(name, { ...options, path: uri });
  const version = kind === 'version' ? mark : undefined;
  const head = key === '' || key.endsWith('/') ? undefined : await bucket.head(key, version);
  if (head && kind === 'etag' && head.etag !== `"${mark}"`)
    throw new ConfigError('The object has been written over', {
      context: { path: uri, found: head.etag },
      mend: 'Run what is there now.',
    });
  if (head) return { bucket, key, version, head };
  const folder = key === '' || key.endsWith('/') ? key : `${key}/`;
  const [below] = await bucket.list(folder, 1);
  throw new ConfigError(below === undefined ? `There is no object "${uri}"` : `"${uri}" is a folder`, {
    context: { path: uri, endpoint: await bucket.endpoint() },
    mend:
      below === undefined
        ? 'Check bucket and key; small and capital letters differ.'
        : `A folder in S3 is not read: name one object (.h5ad, .h5, .loom, .csv), such as s3://${name}/${below}, or copy the folder here.`,
  });
}

const changed = (uri: string): DataError =>
  new DataError('The dataset in S3 is not the one that the run was planned with', {
    context: { path: uri },
    mend: 'Run the file again: it is planned anew with the data as they are now.',
  });

/** Fetches an object into the cache and hashes it on the way. */
async function fetchInput(
  uri: string,
  { bucket, key, version, head }: Found,
  cache: LocalCache,
): Promise<{ path: string; sha256: string }> {
  let sha256: string | undefined;
  const fetch = async (temporary: string): Promise<string> => {
    sha256 = await bucket.stream({ key, version, etag: head.etag }, (body) => save(body, temporary, head.bytes));
    if (sha256 === undefined) throw changed(uri);
    return sha256;
  };
  const path = await cache.adopt(fetch, fileName(key));
  return { path, sha256: sha256 ?? '' };
}

/** Writes a stream of so many bytes to a file; gives their SHA-256 in hex. */
async function save(body: Readable, path: string, bytes: number): Promise<string> {
  const hash = createHash('sha256');
  let came = 0;
  const hashed = async function* (source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      hash.update(chunk);
      came += chunk.byteLength;
      yield chunk;
    }
  };
  await pipeline(body, hashed, createWriteStream(path)).catch((error: NodeJS.ErrnoException) => {
    if (!DISK.has(error.code ?? '')) throw error;
    throw new ResourceError(`The dataset cannot be kept on this machine: ${error.message}`, {
      cause: error,
      mend: 'Free some space, or name another folder with PANELFLOW_CACHE.',
    });
  });
  if (came !== bytes) throw new Error(`${came} of ${bytes} bytes came`);
  return hash.digest('hex');
}

/** SHA-256 of a file in hex; undefined when it cannot be read. */
async function hashFile(path: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Uint8Array);
  } catch {
    return undefined;
  }
  return hash.digest('hex');
}
