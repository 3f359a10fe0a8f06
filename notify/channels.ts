import { readFile } from 'node:fs/promises';
import type * as z from 'zod';
import { ConfigError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { didYouMean, keysAt, type Path, type Problem } from '../core/problem.ts';
import { shortPath, SourceFile } from '../runs/source-file.ts';
import type { Notice } from '../schemas/notice.ts';
import { channelsFile, variable } from '../workers/machine.ts';
import { email } from './email.ts';
import type { Kind } from './kind.ts';
import { slack } from './slack.ts';
import { fill } from './template.ts';
import { fillVariables } from './variables.ts';
import { webhook } from './webhook.ts';

const KINDS: Readonly<Record<string, Kind>> = { slack, webhook, email };
const NAME = /^[a-z][a-z0-9_-]{0,63}$/i;
const HELP = 'docs/notify.md shows how to write it.';

/** A way to reach people. */
export interface Channel {
  readonly name: string;
  readonly kind: string;
  /** Variables that it wants and the environment has not. */
  readonly lacks: readonly string[];
  /** Tries once. ResourceError when the notice did not arrive, ConfigError when a variable is missing. */
  send(notice: Notice): Promise<void>;
}

/** Notes something wrong in the channels file. Unlike those of `problemsOf`, its message repeats nothing that stands there: it may be a secret. */
type Report = (path: Path, message: string, more?: { readonly mend?: string | undefined; readonly onKey?: boolean }) => undefined;

const reporter =
  (problems: Problem[], base: Path = []): Report =>
  (path, message, more) => {
    problems.push({ document: 'run', path: [...base, ...path], message, ...more });
    return undefined;
  };

const isMap = (value: unknown): value is Record<string, unknown> => value !== null && typeof value === 'object' && !Array.isArray(value);

/** The channels of this machine, none where there is no file; ConfigError with all that is wrong in it. */
export async function readChannels(path = channelsFile()): Promise<Channel[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new ConfigError(`${shortPath(path)} cannot be read (${error.code})`, { mend: 'PANELFLOW_NOTIFY names the file of channels.' });
  });
  if (text === undefined) return [];
  const file = new SourceFile(path, text, { secret: true });
  const problems: Problem[] = [];
  const channels = read(file.toJS(), problems);
  if (problems.length > 0) throw new ConfigError(problems.map((p) => file.describe(p)).join('\n\n'));
  return channels;
}

/** The channel of that name; ConfigError that says what there is instead. */
export async function findChannel(name: string, path = channelsFile()): Promise<Channel> {
  const channels = await readChannels(path);
  const found = channels.find((channel) => channel.name === name);
  if (found) return found;
  const known = channels.map((channel) => channel.name);
  throw new ConfigError(`There is no channel "${name}" in ${shortPath(path)}`, {
    mend: didYouMean(name, known) ?? `There are none. ${HELP}`,
  });
}

function read(raw: unknown, problems: Problem[]): Channel[] {
  const form = isMap(raw) && isMap(raw.channels) ? raw.channels : undefined;
  const report = reporter(problems);
  if (form === undefined) report([], 'A map `channels:` is expected', { mend: HELP });
  if (isMap(raw))
    for (const key of Object.keys(raw).filter((k) => k !== 'channels'))
      report([key], 'This key is not known', { mend: didYouMean(key, ['channels']), onKey: true });
  return Object.entries(form ?? {}).flatMap(([name, value]) => readChannel(name, value, problems) ?? []);
}

function readChannel(name: string, raw: unknown, problems: Problem[]): Channel | undefined {
  const report = reporter(problems, ['channels', name]);
  if (!NAME.test(name)) return report([], 'A channel is named by letters, digits, "-" and "_", from a letter on', { onKey: true });
  const kinds = Object.keys(KINDS);
  const keys = isMap(raw) ? Object.keys(raw) : [];
  const [kind, second] = keys.filter((key) => kinds.includes(key));
  if (kind === undefined || second !== undefined) {
    const near = second === undefined ? keys.map((key) => nearest(key, kinds)).find((key) => key !== undefined) : undefined;
    return report([], `A channel has one of ${kinds.join(', ')}`, { mend: near === undefined ? HELP : `Did you mean "${near}"?` });
  }
  const { value, lacks, wrong } = fillVariables(raw, variable);
  for (const path of wrong) report(path, 'A variable is written ${NAME}, with letters, digits and "_"');
  const { schema } = KINDS[kind];
  const parsed = schema.safeParse(value);
  // What lacks a variable is not known yet.
  const known = (issue: z.core.$ZodIssue): boolean => !lacks.some(({ path }) => path.join('\n') === issue.path.join('\n'));
  for (const issue of parsed.error?.issues.filter(known) ?? []) reportIssue(issue, schema, report);
  return open(name, kind, parsed.data, [...new Set(lacks.map((lack) => lack.name))]);
}

function reportIssue(issue: z.core.$ZodIssue, schema: z.ZodType, report: Report): void {
  const path = issue.path as Path;
  if (issue.code === 'unrecognized_keys')
    for (const key of issue.keys)
      report([...path, key], 'This key is not known here', { mend: didYouMean(key, keysAt(schema, path)), onKey: true });
  else if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined'))
    report(path.slice(0, -1), `"${String(path.at(-1))}" is missing`, { mend: HELP });
  else report(path, issue.message.replace(/^Invalid input: /, ''));
}

function open(name: string, kind: string, settings: z.infer<Kind['schema']> | undefined, lacks: readonly string[]): Channel {
  return {
    name,
    kind,
    lacks,
    async send(notice) {
      if (settings === undefined || lacks.length > 0)
        throw new ConfigError(`The channel "${name}" wants ${lacks.join(', ')}, which this environment has not`, {
          mend: 'Set it where the worker is started.',
        });
      const { title, text } = settings.template;
      const worded = { ...notice, title: fill(title ?? '{{title}}', notice), text: fill(text ?? '{{text}}', notice) };
      await KINDS[kind].send({ ...worded, title: worded.title.replaceAll(/\s*[\r\n]+\s*/g, ' ') }, settings, name);
    },
  };
}
