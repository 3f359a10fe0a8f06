import proto from '@temporalio/proto';
import type { WorkflowHandle } from '@temporalio/client';
import type { Invocation } from '../../schemas/run.ts';
import type { UnderWay } from '../../ui/shapes.ts';
import type { Connected } from '../connect.ts';

const { PendingActivityState } = proto.temporal.api.enums.v1;
/** Pages of a history that are read to find what an activity is at; each has so many events. */
const PAGES = 4;
const EVENTS = 250;
/** Histories whose activities are remembered. */
const HISTORIES = 200;
/** Activities of the engine itself. */
const OWN = /^(engine|launch)\//;

const millis = (time: { seconds?: unknown; nanos?: number | null } | null | undefined): number =>
  time ? Number(time.seconds ?? 0) * 1000 + (time.nanos ?? 0) / 1e6 : 0;

/** An execution of a workflow as the server describes it. */
interface Described {
  /** RUNNING, COMPLETED, FAILED, CANCELED, TERMINATED, TIMED_OUT. */
  readonly status: string;
  readonly started: number;
  readonly closed: number | null;
  readonly underWay: readonly UnderWay[];
}

/** Says what workers are at, from activities that the server counts as started. Which tasks those are is in the workflow's history. */
export class Activities {
  readonly #connected: Connected;
  /** By execution and activity: the ids of its tasks. */
  readonly #tasks = new Map<string, Map<string, readonly string[]>>();

  constructor(connected: Connected) {
    this.#connected = connected;
  }

  async describe(handle: WorkflowHandle, at: ReadonlyMap<string, number>): Promise<Described> {
    const { raw, status, startTime, closeTime, runId } = await handle.describe();
    const pending = (raw.pendingActivities ?? []).filter((a) => a.state === PendingActivityState.PENDING_ACTIVITY_STATE_STARTED);
    const known = this.#of(runId);
    if (pending.some((a) => !known.has(a.activityId!))) await this.#read(handle.workflowId, runId, known);
    const underWay = pending.map(async (a): Promise<UnderWay[]> => {
      const tasks = (known.get(a.activityId!) ?? []).flatMap((id) => at.get(id) ?? []);
      const beat = ((await this.#connected.payloads.value(a.heartbeatDetails?.payloads)) ?? {}) as { fraction?: number; note?: string };
      const uses = a.activityType?.name ?? '';
      if (OWN.test(uses)) return [];
      const { fraction = 0, note = '' } = beat;
      return [{ tasks, uses, attempt: a.attempt ?? 1, started: millis(a.lastStartedTime), fraction, note }];
    });
    return {
      status: status.name,
      started: startTime.getTime(),
      closed: closeTime?.getTime() ?? null,
      underWay: (await Promise.all(underWay)).flat(),
    };
  }

  #of(execution: string): Map<string, readonly string[]> {
    const known = this.#tasks.get(execution) ?? new Map<string, readonly string[]>();
    this.#tasks.set(execution, known);
    if (this.#tasks.size > HISTORIES) this.#tasks.delete(this.#tasks.keys().next().value!);
    return known;
  }

  /** Reads the newest part of a history, back to what is known. */
  async #read(workflowId: string, runId: string, known: Map<string, readonly string[]>): Promise<void> {
    const { client, payloads } = this.#connected;
    const { namespace } = client.options;
    let nextPageToken: Uint8Array | undefined;
    for (let page = 0; page < PAGES; page++) {
      const answer = await client.workflowService.getWorkflowExecutionHistoryReverse({
        namespace,
        execution: { workflowId, runId },
        maximumPageSize: EVENTS,
        ...(nextPageToken ? { nextPageToken } : {}),
      });
      let isMet = false;
      for (const { activityTaskScheduledEventAttributes: scheduled } of answer.history?.events ?? []) {
        if (!scheduled?.activityId) continue;
        isMet ||= known.has(scheduled.activityId);
        const invocation = (await payloads.value(scheduled.input?.payloads)) as Partial<Invocation> | undefined;
        known.set(scheduled.activityId, Array.isArray(invocation?.tasks) ? invocation.tasks : []);
      }
      nextPageToken = answer.nextPageToken ?? undefined;
      if (isMet || !nextPageToken?.length) return;
    }
  }
}
