import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CompletedPart, ListObjectVersionsOutput, ListObjectVersionsRequest, S3ClientConfig } from '@aws-sdk/client-s3';
import { isPanelflowError, type PanelflowError } from '../../core/errors.ts';
import { drain, joined, pieces, sha256, wholeSha256 } from './_bytes.ts';
import { connect, type Connection, shared } from './_connection.ts';
import type { ObjectHead, ObjectVersion, Page } from './_objects.ts';
import { type Asked, DAMAGED, isOutage, s3Fault, type SdkError } from './_s3-fault.ts';

/** What may differ from S3's and our defaults. */
export interface BucketOptions {
  /** A server that the environment does not name: endpoint, region, credentials. */
  readonly client?: S3ClientConfig;
  /** What the user calls the thing that is asked for; errors say it. */
  readonly path?: string;
  /** The most bytes in a single upload, and the least in each part of a multipart one. S3 wants at least 5 MiB of a part. */
  readonly partBytes?: number;
  /** The most keys in one answer to a listing. */
  readonly pageSize?: number;
  /** How long a server that does not answer is waited for, in milliseconds, beyond what the SDK does itself. */
  readonly patienceMs?: number;
}

/** What became of a write under a condition. `unsure`: refused when the request was repeated, so the first one may have been taken. */
export type Conditional = 'written' | 'refused' | 'unsure';

type Failure = SdkError | undefined;
type VersionsFrom = Pick<ListObjectVersionsRequest, 'KeyMarker' | 'VersionIdMarker'>;

/** Tries for what the SDK does not repeat itself: bytes damaged on the way, an answer cut off in the middle, a write that met another one. */
const TRIES = 4;
const PAUSE_MS = 200;
/** A server that is away is asked again so often. */
const AWAY_MS = 1_000;
/** Parts under way at a time, and the most parts that S3 takes. */
const LANES = 4;
const MOST_PARTS = 10_000;
const ABSENT = new Set(['NoSuchKey', 'NotFound']);

// Not named Bucket: TypeScript 7.0.2 writes a property with the name of the class around it, as in `{ Bucket: … }`, under another name.
/** Requests to one bucket. Every error is one of ours; what is not there is undefined. */
export class S3Bucket {
  readonly name: string;
  readonly #options: BucketOptions;
  readonly #partBytes: number;
  #own: Promise<Connection> | undefined;

  constructor(name: string, options: BucketOptions = {}) {
    this.name = name;
    this.#options = options;
    this.#partBytes = options.partBytes ?? 16 * 2 ** 20;
  }

  /** The server's address, or AWS and the region; empty before the first request. */
  async endpoint(): Promise<string> {
    return (await this.#connection()).endpoint ?? '';
  }

  async create(): Promise<void> {
    await this.#send(
      '',
      ({ sdk, client }) => client.send(new sdk.CreateBucketCommand({ Bucket: this.name })),
      isNamed('BucketAlreadyOwnedByYou'),
    );
  }

