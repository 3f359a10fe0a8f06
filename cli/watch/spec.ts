import { basename, dirname, extname, resolve } from 'node:path';
import { outOf, RESULTS, sorter, unknownIn } from '../../core/drops.ts';
import { ConfigError, isPanelflowError } from '../../core/errors.ts';
import { globMatcher, globPrefix } from '../../core/glob.ts';
import { didYouMean } from '../../core/problem.ts';
import { isS3, parseS3 } from '../../core/s3-uri.ts';
import { milliseconds } from '../../core/units.ts';
import { load, type Loaded } from '../../runs/load.ts';
import { checkOut } from '../../runs/results.ts';
import { WatchSpec, type WatchPace } from '../../schemas/watch.ts';
import { readSamples } from './samples.ts';

export interface SpecFlags {
  readonly pipeline: string;
  readonly name?: string;
  readonly param: string;
  readonly set?: string[];
  readonly profile?: string[];
  readonly paramsFile?: string;
  readonly samples?: string;
  readonly unmatched: string;
  readonly marker?: string;
  readonly manifest?: string;
  readonly quietFor?: string;
  readonly out?: string;
  readonly queue?: string;
  readonly listen?: string;
  readonly poll?: string;
  readonly most: number;
}

/** A watch as flags describe it, checked against the bucket and the queue. */
export interface Described {
  readonly spec: WatchSpec;
  readonly pace: WatchPace;
  readonly loaded: Loaded;
}

/** Buckets are looked at so often; less where there are notifications. */
const POLL = { alone: '60s', beside: '10m' } as const;
const wrong = (message: string, mend: string): ConfigError => new ConfigError(message, { mend });

/** Reads the flags of `panelflow watch`; every mistake in them is found here. `note` hears what people should know. */
export async function describeWatch(place: string, flags: SpecFlags, note: (line: string) => void): Promise<Described> {
  const { bucket, key: glob } = placeOf(place);
  const { profile = [], set = [], paramsFile } = flags;
  const loaded = await load(flags.pipeline, { profiles: profile, set, paramsFile });
  checkParam(loaded, flags.param);
  if (flags.unmatched !== 'run' && flags.unmatched !== 'refuse')
    throw wrong(`--unmatched ${flags.unmatched}: there is no such choice`, 'Write --unmatched run or --unmatched refuse.');
  for (const [flag, name] of [
    ['--marker', flags.marker],
    ['--manifest', flags.manifest],
  ] as const)
    if (name !== undefined && (name === '' || name.includes('/')))
      throw wrong(
        `${flag} ${name}: that is no name of an object in the folder of a drop`,
        'Write for example DONE, .done or manifest.json.',
      );
  const name =
    flags.name ??
    basename(flags.pipeline, extname(flags.pipeline))
      .replaceAll(/[^A-Za-z0-9_-]/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '');
  const named = WatchSpec.shape.name.safeParse(name);
  if (!named.success) throw wrong(`"${name}" is no name for a watch`, 'Give one with --name: letters, digits, - and _, at most 60.');
  const spec: WatchSpec = {
    name,
    bucket,
    glob,
    versions: await versionsOf(bucket, globPrefix(glob), note),
    marker: flags.marker ?? null,
    manifest: flags.manifest ?? null,
    quietMs: flags.quietFor === undefined ? 0 : timeOf('--quiet-for', flags.quietFor),
    param: flags.param,
    samples: flags.samples === undefined ? [] : await readSamples(resolve(flags.samples)),
    unmatched: flags.unmatched,
    out: flags.out === undefined ? `s3://${bucket}/{key}${RESULTS}` : isS3(flags.out) ? flags.out.replace(/\/+$/, '') : resolve(flags.out),
  };
  await checkPlace(spec);
  return { spec, pace: await paceOf(flags), loaded };
}

function placeOf(place: string): { bucket: string; key: string } {
  if (!isS3(place)) throw wrong(`"${place}" is no place in S3`, "Write 's3://bucket/folder/*.h5ad', in quotes.");
  const found = parseS3(place);
  const { bucket, key } = found;
  if (key === '' || key.endsWith('/'))
    throw wrong(`"${place}" says not which objects are drops`, `Write 's3://${bucket}/${key}*.h5ad', or **/*.h5ad for all folders below.`);
  if (/[[\]{}]/.test(key))
    throw wrong(`"${place}": a glob knows * (within a folder), ** (across folders) and ?`, 'Set up one watch for each form.');
  return found;
}

