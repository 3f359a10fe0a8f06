import type { LaunchEnd, LaunchOrder } from '../schemas/launch.ts';
import type { Notice } from '../schemas/notice.ts';
import type { Progress, RunRequest } from '../schemas/run.ts';
import { guarded, PATIENT } from './guarded.ts';

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

export function createLaunchActivities(deps: LaunchDeps): LaunchActivities {
  return {
    'launch/begin': (order, launcher) => guarded(PATIENT, () => deps.begin(order, launcher)),
    'launch/conclude': (request, progress) => guarded(PATIENT, () => deps.conclude(request, progress)),
    'launch/deliver': (work, channel, notice) => guarded(PATIENT, () => deps.deliver(work, channel, notice)),
  };
}
