import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
  UploadPartCommand,
} from '@aws-sdk/client-s3';

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

/** A bucket as those see it who drop objects into it. */
export class TestBucket {
  readonly name: string;
  readonly #s3: S3Client;

  constructor(name: string, config: S3ClientConfig) {
    this.name = name;
    this.#s3 = new S3Client({ region: 'us-east-1', forcePathStyle: true, requestChecksumCalculation: 'WHEN_REQUIRED', ...config });
  }

  async create(isVersioned: boolean): Promise<this> {
    await this.#s3.send(new CreateBucketCommand({ Bucket: this.name }));
    if (isVersioned)
      await this.#s3.send(new PutBucketVersioningCommand({ Bucket: this.name, VersioningConfiguration: { Status: 'Enabled' } }));
    return this;
  }

  /** Puts an object; gives its ETag, without quotes, and its VersionId. */
  async put(Key: string, Body: string): Promise<{ etag: string; version: string | undefined }> {
    const { ETag = '', VersionId } = await this.#s3.send(new PutObjectCommand({ Bucket: this.name, Key, Body }));
    return { etag: ETag.replaceAll('"', ''), version: VersionId };
  }

  /** Begins an upload that never ends. */
  async half(Key: string): Promise<void> {
    const at = { Bucket: this.name, Key };
    const { UploadId } = await this.#s3.send(new CreateMultipartUploadCommand(at));
    await this.#s3.send(new UploadPartCommand({ ...at, UploadId, PartNumber: 1, Body: 'half' }));
  }

  /** Every object that there is: its key, with what the server says of it, its metadata included, and its bytes. */
  async all(): Promise<Map<string, Buffer>> {
    const found = new Map<string, Buffer>();
    let ContinuationToken: string | undefined;
    do {
      const page = await this.#s3.send(
        new ListObjectsV2Command({ Bucket: this.name, ...(ContinuationToken ? { ContinuationToken } : {}) }),
      );
      for (const { Key } of page.Contents ?? []) {
        const { Body, ...about } = await this.#s3.send(new GetObjectCommand({ Bucket: this.name, Key }));
        found.set(`${Key} ${JSON.stringify(about)}`, Buffer.from((await Body?.transformToByteArray()) ?? []));
      }
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    return found;
  }

  async read(Key: string): Promise<string | undefined> {
    const answer = await this.#s3.send(new GetObjectCommand({ Bucket: this.name, Key })).catch(() => undefined);
    return answer?.Body?.transformToString();
  }
}
