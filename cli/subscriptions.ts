import { ConfigError } from '../core/errors.ts';
import { didYouMean } from '../core/problem.ts';
import { NoticeEvent, type Subscription } from '../schemas/notice.ts';

/** Reads "lab", which is all there is to tell, or "lab:failure+drift". */
export function subscriptionsOf(words: readonly string[]): Subscription[] {
  return words.map((word) => {
    const [channel, events, ...rest] = word.split(':');
    const mend = 'Write --notify lab, or --notify lab:failure+drift; `panelflow notify list` names the channels.';
    if (channel === '' || rest.length > 0) throw new ConfigError(`--notify ${word}: that cannot be read`, { mend });
    const on = events === undefined ? NoticeEvent.options : events.split('+');
    for (const event of on)
      if (!(NoticeEvent.options as string[]).includes(event))
        throw new ConfigError(`--notify ${word}: there is no event "${event}"`, { mend: didYouMean(event, NoticeEvent.options) ?? mend });
    return { channel, on: on as NoticeEvent[] };
  });
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
