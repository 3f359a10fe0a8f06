import { createHash } from 'node:crypto';
import { type ArtifactStore, recordPath } from '../core/store.ts';
import type { Notice } from '../schemas/notice.ts';
import { findChannel } from './channels.ts';

/**
 * Brings a notice to a channel, unless the store says that it was brought before. Tries once: ResourceError when it did not arrive, with
 * `retryable` and, where the server asks for a pause, `retryAfterMs` in its context; ConfigError when the channel is unknown or wrong.
 * Who dies between the delivery and its record delivers twice; the receiver sees the same webhook-id or Message-ID.
 */
export async function deliver(
  notice: Notice,
  channel: string,
  { store }: { readonly store: ArtifactStore },
): Promise<'delivered' | 'before'> {
  const path = recordPath.notice(createHash('sha256').update(notice.id).digest('hex'), channel);
  if ((await store.readRecord(path)) !== undefined) return 'before';
  await (await findChannel(channel)).send(notice);
  await store.writeRecord(path, JSON.stringify({ notice: notice.id, event: notice.event, channel, deliveredAt: Date.now() }));
  return 'delivered';
}
