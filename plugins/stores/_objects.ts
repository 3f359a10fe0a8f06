/** One answer to a listing: keys with size in bytes, age in milliseconds and ETag, and prefixes that end in a slash. */
export interface Page {
  readonly objects: readonly { readonly key: string; readonly bytes: number; readonly age: number; readonly etag: string }[];
  readonly folders: readonly string[];
}

/** One version of an object, as a listing shows it; `modified` in epoch milliseconds. */
export interface ObjectVersion {
  readonly key: string;
  readonly version: string;
  readonly etag: string;
  readonly bytes: number;
  readonly modified: number;
}

/** An object's size in bytes, its age in milliseconds, when it was written (epoch milliseconds), its ETag, and its SHA-256 (hex) when the server keeps that of the whole. */
export interface ObjectHead {
  readonly bytes: number;
  readonly age: number;
  readonly modified: number;
  readonly etag: string;
  readonly sha256: string | undefined;
}