  /** Size and hashes of an object, or of one of its versions. */
  async head(key: string, version?: string): Promise<ObjectHead | undefined> {
    try {
      const found = await this.#send(key, ({ sdk, client }) =>
        client.send(new sdk.HeadObjectCommand({ Bucket: this.name, Key: key, VersionId: version, ChecksumMode: 'ENABLED' })),
      );
      const modified = found?.LastModified?.getTime() ?? 0;
      return (
        found && {
          bytes: found.ContentLength ?? 0,
          age: Date.now() - modified,
          modified,
          etag: found.ETag ?? '',
          sha256: wholeSha256(found.ChecksumSHA256),
        }
      );
    } catch (error) {
      // A refused HEAD has no body and so no reason; the answer to a listing has one.
      if ((error as PanelflowError).code !== 'RESOURCE') await this.list(key, 1);
      throw error;
    }
  }

  /** A whole object in memory. `checked` has the SDK compare it with the checksum that the server keeps. */
  get(key: string, checked: boolean): Promise<{ readonly bytes: Uint8Array; readonly etag: string } | undefined> {
    return this.#repeat(key, async () => {
      const answer = await this.#send(key, ({ sdk, client }) =>
        client.send(new sdk.GetObjectCommand({ Bucket: this.name, Key: key, ...(checked ? { ChecksumMode: 'ENABLED' } : {}) })),
      );
      return answer && { bytes: await drain(answer.Body as Readable, answer.ContentLength), etag: answer.ETag ?? '' };
    });
  }

  /** Hands a whole object to `take` as a stream, again from the start when it breaks off. Undefined when there is none with that ETag any more. */
  stream<T>(
    { key, version, etag }: { readonly key: string; readonly version?: string | undefined; readonly etag: string },
    take: (body: Readable) => Promise<T>,
  ): Promise<T | undefined> {
    return this.#repeat(key, async () => {
      const answer = await this.#send(
        key,
        ({ sdk, client }) => client.send(new sdk.GetObjectCommand({ Bucket: this.name, Key: key, VersionId: version, IfMatch: etag })),
        (error) => isRefused(error) || isAbsent(error),
      );
      return answer && take(answer.Body as Readable);
    });
  }

  /** Writes an object, whole or not at all. */
  async put(key: string, parts: readonly Uint8Array[], type = 'application/octet-stream'): Promise<void> {
    const bytes = parts.reduce((sum, part) => sum + part.byteLength, 0);
    if (bytes > this.#partBytes) return this.#putParts(key, parts, bytes, type);
    const Body = joined(parts);
    await this.#send(key, ({ sdk, client }) =>
      client.send(new sdk.PutObjectCommand({ Bucket: this.name, Key: key, Body, ChecksumSHA256: sha256(Body), ContentType: type })),
    );
  }

  /** Writes a small object when there is none (`*`), or while its ETag is still that one. */
  async putIf(key: string, body: Uint8Array, etag: string): Promise<Conditional> {
    const condition = etag === '*' ? { IfNoneMatch: '*' } : { IfMatch: etag };
    for (let tries = 1; ; tries++) {
      const failure: { last?: SdkError; isUnsure: boolean } = { isUnsure: tries > 1 };
      const answer = await this.#send(
        key,
        ({ sdk, client }) =>
          client.send(
            new sdk.PutObjectCommand({
              Bucket: this.name,
              Key: key,
              Body: body,
              ChecksumSHA256: sha256(body),
              ContentType: 'application/json',
              ...condition,
            }),
          ),
        (error, isRepeated) => {
          failure.last = error;
          failure.isUnsure ||= isRepeated;
          return isRefused(error) || isAbsent(error) || (isConflict(error) && tries < TRIES);
        },
      );
      if (answer) return 'written';
      if (!isConflict(failure.last)) return failure.isUnsure ? 'unsure' : 'refused';
      await sleep(PAUSE_MS * Math.random() * tries);
    }
  }

  /** Keys that begin so, sorted; with `most`, only the first ones. */
  async list(prefix: string, most = Infinity): Promise<string[]> {
    const keys: string[] = [];
    for await (const page of this.pages(prefix, { most })) {
      keys.push(...page.objects.map(({ key }) => key));
      if (keys.length >= most) break;
    }
    return keys.sort();
  }

  /** What begins so, page after page, from behind the key `after`. When `flat`, keys with a further slash are left out, and given as folders. */
  async *pages(prefix: string, { most = Infinity, flat = false, after = '' } = {}): AsyncGenerator<Page> {
    let token: string | undefined;
    do {
      const page = await this.#send(prefix, ({ sdk, client }) =>
        client.send(
          new sdk.ListObjectsV2Command({
            Bucket: this.name,
            Prefix: prefix,
            MaxKeys: Math.min(most, this.#options.pageSize ?? 1000),
            ContinuationToken: token,
            ...(after === '' ? {} : { StartAfter: after }),
            ...(flat ? { Delimiter: '/' } : {}),
          }),
        ),
      );
      token = page?.NextContinuationToken;
      const now = Date.now();
      yield {
        objects: (page?.Contents ?? []).map((o) => ({
          key: o.Key ?? '',
          bytes: o.Size ?? 0,
          age: now - (o.LastModified?.getTime() ?? now),
          etag: o.ETag ?? '',
        })),
        folders: (page?.CommonPrefixes ?? []).map((p) => p.Prefix ?? ''),
      };
    } while (token !== undefined);
  }

  /** Every version of what begins so, page after page, from behind the key `after`; those of a key together, the newest first. */
  async *versions(prefix: string, after = ''): AsyncGenerator<readonly ObjectVersion[]> {
    let from: VersionsFrom | undefined = after === '' ? {} : { KeyMarker: after };
    while (from) {
      const at: ListObjectVersionsRequest = { Bucket: this.name, Prefix: prefix, MaxKeys: this.#options.pageSize ?? 1000, ...from };
      const page: ListObjectVersionsOutput | undefined = await this.#send(prefix, ({ sdk, client }) =>
        client.send(new sdk.ListObjectVersionsCommand(at)),
      );
      yield (page?.Versions ?? []).map((v) => ({
        key: v.Key ?? '',
        version: v.VersionId ?? 'null',
        etag: v.ETag ?? '',
        bytes: v.Size ?? 0,
        modified: v.LastModified?.getTime() ?? 0,
      }));
      from = page?.IsTruncated ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker } : undefined;
    }
  }

  /** True when the bucket keeps every version of an object, or has done so. */
  async keepsVersions(): Promise<boolean> {
    const answer = await this.#send('', ({ sdk, client }) => client.send(new sdk.GetBucketVersioningCommand({ Bucket: this.name })));
    return answer?.Status !== undefined;
  }

  async remove(key: string): Promise<void> {
    await this.#send(key, ({ sdk, client }) => client.send(new sdk.DeleteObjectCommand({ Bucket: this.name, Key: key })));
  }

  async #putParts(key: string, parts: readonly Uint8Array[], bytes: number, type: string): Promise<void> {
    const at = { Bucket: this.name, Key: key };
    const begun = await this.#send(key, ({ sdk, client }) =>
      client.send(new sdk.CreateMultipartUploadCommand({ ...at, ChecksumAlgorithm: 'SHA256', ContentType: type })),
    );
    const upload = { ...at, UploadId: begun?.UploadId };
    try {
      const queue = pieces(parts, Math.max(this.#partBytes, Math.ceil(bytes / MOST_PARTS)));
      const done: CompletedPart[] = [];
      const lane = async (): Promise<void> => {
        for (const [number, Body] of queue) {
          const part = { PartNumber: number, ChecksumSHA256: sha256(Body) };
          const sent = await this.#send(key, ({ sdk, client }) => client.send(new sdk.UploadPartCommand({ ...upload, ...part, Body })));
          done[number - 1] = { ...part, ETag: sent?.ETag };
        }
      };
      // All lanes end before anything is aborted: a part that came later would stay.
      const failed = (await Promise.allSettled(Array.from({ length: LANES }, lane))).find((l) => l.status === 'rejected');
      if (failed) throw failed.reason;
      await this.#send(
        key,
        ({ sdk, client }) => client.send(new sdk.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: done } })),
        // The answer to the first request may have been lost.
        (error, isRepeated) => error.name === 'NoSuchUpload' && isRepeated,
      );
    } catch (error) {
      await this.#send(key, ({ sdk, client }) => client.send(new sdk.AbortMultipartUploadCommand(upload))).catch(() => {});
      throw error;
    }
  }

  #connection(): Promise<Connection> {
    if (this.#options.client) return (this.#own ??= connect(this.#options.client));
    return shared();
  }

  /** One request; undefined when it failed in an expected way. `isRepeated`: an earlier one may have been taken, and its answer lost. */
  async #send<T>(
    key: string,
    request: (c: Connection) => Promise<T>,
    expected: (error: SdkError, isRepeated: boolean) => boolean = isAbsent,
  ): Promise<T | undefined> {
    const connection = await this.#connection();
    const start = performance.now();
    for (let tries = 1; ; tries++) {
      try {
        return await request(connection);
      } catch (error) {
        const failure = error as SdkError;
        if (expected(failure, tries > 1 || (failure.$metadata?.attempts ?? 1) > 1)) return undefined;
        const isAway = isOutage(failure) && performance.now() - start < (this.#options.patienceMs ?? 0);
        if (!isAway && (tries === TRIES || !DAMAGED.includes(failure.name))) throw s3Fault(error, await this.#asked(key));
        if (isAway) await sleep(AWAY_MS);
      }
    }
  }

  /** Tries again when an answer breaks off in the middle, which the SDK leaves to its caller. */
  async #repeat<T>(key: string, read: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await read();
      } catch (error) {
        if (isPanelflowError(error)) throw error;
        if (tries === TRIES) throw s3Fault(error, await this.#asked(key));
        await sleep(PAUSE_MS * tries);
      }
    }
  }

  async #asked(key: string): Promise<Asked> {
    return { path: this.#options.path, bucket: this.name, key, endpoint: await this.endpoint() };
  }
}

const isNamed = (name: string) => (error: Failure) => error?.name === name;
const isAbsent = (error: Failure): boolean => ABSENT.has(error?.name ?? '');
const isRefused = isNamed('PreconditionFailed');
const isConflict = (error: Failure): boolean => error?.$metadata?.httpStatusCode === 409;
