import { ConfigError } from '../core/errors.ts';
import { didYouMean } from '../core/problem.ts';
import type { Settings } from './settings.ts';
import { NoticeEvent, type Subscription } from '../schemas/notice.ts';

/** Reads "lab", which is all there is to tell, or "lab:failure+drift". Where this machine is the one that tells, the channels must be known to it. */
export async function subscriptionsOf(words: readonly string[], { address }: Pick<Settings, 'address'>): Promise<Subscription[]> {
  const subscriptions = words.map((word) => {
    const [channel, events, ...rest] = word.split(':');
    const mend = 'Write --notify lab, or --notify lab:failure+drift; `panelflow notify list` names the channels.';
    if (channel === '' || rest.length > 0) throw new ConfigError(`--notify ${word}: that cannot be read`, { mend });
    const on = events === undefined ? NoticeEvent.options : events.split('+');
    for (const event of on)
      if (!(NoticeEvent.options as string[]).includes(event))
        throw new ConfigError(`--notify ${word}: there is no event "${event}"`, { mend: didYouMean(event, NoticeEvent.options) ?? mend });
    return { channel, on: on as NoticeEvent[] };
  });
  if (address === undefined && subscriptions.length > 0) {
    const { findChannel } = await import('../notify/channels.ts');
    for (const { channel } of subscriptions) await findChannel(channel);
  }
  return subscriptions;
}

/** Reads "accuracy=0.01". */
export function tolerancesOf(words: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    words.map((word) => {
      const [, metric, value] = /^(\w+)=(\d*\.?\d+(?:e-?\d+)?)$/.exec(word) ?? [];
      if (metric === undefined)
        throw new ConfigError(`--tolerance ${word}: that cannot be read`, { mend: 'Write --tolerance accuracy=0.01.' });
      return [metric, Number(value)];
    }),
  );
}
