import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ArtifactError, ResourceError } from '../../core/errors.ts';
import type { ArtifactStore } from '../../core/store.ts';
import type { ArtifactRef } from '../../schemas/artifact.ts';

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';
const FULL = new Set(['ENOSPC', 'EDQUOT']);

/** A store in a folder: objects/ab/cdef…, cache/…, runs/…. Every file is written beside its place and renamed. */
export class FileStore implements ArtifactStore {
  readonly uri: string;

  constructor(folder: string) {
    this.uri = resolve(folder);
  }

  async put(parts: readonly Uint8Array[], type: string): Promise<ArtifactRef> {
    const hash = createHash('sha256');
    let bytes = 0;
    for (const part of parts) {
      hash.update(part);
      bytes += part.byteLength;
    }
    const ref = { sha256: hash.digest('hex'), bytes, type };
    if (!(await this.has(ref))) await this.#write(this.#object(ref), parts);
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
    return stat(this.#object(ref)).then(
      (s) => s.size === ref.bytes,
      () => false,
    );
  }

  async readRecord(path: string): Promise<string | undefined> {
    return readFile(join(this.uri, path), 'utf8').catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
  }

  async writeRecord(path: string, text: string): Promise<void> {
    await this.#write(join(this.uri, path), [Buffer.from(text)]);
  }

  async removeRecord(path: string): Promise<void> {
    await rm(join(this.uri, path), { force: true });
  }

  async remove(ref: ArtifactRef): Promise<void> {
    await rm(this.#object(ref), { force: true });
  }

  async listRecords(prefix: string): Promise<string[]> {
    const names = await readdir(join(this.uri, prefix)).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
    return names
      .filter((name) => name.endsWith('.json'))
      .sort()
      .map((name) => prefix + name);
  }

  #object({ sha256 }: ArtifactRef): string {
    return join(this.uri, 'objects', sha256.slice(0, 2), sha256.slice(2));
  }

  async #write(path: string, parts: readonly Uint8Array[]): Promise<void> {
    const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
    try {
      await mkdir(dirname(path), { recursive: true });
      const file = await open(temporary, 'w');
      try {
        for (const part of parts)
          for (let at = 0; at < part.byteLength; at += 2 ** 30) await file.writeFile(part.subarray(at, at + 2 ** 30));
      } finally {
        await file.close();
      }
      await rename(temporary, path);
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
