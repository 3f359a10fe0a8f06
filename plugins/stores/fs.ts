import { createReadStream, type Dirent, mkdirSync, readFileSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createHash, randomBytes } from 'node:crypto';
import { constants, copyFile, link, mkdir, open, readFile, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isInside } from '../../core/allowed.ts';
import { ArtifactError, ResourceError } from '../../core/errors.ts';
import type { ArtifactStore, StoredItem, StoredObject, TaggedRecord } from '../../core/store.ts';
import type { ArtifactRef } from '../../schemas/artifact.ts';
import { refOf } from './_bytes.ts';

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';
const FULL = new Set(['ENOSPC', 'EDQUOT']);
/** A lock is held for milliseconds; a holder that is seen for so long has died. */
const LOCK_MS = 10_000;
/** File systems without hard links. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);
/** The path of an object; its two parts are the hash. */
const OBJECT = /^objects\/([0-9a-f]{2})\/([0-9a-f]{62})$/;
const tagOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * Files up to so many bytes are read and written at once: that takes some ten microseconds, and the same through the thread pool takes ten
 * times the processor time.
 */
const SMALL = 65_536;
/** Names of files that are being written are unlike those of any other process. */
const WRITER = randomBytes(6).toString('hex');
let written = 0;

function writeSmall(path: string, bytes: Uint8Array): void {
  try {
    writeFileSync(path, bytes);
  } catch (error) {
    if (!isMissing(error)) throw error;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
}

async function writeLarge(path: string, parts: readonly Uint8Array[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'w');
  try {
    for (const part of parts) for (let at = 0; at < part.byteLength; at += 2 ** 30) await file.writeFile(part.subarray(at, at + 2 ** 30));
  } finally {
    await file.close();
  }
}

/** A store in a folder: objects/ab/cdef…, cache/…, runs/…. Every file is written beside its place and renamed. */
export class FileStore implements ArtifactStore {
  readonly uri: string;

  constructor(folder: string) {
    this.uri = resolve(folder);
  }

  async put(parts: readonly Uint8Array[], type: string): Promise<ArtifactRef> {
    const ref = refOf(parts, type);
    const path = this.#object(ref);
    if (!(await this.has(ref)) || !touch(path)) await this.#write(path, parts);
    return ref;
  }

  async get(ref: ArtifactRef): Promise<Uint8Array> {
    const path = this.#object(ref);
    const bytes = await readFile(path).catch((error: unknown) => {
      const message = isMissing(error)
        ? `Artifact ${ref.sha256.slice(0, 12)} (${ref.type}) is not in the store`
        : `Artifact ${ref.sha256.slice(0, 12)} cannot be read: ${(error as Error).message}`;
      throw new ArtifactError(message, {
        cause: error,
        retryable: !isMissing(error),
        context: { store: this.uri },
        mend: 'Run the pipeline again: what is missing is computed anew.',
      });
    });
    if (createHash('sha256').update(bytes).digest('hex') === ref.sha256) return bytes;
    await rename(path, `${path}.damaged`);
    throw new ArtifactError(`Artifact ${ref.sha256.slice(0, 12)} (${ref.type}) is damaged: its bytes do not match its hash`, {
      retryable: false,
      context: { file: `${path}.damaged` },
      mend: 'It was set aside; run the pipeline again to compute it anew, and check the disk.',
    });
  }

  async has(ref: ArtifactRef): Promise<boolean> {
    return statSync(this.#object(ref), { throwIfNoEntry: false })?.size === ref.bytes;
  }

  async readRecord(path: string): Promise<string | undefined> {
    try {
      return readFileSync(this.#at(path), 'utf8');
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async writeRecord(path: string, text: string): Promise<void> {
    await this.#write(this.#at(path), [Buffer.from(text)]);
  }

  async createRecord(path: string, text: string): Promise<boolean> {
    return this.#write(this.#at(path), [Buffer.from(text)], create);
  }

  async readTagged(path: string): Promise<TaggedRecord | undefined> {
    const text = await this.readRecord(path);
    return text === undefined ? undefined : { text, tag: tagOf(text) };
  }

  async replaceRecord(path: string, text: string, tag: string): Promise<boolean> {
    const unlock = await this.#lock(`${path}.lock`);
    try {
      if ((await this.readTagged(path))?.tag !== tag) return false;
      await this.writeRecord(path, text);
      return true;
    } finally {
      await unlock();
    }
  }

  async removeRecord(path: string): Promise<void> {
    await rm(this.#at(path), { force: true });
  }

  async removeRecords(prefix: string): Promise<void> {
    await rm(this.#at(prefix), { recursive: true, force: true });
  }

  async remove(ref: ArtifactRef): Promise<void> {
    await rm(this.#object(ref), { force: true });
  }

  async listRecords(prefix: string): Promise<string[]> {
    const entries = await entriesOf(this.#at(prefix));
    const names: string[] = entries.map((entry) => entry.name);
    return names
      .filter((name) => name.endsWith('.json'))
      .sort()
      .map((name) => prefix + name);
  }

  async listFolders(prefix: string): Promise<string[]> {
    const [folder, begin] = [dirname(`${prefix}-`), prefix.slice(prefix.lastIndexOf('/') + 1)];
    const entries = await entriesOf(this.#at(folder));
    const names: string[] = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
    return names.filter((name) => name.startsWith(begin)).sort();
  }

  async *walkRecords(prefix: string): AsyncGenerator<readonly StoredItem[]> {
    for await (const page of this.#walk(prefix)) yield page.filter(({ path }) => path.endsWith('.json'));
  }

  async *walkObjects(): AsyncGenerator<readonly StoredObject[]> {
    for await (const page of this.#walk('objects/'))
      yield page.map((item) => ({ ...item, sha256: OBJECT.exec(item.path)?.slice(1).join('') }));
  }

  async digest(sha256: string): Promise<string | undefined> {
    const hash = createHash('sha256');
    try {
      for await (const chunk of createReadStream(this.#object({ sha256 }), { highWaterMark: 1 << 20 })) hash.update(chunk as Uint8Array);
    } catch (error) {
      if (isMissing(error)) return undefined;
      if ((error as NodeJS.ErrnoException).code === 'EIO') return 'unreadable';
      throw new ArtifactError(`Object ${sha256.slice(0, 12)} cannot be read: ${(error as Error).message}`, {
        cause: error,
        context: { store: this.uri },
        mend: 'Check the disk and the rights to the folder.',
      });
    }
    return hash.digest('hex');
  }

  /** A path in the folder; ArtifactError for one that leads out of it, whoever made it up. */
  #at(path: string): string {
    if (isInside(path)) return join(this.uri, path);
    throw new ArtifactError(`"${path}" is no path in the store`, { retryable: false, mend: 'Name a run as `panelflow list` does.' });
  }

  /** Files under a prefix, a page for each folder. What goes away meanwhile is left out. */
  async *#walk(prefix: string): AsyncGenerator<readonly StoredItem[]> {
    const folder = this.#at(prefix);
    const entries = await entriesOf(folder);
    const now = Date.now();
    yield entries.flatMap((entry) => {
      const path = prefix + entry.name;
      const info = entry.isFile() ? statSync(join(folder, entry.name), { throwIfNoEntry: false }) : undefined;
      return info ? [{ path, bytes: info.size, age: now - info.mtimeMs }] : [];
    });
    for (const entry of entries) if (entry.isDirectory()) yield* this.#walk(`${prefix}${entry.name}/`);
  }

  #object({ sha256 }: Pick<ArtifactRef, 'sha256'>): string {
    return this.#at(`objects/${sha256.slice(0, 2)}/${sha256.slice(2)}`);
  }

  /** A short lock between processes. Time is measured by the one who waits, since clocks of machines differ. */
  async #lock(path: string): Promise<() => Promise<void>> {
    const me = randomBytes(6).toString('hex');
    let holder: string | undefined;
    let since = 0;
    while (!(await this.createRecord(path, me))) {
      const found = await this.readRecord(path);
      if (found !== holder) since = performance.now();
      holder = found;
      if (holder !== undefined && performance.now() - since > LOCK_MS) await this.#breakLock(path, holder);
      await sleep(5 + 20 * Math.random());
    }
    return async () => {
      if ((await this.readRecord(path)) === me) await this.removeRecord(path);
    };
  }

  /** Takes away the lock of a dead holder. Only who makes the file with that holder's name may, so that nobody takes away the next lock. */
  async #breakLock(path: string, holder: string): Promise<void> {
    const permit = `${path}.${holder}`;
    if (!(await this.createRecord(permit, ''))) return;
    if ((await this.readRecord(path)) === holder) await this.removeRecord(path);
    await this.removeRecord(permit);
  }

  /** `publish` puts the finished file in its place; false when it may not. */
  async #write(path: string, parts: readonly Uint8Array[], publish = replace): Promise<boolean> {
    const temporary = `${path}.${WRITER}-${++written}.tmp`;
    try {
      if (parts.length === 1 && parts[0].byteLength <= SMALL) writeSmall(temporary, parts[0]);
      else await writeLarge(temporary, parts);
      return await publish(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      const { code = '', message } = error as NodeJS.ErrnoException;
      if (FULL.has(code))
        throw new ResourceError('The disk of the store is full', {
          cause: error,
          context: { store: this.uri },
          mend: 'Free some space, or give another folder with --work.',
        });
      throw new ArtifactError(`The store cannot be written: ${message}`, {
        cause: error,
        context: { store: this.uri },
        mend: 'Check the folder, or give another one with --work.',
        retryable: false,
      });
    }
  }
}

/** What a folder holds; nothing when there is none. */
async function entriesOf(folder: string): Promise<Dirent[]> {
  return readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
}

/** Makes a file as new as one just written, so that `clean` leaves it alone; false when it has gone. */
function touch(path: string): boolean {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch (error) {
    // Another user's file may be read, but its time is not ours to change.
    return !isMissing(error);
  }
  return true;
}

async function replace(temporary: string, path: string): Promise<boolean> {
  renameSync(temporary, path);
  return true;
}

async function create(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    // Over a network the answer to a link that was made can be lost; the count of links tells (open(2)).
    if (code === 'EEXIST') return statSync(temporary).nlink === 2;
    if (!NO_LINKS.has(code)) throw error;
    return await copyFile(temporary, path, constants.COPYFILE_EXCL).then(
      () => true,
      (failed: NodeJS.ErrnoException) => {
        if (failed.code === 'EEXIST') return false;
        throw failed;
      },
    );
  } finally {
    await rm(temporary, { force: true });
  }
}
