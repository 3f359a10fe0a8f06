import * as z from 'zod';

/** Which objects are drops, and what is done with each; kept in the store, read by workers. */
export const WatchSpec = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,59}$/),
  bucket: z.string(),
  /** Keys of drops: `*` within a folder, `**` across folders, `?` one character. */
  glob: z.string(),
  /** Every version of an object counts, as the bucket keeps them; else what is there counts by its ETag. */
  versions: z.boolean(),
  /** Name of the object that says that a folder is complete; one that begins with a dot is appended to each key. */
  marker: z.string().nullable(),
  /** Name of the list, in each folder, of what belongs together. */
  manifest: z.string().nullable(),
  /** A version counts when none has followed for so long, in milliseconds. */
  quietMs: z.number().nonnegative(),
  /** Param that gets the name of the object. */
  param: z.string(),
  /** Params by dotted path for keys that fit; the first that fits counts. */
  samples: z.array(z.strictObject({ drop: z.string(), params: z.record(z.string(), z.unknown()) })),
  unmatched: z.enum(['run', 'refuse']),
  /** Where results go, with {stem}, {key}, {folder}, {version}. */
  out: z.string(),
});
export type WatchSpec = z.infer<typeof WatchSpec>;

/** How a watch goes about it: what its workflow needs to know. */
export const WatchPace = z.strictObject({
  /** Between two looks at the bucket, in milliseconds; 0: never. */
  pollMs: z.number().nonnegative(),
  /** Address of an SQS queue; null where there is none. */
  queue: z.string().nullable(),
  /** Runs at a time. */
  most: z.number().int().positive(),
});
export type WatchPace = z.infer<typeof WatchPace>;

/** What the store keeps of a watch. */
export const WatchRecord = z.strictObject({
  spec: WatchSpec,
  pace: WatchPace,
  file: z.string(),
  plugins: z.array(z.string()),
  created: z.number(),
});
export type WatchRecord = z.infer<typeof WatchRecord>;

/** One version of an object. Times are epoch milliseconds. */
export const Drop = z.strictObject({
  /** Of bucket, key, and version or ETag: what makes it this one. */
  hash: z.string(),
  key: z.string(),
  /** VersionId; null where the bucket keeps none. */
  version: z.string().nullable(),
  /** Without quotes. */
  etag: z.string(),
  bytes: z.number(),
  /** When it was written, by S3's clock. */
  modified: z.number(),
  /** Runs of it so far that failed and were asked for again. */
  retries: z.number(),
});
export type Drop = z.infer<typeof Drop>;

/** waiting, running; then done, failed, superseded (a newer version came before its run), refused (it cannot be run as the watch is set up). */
export const DropState = z.enum(['waiting', 'running', 'done', 'failed', 'superseded', 'refused']);
export type DropState = z.infer<typeof DropState>;

/** What is known of one version: one record each. Times are epoch milliseconds; null: not yet. */
export const DropRecord = Drop.extend({
  state: DropState,
  seen: z.number(),
  started: z.number().nullable(),
  ended: z.number().nullable(),
  run: z.string().nullable(),
  out: z.string().nullable(),
  /** What it waits for, or why it ended so. */
  message: z.string(),
});
export type DropRecord = z.infer<typeof DropRecord>;

/** A message that could not be read. */
export const DeadLetter = z.strictObject({
  from: z.enum(['queue', 'webhook', 'manifest']),
  at: z.number(),
  why: z.string(),
  text: z.string(),
});
export type DeadLetter = z.infer<typeof DeadLetter>;

/** Something that happened, in order. */
export const WatchNews = z.strictObject({
  n: z.number(),
  at: z.number(),
  what: z.enum(['seen', 'started', 'done', 'failed', 'superseded', 'refused', 'dead', 'trouble', 'mended']),
  /** Key of an object, or what there is trouble with. */
  about: z.string(),
  message: z.string(),
});
export type WatchNews = z.infer<typeof WatchNews>;

/** How a watch stands. */
export const WatchStatus = z.strictObject({
  state: z.enum(['watching', 'paused', 'stopping']),
  running: z.array(z.string()),
  /** Versions at hand that wait for something, and those that wait for their turn. */
  waiting: z.number(),
  ready: z.number(),
  /** More wait in the store. */
  more: z.boolean(),
  /** Since it was set up. */
  counts: z.record(z.string(), z.number()),
  /** What does not work at the moment: since when, and how it says so. */
  trouble: z.record(z.string(), z.strictObject({ since: z.number(), message: z.string() })),
  news: z.array(WatchNews),
});
export type WatchStatus = z.infer<typeof WatchStatus>;
