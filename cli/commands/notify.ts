import { randomUUID } from 'node:crypto';
import { ConfigError } from '../../core/errors.ts';
import { didYouMean } from '../../core/problem.ts';
import { findChannel, readChannels } from '../../notify/channels.ts';
import { type Notice, NoticeEvent } from '../../schemas/notice.ts';
import { channelsFile } from '../../workers/machine.ts';
import { shortPath } from '../../runs/source-file.ts';
import { print, say, table } from '../print.ts';

interface NotifyFlags {
  readonly event: string;
  readonly json?: boolean;
}

const ACTIONS = ['list', 'test'];
/** `panelflow notify list` and `panelflow notify test CHANNEL`: the channels of this machine, by name and kind, and a sample to one. */
export async function notify(action: string, channel: string | undefined, flags: NotifyFlags): Promise<number> {
  if (action === 'list' && channel === undefined) return list(flags);
  if (action === 'test' && channel !== undefined) return test(channel, flags);
  const mend = ACTIONS.includes(action) ? 'Write `notify list` or `notify test CHANNEL`.' : didYouMean(action, ACTIONS);
  throw new ConfigError(`notify ${[action, channel ?? ''].join(' ').trim()} is no command`, { mend });
}

async function list({ json }: NotifyFlags): Promise<number> {
  const file = channelsFile();
  const channels = (await readChannels(file)).map(({ name, kind, lacks }) => ({ name, kind, lacks }));
  if (json) print(JSON.stringify({ file, channels }));
  else if (channels.length === 0) say(`No channels in ${shortPath(file)}; docs/notify.md shows how to write one.`);
  else
    print(
      table(
        channels.map(({ name, kind, lacks }) => [name, kind, lacks.length === 0 ? '' : `wants ${lacks.join(', ')}`]),
        ['channel', 'kind', ''],
      ),
    );
  return 0;
}

/** Sends a notice of a run that never was. */
async function test(name: string, { event: word, json }: NotifyFlags): Promise<number> {
  const event = NoticeEvent.safeParse(word).data;
  if (event === undefined) throw new ConfigError(`There is no event "${word}"`, { mend: didYouMean(word, NoticeEvent.options) });
  const notice: Notice = {
    id: `test-${randomUUID()}`,
    event,
    name: 'sample',
    run: null,
    title: `Test of the channel ${name}: ${event}`,
    text: 'Sent by `panelflow notify test`. No run has ended.',
    at: Date.now(),
    facts: { tasks: 12, failed: event === 'failure' ? 1 : 0 },
  };
  const channel = await findChannel(name);
  await channel.send(notice);
  if (json) print(JSON.stringify({ channel: name, kind: channel.kind, event, id: notice.id, delivered: true }));
  else say(`Delivered to ${name} (${channel.kind}).`);
  return 0;
}