/** A pipeline whose params are declared must have this one. */
function checkParam({ definition }: Loaded, param: string): void {
  const declared = Object.keys(definition.params);
  if (declared.length === 0 || declared.includes(param.split('.')[0])) return;
  throw wrong(
    `The pipeline has no param "${param}" for the name of a drop`,
    `${didYouMean(param, declared) ?? ''} Name it with --param.`.trim(),
  );
}

export function timeOf(flag: string, text: string): number {
  const value = text === '0' ? 0 : milliseconds(text);
  if (Number.isNaN(value)) throw wrong(`${flag} ${text}: that is no time`, 'Write for example 30s, 5m or 1h.');
  return value;
}

async function paceOf({ queue, listen, poll, most }: SpecFlags): Promise<WatchPace> {
  const pollMs = timeOf('--poll', poll ?? (queue === undefined && listen === undefined ? POLL.alone : POLL.beside));
  if (pollMs > 0 && pollMs < 1000) throw wrong('--poll: less than a second', 'Every look lists the bucket: write 10s or more.');
  if (pollMs === 0 && queue === undefined && listen === undefined)
    throw wrong('--poll 0: nothing would ever be heard of', 'Give --queue or --listen with it, or let it look now and then.');
  if (queue === undefined) return { pollMs, queue: null, most };
  const { SqsQueue } = await import('../../plugins/triggers/sqs.ts');
  return { pollMs, queue: (await SqsQueue.find(queue)).url, most };
}

/** True when every version of an object is kept; ConfigError when the bucket is not there, or must not be read. */
async function versionsOf(bucket: string, prefix: string, note: (line: string) => void): Promise<boolean> {
  const { S3Bucket } = await import('../../plugins/stores/_bucket.ts');
  const place = new S3Bucket(bucket);
  await place.list(prefix, 1);
  try {
    if (!(await place.keepsVersions())) return false;
    await place.versions(prefix)[Symbol.asyncIterator]().next();
    return true;
  } catch (error) {
    if (!isPanelflowError(error) || error.retryable) throw error;
    note(
      `Its versions cannot be asked for (${error.message}): of each object, what is there counts. It wants s3:GetBucketVersioning and s3:ListBucketVersions.`,
    );
    return false;
  }
}

/** Refuses a place for results that cannot be written, or where results would be drops. */
async function checkPlace(spec: WatchSpec): Promise<void> {
  const [unknown] = unknownIn(spec.out);
  if (unknown !== undefined)
    throw wrong(`--out ${spec.out}: {${unknown}} stands for nothing`, 'Known: {stem}, {key}, {folder}, {version}.');
  if (!spec.out.includes('{'))
    throw wrong(`--out ${spec.out}: every drop would write over the results of the one before`, 'Add {stem}, {key} or {version}.');
  const fixed = /^[^{]*/.exec(spec.out)![0];
  if (!isS3(spec.out)) return checkOut(dirname(`${fixed}x`));
  const { bucket } = parseS3(spec.out);
  const folder = fixed.slice(0, fixed.lastIndexOf('/') + 1).replace(/\/$/, '');
  await checkOut(
    spec.out.endsWith(RESULTS) && bucket === spec.bucket
      ? `s3://${bucket}/${globPrefix(spec.glob).replace(/[^/]*$/, '')}${RESULTS}`
      : `${folder === 's3:/' ? `s3://${bucket}` : folder}/${RESULTS}`,
  );
  if (bucket !== spec.bucket) return;
  const sample = { key: sampleKey(spec.glob), version: 'v', etag: 'e' };
  const { key } = parseS3(outOf(spec.out, sample));
  const roleOf = sorter(spec);
  const found = ['scores.csv', 'report.html', 'run.json', 'trace.tsv', 'models/a.model'].find(
    (file) => roleOf(`${key}/${file}`).role === 'drop',
  );
  if (found !== undefined)
    throw wrong(`Results such as ${key}/${found} would be drops themselves`, 'Make the pattern narrower (*.h5ad), or give another --out.');
}

/** Some key that fits a glob. */
function sampleKey(glob: string): string {
  const key = glob.replaceAll('**', 'a').replaceAll('*', 'a').replaceAll('?', 'a');
  return globMatcher(glob)(key) ? key : `${globPrefix(glob)}a`;
}
