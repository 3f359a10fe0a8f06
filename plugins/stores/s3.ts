import { createHash } from 'node:crypto';
import { ArtifactError } from '../../core/errors.ts';
import { parseS3 } from '../../core/s3-uri.ts';
import type { ArtifactStore, StoredItem, StoredObject, TaggedRecord } from '../../core/store.ts';
import type { ArtifactRef } from '../../schemas/artifact.ts';
import { S3Bucket, type BucketOptions } from './_bucket.ts';
import type { Page } from './_objects.ts';
import type { LocalCache } from './_local-cache.ts';
import { refOf } from './_bytes.ts';

/** A damaged answer is asked for once more: the damage may have happened on the way. */
const FETCHES = 2;
/** An object as old as this is written again rather than taken for written, so that `clean` sees that it is wanted. */
const FRESH_MS = 20 * 60_000;
/** Where everything is named by a hash. */
const HASHED = new Set(['objects/', 'cache/', 'checkpoints/', 'claims/']);
const DIGITS = Array.from({ length: 16 }, (_, digit) => digit.toString(16));
/** Records of a run are dropped so many at a time. */
const ABREAST = 64;
const OBJECT = /\/([0-9a-f]{64})$/;

/** A store in a bucket of S3 or a server like it: objects/ab/<sha256>, cache/…, runs/… under a prefix. What was fetched once is kept on this machine's disk. */
export class S3Store implements ArtifactStore {
  readonly uri: string;
  readonly #bucket: S3Bucket;
  readonly #prefix: string;
  readonly #cache: LocalCache | undefined;

  /** `uri` is s3://bucket/prefix. No request is made here. */
  constructor(uri: string, cache?: LocalCache, options: BucketOptions = {}) {
    const { bucket, key } = parseS3(uri);
    this.uri = uri;
    this.#bucket = new S3Bucket(bucket, options);
    this.#prefix = key === '' || key.endsWith('/') ? key : `${key}/`;
    this.#cache = cache;
  }

  async put(parts: readonly Uint8Array[], type: string): Promise<ArtifactRef> {
    const ref = refOf(parts, type);
    const there = await this.#bucket.head(this.#object(ref));
    if (there === undefined || there.bytes !== ref.bytes || there.age > FRESH_MS) await this.#bucket.put(this.#object(ref), parts);
    await this.#cache?.write(ref.sha256, parts);
    return ref;
  }

