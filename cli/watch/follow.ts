import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { ResourceError } from '../../core/errors.ts';
import type { WatchNews, WatchStatus } from '../../schemas/watch.ts';
import type { Connected } from '../connect.ts';
import { dim, green, red } from '../print.ts';

const TICK_MS = 500;
const ASK_MS = 5_000;
/** A server of this folder, whose process has died, comes back only with the next command. */
const PATIENCE_MS = 10_000;

const WORDS: Record<WatchNews['what'], string> = {
  seen: dim('seen       '),
  started: 'started    ',
  done: green('done       '),
  failed: red('failed     '),
  superseded: dim('superseded '),
  refused: red('refused    '),
  dead: red('dead letter'),
  trouble: red('trouble    '),
  mended: green('works again'),
};

export const newsLine = ({ at, what, about, message }: WatchNews): string =>
  `${dim(new Date(at).toISOString().slice(11, 19))} ${WORDS[what]} ${about}${message ? dim(`  ${message}`) : ''}`;

export interface FollowedWatch {
  readonly handle: WorkflowHandle;
  readonly connected: Connected;
  readonly signal: AbortSignal;
  /** What happened before is not told (epoch milliseconds). */
  readonly since: number;
  readonly isEmbedded: boolean;
  readonly tell: (news: WatchNews) => void;
  readonly say: (line: string) => void;
}

/** How a watch stands; undefined when nobody answers. */
export const statusOf = ({ client }: Connected, handle: WorkflowHandle): Promise<WatchStatus | undefined> =>
  client.withDeadline(Date.now() + ASK_MS, () => handle.query<WatchStatus>('watch')).catch(() => undefined);

/** Tells all that happens in a watch, until it is interrupted or the watch ends. A server that goes away for a while is waited for. */
export async function followWatch({ handle, connected, signal, since, isEmbedded, tell, say }: FollowedWatch): Promise<void> {
  let told = 0;
  let cutAt: number | undefined;
  while (!signal.aborted) {
    const status = await statusOf(connected, handle);
    const fresh = status?.news.filter(({ n, at }) => n > told && at >= since) ?? [];
    const missed = fresh.length === 0 ? 0 : fresh[0].n - told - 1;
    if (missed > 0 && told > 0) say(dim(`… ${missed} more`));
    for (const news of fresh) tell(news);
    told = fresh.at(-1)?.n ?? told;
    if (status !== undefined) {
      if (cutAt !== undefined) say('It answers again.');
      cutAt = undefined;
    } else {
      const state = await connected.client.withDeadline(Date.now() + ASK_MS, () => handle.describe()).catch(() => undefined);
      if (state !== undefined && state.status.name !== 'RUNNING') return say(`The watch has ended (${state.status.name.toLowerCase()}).`);
      if (cutAt === undefined)
        say(
          state
            ? 'No worker answers for it: `panelflow worker --queue cpu,gpu` serves it. Waiting…'
            : 'The server does not answer; waiting…',
        );
      cutAt ??= Date.now();
      if (isEmbedded && state === undefined && Date.now() - cutAt > PATIENCE_MS)
        throw new ResourceError(`The Temporal server at ${connected.reach.address} has not answered for ${PATIENCE_MS / 1000} s`, {
          mend: 'Nothing is lost. To start it again and go on, give the same command again.',
        });
    }
    await sleep(TICK_MS, undefined, { signal }).catch(() => {});
  }
}
