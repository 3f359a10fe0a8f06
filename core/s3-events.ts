/** An object that an event tells of. What is true of it is asked of the bucket: events come late, twice, and out of order. */
export interface Nudge {
  readonly bucket: string;
  readonly key: string;
  /** Another key that may be meant: some servers encode keys, some do not. */
  readonly or?: string;
  /** Without quotes. */
  readonly etag?: string;
}

/** What a message says. */
export interface Parsed {
  readonly nudges: readonly Nudge[];
  /** Events that tell of no new object: removals, tests. */
  readonly ignored: number;
  /** Why it cannot be read; undefined where it can. */
  readonly problem?: string;
}

type Json = Readonly<Record<string, unknown>>;
const isMap = (value: unknown): value is Json => value !== null && typeof value === 'object' && !Array.isArray(value);
const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
const nothing: Parsed = { nudges: [], ignored: 1 };
const poison = (problem: string): Parsed => ({ nudges: [], ignored: 0, problem });
/** Messages within messages go so deep. */
const DEEPEST = 3;

/**
 * Reads a message of any known form: S3's own (Records), EventBridge's, either wrapped by SNS, and MinIO's. Sources: Amazon S3 User Guide,
 * "Event message structure" and "EventBridge event message structure"; MinIO, "Publish events to webhook".
 */
export function parseEvents(text: string, depth = 0): Parsed {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return poison('It is no JSON');
  }
  if (!isMap(message)) return poison('It is no map');
  if (Array.isArray(message.Records)) return ofRecords(message.Records);
  if (typeof message.Message === 'string' && 'TopicArn' in message)
    return depth < DEEPEST ? parseEvents(message.Message, depth + 1) : poison('It is wrapped too often');
  if (message.Event === 's3:TestEvent') return nothing;
  if ('detail-type' in message) return ofEventBridge(message);
  return poison('It has neither Records nor a detail-type: it is no event of S3');
}

function ofRecords(records: readonly unknown[]): Parsed {
  const nudges: Nudge[] = [];
  let ignored = 0;
  for (const record of records) {
    const event = isMap(record) ? textOf(record.eventName) : undefined;
    if (!isMap(record) || event === undefined) return poison('A record has no eventName');
    if (!/^(s3:)?ObjectCreated:/.test(event)) {
      ignored++;
      continue;
    }
    const { bucket, object } = isMap(record.s3) ? record.s3 : ({} as Json);
    const name = isMap(bucket) ? textOf(bucket.name) : undefined;
    const key = isMap(object) ? textOf(object.key) : undefined;
    if (name === undefined || key === undefined) return poison(`A record of ${event} names no bucket and object`);
    nudges.push({ bucket: name, ...keysOf(key), ...etagOf((object as Json).eTag) });
  }
  return { nudges, ignored };
}

function ofEventBridge(message: Json): Parsed {
  if (message.source !== 'aws.s3' || message['detail-type'] !== 'Object Created') return nothing;
  const { bucket, object } = isMap(message.detail) ? message.detail : ({} as Json);
  const name = isMap(bucket) ? textOf(bucket.name) : undefined;
  const key = isMap(object) ? textOf(object.key) : undefined;
  if (name === undefined || key === undefined) return poison('Its detail names no bucket and object');
  // EventBridge does not encode keys.
  return { nudges: [{ bucket: name, key, ...etagOf((object as Json).etag) }], ignored: 0 };
}

/** S3 and MinIO encode keys, with "+" for a space; versitygw does not. */
function keysOf(raw: string): Pick<Nudge, 'key' | 'or'> {
  // What has a space or a character beyond ASCII is not encoded.
  if (!/^[\u0021-\u007e]*$/.test(raw)) return { key: raw };
  try {
    const key = decodeURIComponent(raw.replaceAll('+', ' '));
    return key === raw ? { key } : { key, or: raw };
  } catch {
    return { key: raw };
  }
}

function etagOf(value: unknown): Pick<Nudge, 'etag'> {
  const etag = textOf(value)?.replaceAll('"', '');
  return etag === undefined ? {} : { etag };
}
