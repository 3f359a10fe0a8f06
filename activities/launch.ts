import { activityInfo, heartbeat } from '@temporalio/activity';
import type { LaunchEnd, LaunchOrder } from '../schemas/launch.ts';
import type { Notice } from '../schemas/notice.ts';
import type { Progress, RunRequest } from '../schemas/run.ts';
import { toFailure } from './failure.ts';

/** A run that may begin. */
export interface Begun {
  readonly request: RunRequest;
  readonly name: string;
  readonly summary: string;
}

/** Who starts a run, and when: together they name it. */
export interface Launcher {
  readonly workflow: string;
  readonly at: number;
}

export interface Concluded {
  readonly end: LaunchEnd;
  readonly notice: Notice;
}

/** The activities around a run that nobody follows; every worker serves them. */
export interface LaunchActivities {
  /** Compiles what is ordered, or takes the plan as it is and makes sure that its inputs are, and notes the run in the store. */
  'launch/begin'(order: LaunchOrder, launcher: Launcher): Promise<Begun>;
  /** Writes the results of a run that has ended, compares it with its baseline, and says how it went. */
  'launch/conclude'(request: RunRequest, progress: Progress): Promise<Concluded>;
  /** Hands a notice to a channel; once, whoever repeats it. */
  'launch/deliver'(work: string, channel: string, notice: Notice): Promise<void>;
}

/** What these activities do, without Temporal. */
export interface LaunchDeps {
  begin(order: LaunchOrder, launcher: Launcher): Promise<Begun>;
  conclude(request: RunRequest, progress: Progress): Promise<Concluded>;
  deliver(work: string, channel: string, notice: Notice): Promise<void>;
}

const HEARTBEAT_MS = 2_000;
/** A store or a server of the user's that is away is waited for as long as the workflow says. */
const PATIENT = { crash: 3, resource: 1_000, artifact: 1_000, timeout: 0 };

export function createLaunchActivities(deps: LaunchDeps): LaunchActivities {
  const patiently = async <T>(work: () => Promise<T>): Promise<T> => {
    const beat = setInterval(() => heartbeat(), HEARTBEAT_MS);
    try {
      return await work();
    } catch (error) {
      throw toFailure(error, activityInfo().attempt, PATIENT);
    } finally {
      clearInterval(beat);
    }
  };
  return {
    'launch/begin': (order, launcher) => patiently(() => deps.begin(order, launcher)),
    'launch/conclude': (request, progress) => patiently(() => deps.conclude(request, progress)),
    'launch/deliver': (work, channel, notice) => patiently(() => deps.deliver(work, channel, notice)),
  };
}
