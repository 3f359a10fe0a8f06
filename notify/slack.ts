import * as z from 'zod';
import type { NoticeEvent } from '../schemas/notice.ts';
import { common, type Kind } from './kind.ts';
import { HookUrl, post } from './post.ts';

const EMOJI: Readonly<Record<NoticeEvent, string>> = { success: ':white_check_mark:', failure: ':x:', drift: ':warning:' };
/** What a section may hold (https://docs.slack.dev/reference/block-kit/blocks/section-block). */
const MOST = 3000;

/** The three characters that mean something to Slack (https://docs.slack.dev/messaging/formatting-message-text): so nobody is called by `<!channel>`. */
const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** No more than fits, and no half of a character or an entity at the end. */
const cut = (text: string): string =>
  text.length <= MOST ? text : `${text.slice(0, MOST - 1).replace(/(&[a-z]{0,3}|[\ud800-\udbff])$/, '')}…`;

const schema = z.strictObject({ slack: HookUrl, ...common });

/** A message for an incoming webhook of Slack; Mattermost and Rocket.Chat read `text` alone. */
export const slack: Kind = {
  schema,
  async send({ event, name, run, title, text }, { slack: url }: z.infer<typeof schema>, channel) {
    const message = cut(`${EMOJI[event]} *${escape(title)}*\n${escape(text)}`.trimEnd());
    const origin = cut(escape(run === null ? name : `${name} · ${run}`));
    const blocks = [
      { type: 'section', text: { type: 'mrkdwn', text: message } },
      { type: 'context', elements: [{ type: 'mrkdwn', text: origin }] },
    ];
    await post({ channel, url, body: JSON.stringify({ text: message, blocks }) });
  },
};