  async get(ref: ArtifactRef): Promise<Uint8Array> {
    const near = await this.#cache?.read(ref.sha256);
    if (near) return near;
    const key = this.#object(ref);
    const short = `${ref.sha256.slice(0, 12)} (${ref.type})`;
    for (let fetches = 0; fetches < FETCHES; fetches++) {
      const found = await this.#bucket.get(key, false);
      if (!found)
        throw new ArtifactError(`Artifact ${short} is not in the store`, {
          retryable: false,
          context: { store: this.uri },
          mend: 'Run the pipeline again: what is missing is computed anew.',
        });
      if (createHash('sha256').update(found.bytes).digest('hex') !== ref.sha256) continue;
      await this.#cache?.write(ref.sha256, [found.bytes]);
      return found.bytes;
    }
    throw new ArtifactError(`Artifact ${short} is damaged: its bytes do not match its hash`, {
      retryable: false,
      context: { bucket: this.#bucket.name, key, endpoint: await this.#bucket.endpoint() },
      mend: 'Remove that object and run the pipeline again to compute it anew; if it happens again, look for a proxy on the way.',
    });
  }

  async has(ref: ArtifactRef): Promise<boolean> {
    return (await this.#bucket.head(this.#object(ref)))?.bytes === ref.bytes;
  }

  async readRecord(path: string): Promise<string | undefined> {
    return (await this.readTagged(path))?.text;
  }

  async writeRecord(path: string, text: string): Promise<void> {
    await this.#bucket.put(this.#prefix + path, [Buffer.from(text)], 'application/json');
  }

  createRecord(path: string, text: string): Promise<boolean> {
    return this.replaceRecord(path, text, '*');
  }

  async readTagged(path: string): Promise<TaggedRecord | undefined> {
    const found = await this.#bucket.get(this.#prefix + path, true);
    return found && { text: Buffer.from(found.bytes).toString('utf8'), tag: found.etag };
  }

  async replaceRecord(path: string, text: string, tag: string): Promise<boolean> {
    const answer = await this.#bucket.putIf(this.#prefix + path, Buffer.from(text), tag);
    if (answer !== 'unsure') return answer === 'written';
    return (await this.readRecord(path)) === text;
  }

  async removeRecord(path: string): Promise<void> {
    await this.#bucket.remove(this.#prefix + path);
  }

  async removeRecords(prefix: string): Promise<void> {
    for await (const { objects } of this.#bucket.pages(this.#prefix + prefix)) {
      for (let at = 0; at < objects.length; at += ABREAST)
        await Promise.all(objects.slice(at, at + ABREAST).map(({ key }) => this.#bucket.remove(key)));
    }
  }

  async remove(ref: ArtifactRef): Promise<void> {
    await this.#bucket.remove(this.#object(ref));
  }

  async listRecords(prefix: string): Promise<string[]> {
    const paths: string[] = [];
    for await (const { objects } of this.#bucket.pages(this.#prefix + prefix, { flat: true }))
      paths.push(...objects.map(({ key }) => key.slice(this.#prefix.length)));
    return paths.filter((path) => path.endsWith('.json')).sort();
  }

  async listFolders(prefix: string): Promise<string[]> {
    const names: string[] = [];
    for await (const { folders } of this.#bucket.pages(this.#prefix + prefix, { flat: true }))
      names.push(...folders.map((folder) => folder.slice(0, -1).split('/').at(-1) ?? ''));
    return names.sort();
  }

  async *walkRecords(prefix: string): AsyncGenerator<readonly StoredItem[]> {
    for await (const page of this.#walk(prefix)) yield page.filter(({ path }) => path.endsWith('.json'));
  }

  async *walkObjects(): AsyncGenerator<readonly StoredObject[]> {
    for await (const page of this.#walk('objects/')) yield page.map((item) => ({ ...item, sha256: OBJECT.exec(item.path)?.[1] }));
  }

  async digest(sha256: string): Promise<string | undefined> {
    const key = this.#object({ sha256 });
    const head = await this.#bucket.head(key);
    if (head === undefined) return undefined;
    return this.#bucket.stream({ key, etag: head.etag }, async (body) => {
      const hash = createHash('sha256');
      let came = 0;
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        hash.update(chunk);
        came += chunk.byteLength;
      }
      if (came !== head.bytes) throw new Error(`${came} of ${head.bytes} bytes came`);
      return hash.digest('hex');
    });
  }

  /** All under a prefix; what is named by hashes is listed by first digit, side by side. */
  async *#walk(prefix: string): AsyncGenerator<readonly StoredItem[]> {
    const begins = HASHED.has(prefix) ? DIGITS.map((digit) => prefix + digit) : [prefix];
    for await (const { objects } of together(begins.map((begin) => this.#bucket.pages(this.#prefix + begin))))
      yield objects.map(({ key, ...rest }) => ({ ...rest, path: key.slice(this.#prefix.length) }));
  }

  #object({ sha256 }: Pick<ArtifactRef, 'sha256'>): string {
    return `${this.#prefix}objects/${sha256.slice(0, 2)}/${sha256}`;
  }
}

/** Pages of several listings; the next ones of all are asked for together. */
async function* together(lanes: readonly AsyncGenerator<Page>[]): AsyncGenerator<Page> {
  for (let open = lanes; open.length > 0;) {
    const next = await Promise.all(open.map((lane) => lane.next()));
    for (const { done, value } of next) if (!done) yield value;
    open = open.filter((_, i) => !next[i].done);
  }
}
