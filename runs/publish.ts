import { createHash, randomBytes } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { isInside } from '../core/allowed.ts';
import { DataError, ResourceError } from '../core/errors.ts';
import { isS3, parseS3 } from '../core/s3-uri.ts';

/** Writes one result, named by its path below the place; whole or not at all. */
export type Publish = (name: string, bytes: Uint8Array | string) => Promise<void>;

/** Systems take names of 255 bytes; some of them are for what stands around this. */
const LONGEST = 200;

/** A cell as part of a file's name: "seed=0 k=32" is seed=0_k=32. */
export function asFileName(cell: string): string {
  const name = cell.replaceAll(' ', '_').replaceAll(/[^\w.,=-]/g, '-');
  return name.length <= LONGEST ? name : `${name.slice(0, LONGEST - 17)}-${createHash('sha256').update(cell).digest('hex').slice(0, 16)}`;
}

/** How browsers are told what an object is. */
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.csv': 'text/csv; charset=utf-8',
  '.tsv': 'text/tab-separated-values; charset=utf-8',
  '.json': 'application/json',
};

/** Publishes into a folder, or under s3://bucket/prefix. */
export function publisher(place: string): Publish {
  const publish = isS3(place) ? intoBucket(place) : intoFolder(place);
  return async (name, bytes) => {
    if (!isInside(name))
      throw new DataError(`"${name}" is no name of a file in a folder of results`, {
        context: { file: name },
        mend: 'The reporter that made the file gives it such a name: that is to be mended in its package.',
      });
    await publish(name, bytes);
  };
}

function intoFolder(folder: string): Publish {
  return async (name, bytes) => {
    const path = join(folder, name);
    const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(4).toString('hex')}.tmp`);
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(temporary, bytes);
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw new ResourceError(`${path} cannot be written: ${(error as Error).message}`, {
        cause: error,
        mend: 'Free some space or give another folder with --out; nothing computed is lost: run again.',
      });
    }
  };
}

function intoBucket(place: string): Publish {
  const { bucket: name, key } = parseS3(`${place}/`);
  return async (file, bytes) => {
    const { S3Bucket } = await import('../plugins/stores/_bucket.ts');
    await new S3Bucket(name).put(key + file, [Buffer.from(bytes)], TYPES[extname(file)]);
  };
}

/** Refuses a place in S3 that cannot be written, before anything runs; leaves nothing behind. */
export async function checkBucket(place: string): Promise<void> {
  const { bucket: name, key } = parseS3(`${place}/`);
  const { S3Bucket } = await import('../plugins/stores/_bucket.ts');
  const bucket = new S3Bucket(name);
  const probe = `${key}.panelflow-${randomBytes(4).toString('hex')}`;
  await bucket.put(probe, [new Uint8Array()]);
  await bucket.remove(probe);
}
