import { isCancellation, proxyActivities } from '@temporalio/workflow';
import type { LaunchActivities } from '../activities/launch.ts';
import type { Notice, Subscription } from '../schemas/notice.ts';

/** Who waits for results, or for word of them, waits so long for what is away. */
export const { 'launch/begin': begin, 'launch/conclude': conclude } = proxyActivities<LaunchActivities>({
  startToCloseTimeout: '2 hours',
  heartbeatTimeout: '30 seconds',
  scheduleToCloseTimeout: '7 days',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '5m' },
});

const { 'launch/deliver': deliver } = proxyActivities<LaunchActivities>({
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: '30 seconds',
  scheduleToCloseTimeout: '3 days',
  retry: { initialInterval: '2s', backoffCoefficient: 2, maximumInterval: '10m' },
});

/** Tells all who want to hear of it; a channel that cannot be reached for days, or is set up wrongly, keeps nobody from anything. */
export async function tell(work: string, to: readonly Subscription[], notice: Notice): Promise<void> {
  const wanted = [...new Set(to.filter(({ on }) => on.includes(notice.event)).map(({ channel }) => channel))];
  await Promise.all(
    wanted.map(async (channel) => {
      try {
        await deliver(work, channel, notice);
      } catch (error) {
        if (isCancellation(error)) throw error;
      }
    }),
  );
}
