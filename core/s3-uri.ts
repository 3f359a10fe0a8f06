import { ConfigError } from './errors.ts';

/** A place in S3: a bucket, and a key or the beginning of keys. The key has no slash in front and may be empty. */
export interface S3Place {
  readonly bucket: string;
  readonly key: string;
}

/** True for names of things in S3. */
export const isS3 = (name: string): boolean => name.startsWith('s3://');

/** Splits `s3://bucket/key`; ConfigError for a bucket name that S3 does not allow. */
export function parseS3(uri: string): S3Place {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]*)\/*(.*)$/s.exec(uri) ?? [];
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket))
    throw new ConfigError(`"${uri}" names no bucket`, {
      context: { path: uri },
      mend: 'Write s3://bucket/key: a bucket has 3 to 63 small letters, digits, dots and hyphens.',
    });
  return { bucket, key };
}
