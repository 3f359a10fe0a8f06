import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { Client, Connection } from '@temporalio/client';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { DropRecord } from '../../schemas/watch.ts';
import { MOTO_CLIENT } from '../engine/_moto.ts';
import { DropStage, type Mode } from './_drop-stage.ts';

export interface DropOptions {
  readonly objects: number;
  readonly kills: number;
  readonly mode: Mode;
  readonly isVersioned: boolean;
  readonly seed: number;
  readonly seconds: number;
  readonly tell: (line: string) => void;
}

/** What came of it. */
export interface DropAccount {
  readonly rows: readonly (readonly [string, string | number])[];
  readonly faults: readonly string[];
}

const BUCKET = 'lab';
/** Uploads under way at a time. */
const LANES = 4;

/** The same numbers for the same seed (mulberry32). */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => [random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}

/** Drops objects in random order, some in parts, some half, some again and again, while programs are killed; then counts runs. */
export async function tortureDrops(options: DropOptions): Promise<DropAccount> {
  const random = dice(options.seed);
  const stage = await DropStage.open(options.mode, options.isVersioned, () => 300 + 2_500 * Math.random());
  const started = Date.now();
  try {
    const dropper = new Dropper(stage, options, random);
    const killer = new Killer(stage, options, random);
    await Promise.all([dropper.run(), killer.run()]);
    options.tell(
      `${dropper.acknowledged.size} versions dropped and ${killer.total} kills after ${((Date.now() - started) / 1000).toFixed(0)} s`,
    );
    await dropper.resend();
    const shown = await settled(stage, options);
    return await account(stage, options, { shown, dropper, killer, ms: Date.now() - started });
  } finally {
    await stage.close();
    if (process.env.KEEP) options.tell(stage.folder);
    else stage.remove();
  }
}

/** Puts objects, and tells of them as notifications do: twice, late, out of order, and now and then nonsense. */
class Dropper {
  /** Contents of versions that the server has confirmed. */
  readonly acknowledged = new Set<string>();
  halves = 0;
  notices = 0;
  /** Messages without sense: sent, and of these taken by who was to read them. */
  poison = { sent: 0, taken: 0 };
  readonly #stage: DropStage;
  readonly #options: DropOptions;
  readonly #random: () => number;
  readonly #sent: string[] = [];
  readonly #late: Promise<unknown>[] = [];

  constructor(stage: DropStage, options: DropOptions, random: () => number) {
    this.#stage = stage;
    this.#options = options;
    this.#random = random;
  }

