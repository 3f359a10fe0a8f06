import { activityInfo, heartbeat } from '@temporalio/activity';
import type { PlannedTask } from '../schemas/plan.ts';
import { toFailure } from './failure.ts';

const HEARTBEAT_MS = 2_000;

/** Does the work of an activity that has no progress to tell of: beats meanwhile, and turns what it throws into what Temporal is to know. */
export async function guarded<T>(retries: PlannedTask['retries'], work: () => Promise<T>): Promise<T> {
  const beat = setInterval(() => heartbeat(), HEARTBEAT_MS);
  try {
    return await work();
  } catch (error) {
    throw toFailure(error, activityInfo().attempt, retries);
  } finally {
    clearInterval(beat);
  }
}

/** For who looks after a run: a store or a server of the user's that is away is waited for as long as the workflow says. */
export const PATIENT = { crash: 3, resource: 1_000, artifact: 1_000, timeout: 0 };
