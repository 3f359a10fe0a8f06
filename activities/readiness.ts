import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { folderOf } from '../core/drops.ts';
import { type Manifest, misfit, parseManifest } from '../core/manifest.ts';
import type { WatchRecord, WatchSpec } from '../schemas/watch.ts';
import type { Ledger } from './ledger.ts';

interface Head {
  readonly bytes: number;
  readonly modified: number;
  readonly etag: string;
  readonly sha256: string | undefined;
}

/** One version of an object as the bucket shows it; `version` is "null" where it keeps none. */
export interface Listed {
  readonly key: string;
  readonly version: string;
  readonly etag: string;
  readonly bytes: number;
  readonly modified: number;
}

/** What a watch asks of a bucket. ETags come with their quotes. */
export interface DropBucket {
  head(key: string, version?: string): Promise<Head | undefined>;
  get(key: string, checked: boolean): Promise<{ readonly bytes: Uint8Array } | undefined>;
  stream<T>(
    object: { readonly key: string; readonly version?: string | undefined; readonly etag: string },
    take: (body: Readable) => Promise<T>,
  ): Promise<T | undefined>;
  pages(
    prefix: string,
    options: { readonly after: string },
  ): AsyncIterable<{ readonly objects: readonly { readonly key: string; readonly etag: string }[] }>;
  versions(prefix: string, after?: string): AsyncIterable<readonly Listed[]>;
}

/** Whether a version may run: `again` says when to look anew, in milliseconds; null: it may. */
export interface Readiness {
  readonly again: number | null;
  /** What it waits for. */
  readonly why: string;
}

const LONGEST_MS = 60_000;
const READY: Readiness = { again: null, why: '' };

/** Asks whether versions may run; what several of them need is looked up once. */
export class Gate {
  readonly #bucket: DropBucket;
  readonly #spec: WatchSpec;
  readonly #ledger: Ledger;
  /** What nothing may tell of is looked at again after so long, in milliseconds. */
  readonly #againMs: number;
  readonly #heads = new Map<string, Promise<Head | undefined>>();
  readonly #manifests = new Map<string, Promise<Manifest | undefined>>();
  readonly #hashes = new Map<string, Promise<string | undefined>>();

  constructor(bucket: DropBucket, { spec, pace }: Pick<WatchRecord, 'spec' | 'pace'>, ledger: Ledger) {
    this.#bucket = bucket;
    this.#spec = spec;
    this.#ledger = ledger;
    this.#againMs = Math.min(LONGEST_MS, pace.pollMs || LONGEST_MS);
  }

  /** True when there are signs to wait for, so that only the newest version of an object counts. */
  get hasSigns(): boolean {
    return this.#spec.marker !== null || this.#spec.manifest !== null;
  }

  async opens(version: Listed): Promise<Readiness> {
    const { marker, manifest, quietMs } = this.#spec;
    const left = version.modified + quietMs - Date.now();
    if (quietMs > 0 && left > 0) return { again: left, why: 'is young' };
    if (marker !== null) {
      const sign = marker.startsWith('.') ? version.key + marker : folderOf(version.key) + marker;
      const head = await this.#head(sign);
      if (!head) return this.#waits(`waits for ${sign}`);
      if (head.modified < version.modified) return this.#waits(`waits for a ${sign} that is newer than itself`);
    }
    return manifest === null ? READY : this.#fitsManifest(version, folderOf(version.key) + manifest);
  }

  async #fitsManifest(version: Listed, path: string): Promise<Readiness> {
    const manifest = await this.#manifest(path);
    if (manifest === undefined) return this.#waits(`waits for ${path}`);
    if ('problem' in manifest) return this.#waits(`waits for a ${path} that can be read: ${manifest.problem}`);
    const folder = folderOf(path);
    if (!manifest.entries.some(({ name }) => folder + name === version.key)) return this.#waits(`waits to be listed in ${path}`);
    for (const entry of manifest.entries) {
      const key = folder + entry.name;
      const head = await this.#head(key);
      if (!head) return this.#waits(`waits for ${key}, which ${path} lists`);
      const sha256 = entry.sha256 === undefined ? undefined : (head.sha256 ?? (await this.#hash(key, head.etag)));
      const fault = misfit(entry, { bytes: head.bytes, etag: head.etag.replaceAll('"', ''), sha256 });
      if (fault !== undefined) return this.#waits(`waits until all fits ${path}: ${fault}`);
    }
    return READY;
  }

  #waits(why: string): Readiness {
    return { again: this.#againMs, why };
  }

  #manifest(path: string): Promise<Manifest | undefined> {
    return once(this.#manifests, path, async () => {
      const found = await this.#bucket.get(path, false);
      if (!found) return undefined;
      const text = Buffer.from(found.bytes).toString('utf8');
      const manifest = parseManifest(text);
      if ('problem' in manifest)
        await this.#ledger.dead({ from: 'manifest', at: Date.now(), why: `${path}: ${manifest.problem}`, text: `${path}\n${text}` });
      return manifest;
    });
  }

  #head(key: string): Promise<Head | undefined> {
    return once(this.#heads, key, () => this.#bucket.head(key));
  }

  #hash(key: string, etag: string): Promise<string | undefined> {
    return once(this.#hashes, key + etag, () =>
      this.#bucket.stream({ key, etag }, async (body) => {
        const hash = createHash('sha256');
        for await (const chunk of body) hash.update(chunk as Uint8Array);
        return hash.digest('hex');
      }),
    );
  }
}

function once<T>(known: Map<string, Promise<T>>, key: string, find: () => Promise<T>): Promise<T> {
  const found = known.get(key) ?? find();
  known.set(key, found);
  return found;
}