  async run(): Promise<void> {
    const keys = Array.from({ length: this.#options.objects }, (_, i) => `in/batch ${i % 7}/sample+${i}${i % 11 === 0 ? 'é' : ''}.h5ad`);
    const works = keys.flatMap((key, i) => {
      const versions = i % 3 === 0 ? 1 + Math.floor(this.#random() * 3) : 1;
      const whole = Array.from({ length: versions }, () => () => this.#put(key, this.#random() < 0.3));
      return i % 10 === 0 ? [...whole, () => this.#half(`in/half/${i}.h5ad`)] : whole;
    });
    const nonsense = Array.from({ length: 10 }, (_, i) => () => this.#nonsense(i));
    const queue = shuffled([...works, ...nonsense], this.#random).values();
    await Promise.all(
      Array.from({ length: LANES }, async () => {
        for (const work of queue) await work();
      }),
    );
    await Promise.all(this.#late);
  }

  /** A queue that lost what it held delivers all of it again. */
  async resend(): Promise<void> {
    if (this.#options.mode !== 'sqs') return;
    for (const text of shuffled(this.#sent, this.#random)) await this.#send(text);
  }

  async #put(Key: string, inParts: boolean): Promise<void> {
    const { s3 } = this.#stage;
    const Body = `${randomBytes(12).toString('hex')} ${Key}`;
    const at = { Bucket: BUCKET, Key };
    const answer = await untilTaken(async () => {
      if (!inParts) return s3.send(new PutObjectCommand({ ...at, Body }));
      const { UploadId } = await s3.send(new CreateMultipartUploadCommand(at));
      const { ETag } = await s3.send(new UploadPartCommand({ ...at, UploadId, PartNumber: 1, Body }));
      return s3.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] } }));
    });
    this.acknowledged.add(Body);
    if (this.#options.mode === 'poll') return;
    const text = event(Key, answer.ETag ?? '', answer.VersionId);
    const times = 1 + Math.floor(this.#random() * 3);
    for (let i = 0; i < times; i++) this.#late.push(sleep(this.#random() * (i === 0 ? 500 : 20_000)).then(() => this.#notice(text)));
  }

  async #half(Key: string): Promise<void> {
    const { s3 } = this.#stage;
    await untilTaken(async () => {
      const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key }));
      await s3.send(new UploadPartCommand({ Bucket: BUCKET, Key, UploadId, PartNumber: 1, Body: 'half' }));
    });
    this.halves++;
  }

  async #nonsense(i: number): Promise<void> {
    if (this.#options.mode === 'poll') return;
    if (i % 2 === 1) return void (await this.#notice(event(`in/${i}.h5ad`, 'x', undefined, 'elsewhere')));
    this.poison.sent++;
    if (await this.#notice(`{"Records": [{"nonsense": ${i}}]}`)) this.poison.taken++;
  }

  /** A queue takes a message for good; a webhook is tried some times, and given up. False when it was not taken. */
  async #notice(text: string): Promise<boolean> {
    this.notices++;
    this.#sent.push(text);
    for (let tries = 0; tries < 5; tries++) {
      if (await this.#send(text)) return true;
      await sleep(500);
    }
    return false;
  }

  async #send(text: string): Promise<boolean> {
    const { mode } = this.#options;
    if (mode === 'webhook')
      return fetch(this.#stage.door, { method: 'POST', body: text, signal: AbortSignal.timeout(5_000) }).then(
        ({ status }) => status === 200 || status === 400,
        () => false,
      );
    const sqs = new SQSClient({ ...MOTO_CLIENT, endpoint: new URL(this.#stage.queue).origin, maxAttempts: 2 });
    return sqs
      .send(new SendMessageCommand({ QueueUrl: this.#stage.queue, MessageBody: text }))
      .then(
        () => true,
        () => false,
      )
      .finally(() => sqs.destroy());
  }
}

function event(key: string, etag: string, versionId: string | undefined, bucket = BUCKET): string {
  const encoded = encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/');
  const s3 = { bucket: { name: bucket }, object: { key: encoded, size: 1, eTag: etag.replaceAll('"', ''), versionId, sequencer: '1' } };
  return JSON.stringify({ Records: [{ eventVersion: '2.1', eventSource: 'aws:s3', eventName: 'ObjectCreated:Put', s3 }] });
}

async function untilTaken<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch {
      await sleep(300);
    }
  }
}

/** Kills one program after another. */
class Killer {
  readonly kills: Record<string, number> = {};
  readonly #stage: DropStage;
  readonly #options: DropOptions;
  readonly #random: () => number;

  constructor(stage: DropStage, options: DropOptions, random: () => number) {
    this.#stage = stage;
    this.#options = options;
    this.#random = random;
  }

  get total(): number {
    return Object.values(this.kills).reduce((sum, n) => sum + n, 0);
  }

  async run(): Promise<void> {
    await sleep(3_000);
    for (let i = 0; i < this.#options.kills; i++) {
      const victim = this.#stage.programs[i % this.#stage.programs.length];
      if (await victim.kill()) this.kills[victim.name] = (this.kills[victim.name] ?? 0) + 1;
      // Slowly enough that most runs begin before the last kill.
      await sleep(4_000 + 8_000 * this.#random());
    }
  }
}

interface Shown {
  readonly state: string;
  readonly counts: Record<string, number>;
  readonly drops: readonly DropRecord[];
}

/** Waits until nothing waits or runs any more, and every version there is has a record. */
async function settled(stage: DropStage, { seconds, tell }: DropOptions): Promise<Shown> {
  const end = Date.now() + seconds * 1000;
  let shown: Shown | undefined;
  let calm = 0;
  while (Date.now() < end && calm < 2) {
    await sleep(3_000);
    const now = (await stage.show()) as Shown | undefined;
    if (!now) continue;
    shown = now;
    tell(JSON.stringify(now.counts));
    const versions = await versionsOf(stage.s3).catch(() => undefined);
    const known = new Set(now.drops.map(({ key, version, etag }) => `${key} ${version ?? etag}`));
    const isWhole = versions?.every(({ key, version, etag }) => known.has(`${key} ${version}`) || known.has(`${key} ${etag}`)) ?? false;
    calm = isWhole && now.counts.waiting === 0 && now.counts.running === 0 ? calm + 1 : 0;
  }
  return shown ?? { state: '', counts: {}, drops: [] };
}

interface Version {
  readonly key: string;
  readonly version: string;
  readonly etag: string;
  readonly isLatest: boolean;
}

async function versionsOf(s3: S3Client): Promise<Version[]> {
  const found: Version[] = [];
  let from: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } | undefined = {};
  while (from) {
    const page: any = await s3.send(new ListObjectVersionsCommand({ Bucket: BUCKET, Prefix: 'in/', ...from }));
    for (const v of page.Versions ?? [])
      found.push({ key: v.Key, version: v.VersionId, etag: v.ETag.replaceAll('"', ''), isLatest: v.IsLatest });
    from = page.IsTruncated ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker } : undefined;
  }
  return found;
}

async function account(
  stage: DropStage,
  { isVersioned, objects }: DropOptions,
  { shown, dropper, killer, ms }: { shown: Shown; dropper: Dropper; killer: Killer; ms: number },
): Promise<DropAccount> {
  const faults: string[] = [];
  const versions = await versionsOf(stage.s3);
  const by = (state: string): DropRecord[] => shown.drops.filter((drop) => drop.state === state);
  const recordOf = ({ key, version, etag }: Version): DropRecord | undefined =>
    shown.drops.find((drop) => drop.key === key && (isVersioned ? drop.version === version : drop.etag === etag));
  const missing = versions.filter((version) => recordOf(version)?.state !== 'done');
  for (const { key, version } of missing.slice(0, 10)) faults.push(`no run of ${key} ${version}`);
  for (const drop of [...by('failed'), ...by('refused')].slice(0, 10)) faults.push(`${drop.key} ${drop.state}: ${drop.message}`);
  const runs = readdirSync(join(stage.folder, 'work', 'runs'));
  const named = new Set(by('done').map(({ run }) => run));
  const doubles = runs.filter((run) => !named.has(run)).length - by('superseded').filter(({ run }) => run !== null).length;
  if (doubles !== 0) faults.push(`${doubles} runs that no version names`);
  if (named.size !== by('done').length) faults.push(`${by('done').length - named.size} versions share a run`);
  if (isVersioned && by('superseded').length > 0) faults.push(`${by('superseded').length} versions superseded`);
  const halves = shown.drops.filter(({ key }) => key.startsWith('in/half/')).length;
  if (halves > 0) faults.push(`${halves} half uploads were run`);
  const wrong = await wrongResults(stage.s3, by('done'), isVersioned ? versions : []);
  if (wrong > 0) faults.push(`${wrong} results are of another version`);
  const bodies = new Set(readFileSync(stage.log, 'utf8').trim().split('\n'));
  const unread = isVersioned ? [...dropper.acknowledged].filter((body) => !bodies.has(body)).length : 0;
  if (unread > 0) faults.push(`${unread} confirmed versions were never read`);
  const { sent, taken } = dropper.poison;
  // One that was not confirmed may have been read all the same.
  if (shown.counts.dead < taken || shown.counts.dead > sent)
    faults.push(`${shown.counts.dead} dead letters for ${taken} messages without sense that were taken of ${sent}`);
  const open = (await stage.s3.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }))).Uploads?.length ?? 0;
  return {
    faults,
    rows: [
      ['objects', objects],
      ['complete versions in the bucket', versions.length],
      ['uploads left half-written', `${dropper.halves} (${open} open)`],
      ["notifications sent beside the server's own", dropper.notices],
      ...Object.entries(killer.kills).map(([name, n]): [string, number] => [`kills: ${name}`, n]),
      ['versions in the table', shown.drops.length],
      ...['done', 'failed', 'refused', 'superseded', 'waiting', 'running'].map((state): [string, number] => [
        `  ${state}`,
        shown.counts[state] ?? 0,
      ]),
      ['dead letters', `${shown.counts.dead ?? 0} of ${taken} messages without sense that were taken (${sent} sent)`],
      ['runs', runs.length],
      ['doubles', doubles],
      ['missing', missing.length],
      ['results of another version', wrong],
      ['steps computed (lines of the log)', readFileSync(stage.log, 'utf8').trim().split('\n').length],
      ['executions of the watch (continued as new)', await executions(stage.address)],
      ['time', `${(ms / 1000).toFixed(0)} s`],
    ],
  };
}

/** How many results say something else than the version that they are named for. */
async function wrongResults(s3: S3Client, done: readonly DropRecord[], versions: readonly Version[]): Promise<number> {
  const read = async (Key: string, VersionId?: string): Promise<string> =>
    (await (await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key, VersionId }))).Body?.transformToString()) ?? '';
  let wrong = 0;
  for (const { key, version } of versions) {
    const drop = done.find((d) => d.key === key && d.version === version);
    if (!drop?.out) continue;
    const [result, body] = await Promise.all([read(`${drop.out.replace(`s3://${BUCKET}/`, '')}/read.txt`), read(key, version)]);
    if (result !== body) wrong++;
  }
  return wrong;
}

async function executions(address: string): Promise<number> {
  const connection = await Connection.connect({ address });
  let count = 0;
  for await (const _ of new Client({ connection }).workflow.list({ query: 'WorkflowId = "watch-panel"' })) count++;
  await connection.close();
  return count;
}
