import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isPanelflowError, ResourceError } from '../../core/errors.ts';

/** A file that nobody has finished for so long was left by a process that died. */
const LEFT_MS = 3_600_000;
/** Trimmed down to this share of the limit, so that not every write has to trim. */
const TRIMMED = 0.9;

/** Content by its SHA-256 on this machine's disk, for objects that lie in S3. All processes of the machine share it; what was used longest ago goes first. */
export class LocalCache {
  readonly #folder: string;
  readonly #limit: number;
  #written = Infinity;

  /** `limit` in bytes; 0 keeps only what must be a file. */
  constructor(folder: string, limit: number) {
    this.#folder = folder;
    this.#limit = limit;
  }

  /** Where content of that hash lies or would lie; with the name that its file should have. */
  path(sha256: string, name?: string): string {
    return join(this.#folder, sha256.slice(0, 2), name === undefined ? sha256 : `${sha256}-${name}`);
  }

  /** The bytes with that hash, or undefined. What does not match is dropped. */
  async read(sha256: string): Promise<Uint8Array | undefined> {
    const path = this.path(sha256);
    const bytes = await readFile(path).catch(() => undefined);
    if (bytes === undefined) return undefined;
    if (createHash('sha256').update(bytes).digest('hex') === sha256) {
      await this.touch(path);
      return bytes;
    }
    await rm(path, { force: true });
    return undefined;
  }

  /** Keeps bytes, if they fit. That the disk is full or locked is no error: the cache only saves time. */
  async write(sha256: string, parts: readonly Uint8Array[]): Promise<void> {
    if (parts.reduce((sum, part) => sum + part.byteLength, 0) > this.#limit) return;
    await this.adopt(async (temporary) => {
      await writeFile(temporary, parts);
      return sha256;
    }).catch(() => {});
  }

  /** Takes in a file: `make` writes it and says its hash, then it is put in its place in one step. Gives the path; ResourceError when the folder cannot be written. */
  async adopt(make: (temporary: string) => Promise<string>, name?: string): Promise<string> {
    const temporary = join(this.#folder, `${randomBytes(6).toString('hex')}.tmp`);
    try {
      await mkdir(this.#folder, { recursive: true });
      const path = this.path(await make(temporary), name);
      const { size } = await stat(temporary);
      await mkdir(dirname(path), { recursive: true });
      await rename(temporary, path);
      await this.#trim(path, size);
      return path;
    } catch (error) {
      await rm(temporary, { force: true });
      if (isPanelflowError(error)) throw error;
      throw new ResourceError(`The cache cannot be written: ${(error as Error).message}`, {
        cause: error,
        context: { folder: this.#folder },
        mend: 'Free some space, or name another folder with PANELFLOW_CACHE.',
      });
    }
  }

  /** Marks a file as used just now. */
  async touch(path: string): Promise<void> {
    const now = new Date();
    await utimes(path, now, now).catch(() => {});
  }

  /** Drops what was used longest ago until the rest fits, but never `fresh`. Looks at the folder first, and then each time that a tenth of the limit was written. */
  async #trim(fresh: string, size: number): Promise<void> {
    this.#written += size;
    if (this.#written < this.#limit * (1 - TRIMMED)) return;
    this.#written = 0;
    const now = Date.now();
    const files: { path: string; bytes: number; used: number }[] = [];
    for (const name of await readdir(this.#folder, { recursive: true })) {
      const path = join(this.#folder, name);
      const info = await stat(path).catch(() => undefined);
      if (!info?.isFile() || path === fresh) continue;
      if (!path.endsWith('.tmp')) files.push({ path, bytes: info.size, used: info.mtimeMs });
      else if (now - info.mtimeMs > LEFT_MS) await rm(path, { force: true });
    }
    let total = files.reduce((sum, f) => sum + f.bytes, size);
    if (total <= this.#limit) return;
    for (const { path, bytes } of files.sort((a, b) => a.used - b.used)) {
      if (total <= this.#limit * TRIMMED) return;
      await rm(path, { force: true });
      total -= bytes;
    }
  }
}
