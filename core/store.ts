import type { ArtifactRef } from '../schemas/artifact.ts';

/** A record with a mark of this very version of it. */
export interface TaggedRecord {
  readonly text: string;
  readonly tag: string;
}

/** Something in a store, as a listing shows it. */
export interface StoredItem {
  readonly path: string;
  readonly bytes: number;
  /** Time since it was written, or last asked to be written, in milliseconds. */
  readonly age: number;
}

/** An object in a listing. Without a hash: what a writer that died left behind, or bytes that were set aside as damaged. */
export interface StoredObject extends StoredItem {
  readonly sha256: string | undefined;
}

/** Where artifacts, cache entries and records of runs live. Objects are named by their content; records by a path. */
export interface ArtifactStore {
  /** How a worker on another machine would name it. */
  readonly uri: string;
  /** Stores bytes (given in parts) under their hash; whole or not at all. What is there already counts as written just now. */
  put(parts: readonly Uint8Array[], type: string): Promise<ArtifactRef>;
  /** The bytes, after checking that they hash to the reference; ArtifactError when missing or different. */
  get(ref: ArtifactRef): Promise<Uint8Array>;
  /** True when an object of that size is there. */
  has(ref: ArtifactRef): Promise<boolean>;
  /** A small text by path, or undefined. */
  readRecord(path: string): Promise<string | undefined>;
  /** Writes a small text atomically. */
  writeRecord(path: string, text: string): Promise<void>;
  /** Writes a record only where there is none: of many callers at once one gets true. The text should be unlike that of any other caller. */
  createRecord(path: string, text: string): Promise<boolean>;
  /** A record and the tag that `replaceRecord` wants. */
  readTagged(path: string): Promise<TaggedRecord | undefined>;
  /** Writes a record while it is still the one with that tag, else gives false. The text should be unlike that of any other caller. */
  replaceRecord(path: string, text: string, tag: string): Promise<boolean>;
  /** Drops a record, or whatever a listing named; nothing happens when there is none. */
  removeRecord(path: string): Promise<void>;
  /** Drops every record under a prefix that ends in a slash, with the folder. */
  removeRecords(prefix: string): Promise<void>;
  /** Drops an object that nothing refers to any more; nothing happens when there is none. */
  remove(ref: ArtifactRef): Promise<void>;
  /** Paths of the records under a prefix, sorted. */
  listRecords(prefix: string): Promise<string[]>;
  /** Names of the folders whose path begins so, sorted: `runs/zei` finds `zeisel-1` in `runs/`. */
  listFolders(prefix: string): Promise<string[]>;
  /** Records under a prefix that ends in a slash, however deep, in pages and in any order. */
  walkRecords(prefix: string): AsyncIterable<readonly StoredItem[]>;
  /** Every object, in pages and in any order. */
  walkObjects(): AsyncIterable<readonly StoredObject[]>;
  /** SHA-256 (hex) of the bytes that lie in the store itself under that name, read as a stream; other text where the disk is damaged, undefined when there are none. */
  digest(sha256: string): Promise<string | undefined>;
}

/** Paths of records. */
export const recordPath = {
  cache: (key: string): string => `cache/${key.slice(0, 2)}/${key}.json`,
  /** Where a training stands: a reference, by the key of its result. */
  checkpoint: (key: string): string => `checkpoints/${key}.json`,
  /** Who computes a key at the moment. */
  claim: (key: string): string => `claims/${key}.json`,
  task: (run: string, task: string): string => `runs/${run}/tasks/${task}.json`,
  tasks: (run: string): string => `runs/${run}/tasks/`,
  /** How often a run was held so far, as a number. */
  holds: (run: string): string => `runs/${run}/holds.json`,
  run: (run: string): string => `runs/${run}/run.json`,
  /** What a worker computed it with. */
  host: (run: string, worker: string): string => `runs/${run}/hosts/${worker.replaceAll(/[^\w.@-]/g, '-')}.json`,
  hosts: (run: string): string => `runs/${run}/hosts/`,
  /** The run that later ones of that name are compared with. */
  baseline: (name: string): string => `baselines/${name}.json`,
  /** What is to be launched, by whom it is launched. */
  order: (owner: string): string => `orders/${owner}.json`,
  /** That a notice, by the hash of its id, has reached a channel. */
  notice: (hash: string, channel: string): string => `notices/${hash}/${encodeURIComponent(channel)}.json`,
  /** All that is kept of a run. */
  allOf: (run: string): string => `runs/${run}/`,
} as const;
