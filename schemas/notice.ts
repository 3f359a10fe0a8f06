import * as z from 'zod';

/** What people may want to hear of: a run that ended well, one that failed or was stopped, one whose results differ from its baseline's. */
export const NoticeEvent = z.enum(['success', 'failure', 'drift']);
export type NoticeEvent = z.infer<typeof NoticeEvent>;

/** Who hears of what: a channel by its name; how to reach it is known to workers alone. */
export const Subscription = z.strictObject({ channel: z.string().min(1), on: z.array(NoticeEvent).min(1) });
export type Subscription = z.infer<typeof Subscription>;

/** One message to people about a run, before a channel gives it a form. */
export const Notice = z.strictObject({
  /** The same for every try to deliver it. */
  id: z.string(),
  event: NoticeEvent,
  /** Name of the run's file, and of the run itself; null where none could begin. */
  name: z.string(),
  run: z.string().nullable(),
  /** One line. */
  title: z.string(),
  /** Some lines more. */
  text: z.string(),
  /** Epoch milliseconds. */
  at: z.number(),
  /** What machines read: counts, the verdict, where the results are. */
  facts: z.record(z.string(), z.union([z.string(), z.number()])),
});
export type Notice = z.infer<typeof Notice>;
