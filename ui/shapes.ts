/** What `panelflow ui` and its page tell each other. Times are epoch milliseconds, durations milliseconds. */

/** What can become of a task; on the wire a state is its place in this list. */
export const STATES = ['waiting', 'running', 'done', 'cached', 'failed', 'retrying', 'skipped', 'dropped', 'aborted'] as const;
export type State = (typeof STATES)[number];

/** A number for each state, by its place in `STATES`. */
export const STATE = Object.fromEntries(STATES.map((name, at) => [name, at])) as Readonly<Record<State, number>>;

export interface StepCounts {
  readonly step: string;
  readonly total: number;
  readonly running: number;
  readonly done: number;
  readonly cached: number;
  readonly failed: number;
  readonly skipped: number;
  readonly dropped: number;
}

/** A row of the list of runs. */
export interface RunItem {
  readonly run: string;
  readonly name: string;
  /** running, paused, stopping, completed, failed, canceled, terminated, timed_out. */
  readonly state: string;
  readonly started: number;
  readonly closed: number | null;
  /** Tasks by how they ended; null where it is not known (yet). */
  readonly counts: Omit<StepCounts, 'step'> | null;
}

export interface Change {
  readonly what: string;
  readonly by: string;
  readonly at: number;
  readonly note: string;
}

export interface Failure {
  readonly task: string;
  readonly step: string;
  readonly label: string;
  readonly code: string;
  readonly message: string;
}

/** What a worker is at. */
export interface UnderWay {
  /** Numbers of tasks in the plan. */
  readonly tasks: readonly number[];
  readonly uses: string;
  readonly attempt: number;
  readonly started: number;
  /** In [0, 1]; 0 where nothing is told. */
  readonly fraction: number;
  readonly note: string;
}

/** What changes while a run goes on. */
export interface Live {
  readonly run: string;
  readonly state: string;
  readonly isOpen: boolean;
  /** A worker answered: the counts are the workflow's own. Otherwise they are those of the records in the store. */
  readonly isServed: boolean;
  readonly started: number;
  readonly closed: number | null;
  readonly steps: readonly StepCounts[];
  readonly changes: readonly Change[];
  readonly failures: readonly Failure[];
  readonly spent: { readonly tasks: number; readonly ms: number };
  /** Why it stopped before its end; empty otherwise. */
  readonly stopped: string;
  /** Estimate of the time left; null where too little is known. */
  readonly left: { readonly ms: number; readonly open: boolean } | null;
  readonly underWay: readonly UnderWay[];
  /** Hash of the plan in force. */
  readonly plan: string;
}

/** What is known of a run beside `Live`. */
export interface RunFacts {
  readonly run: string;
  readonly name: string;
  readonly workflow: string;
  /** Address of its page in the Temporal UI; null where there is none. */
  readonly temporal: string | null;
  readonly out: string;
  /** Names of the files of its results that can be opened here. */
  readonly results: readonly string[];
  /** Versions and hardware: name and value. */
  readonly about: readonly (readonly [string, string])[];
}

export interface RunDetail {
  readonly facts: RunFacts;
  readonly live: Live;
}

/** A plan as the page needs it. */
export interface CompactPlan {
  readonly plan: string;
  readonly name: string;
  readonly pipeline: string;
  readonly cells: number;
  readonly axes: readonly { readonly name: string; readonly values: readonly (string | number)[] }[];
  /** In an order in which each comes after all it needs; `needs` holds their numbers. */
  readonly steps: readonly { readonly id: string; readonly uses: readonly string[]; readonly needs: readonly number[] }[];
  /** Of each task: its id, the number of its step, and for each axis the number of its value, -1 where the axis does not matter to it. */
  readonly tasks: readonly (readonly [string, number, ...number[]])[];
}

/** What became of tasks since the last look. */
export interface States {
  readonly plan: string;
  /** Ask for what is newer than this next time. */
  readonly seq: number;
  /** More is there already. */
  readonly more: boolean;
  /** Number of the task, its state, milliseconds it took (-1: unknown), and the value of the fact that was asked for (null: none). */
  readonly changes: readonly (readonly [number, number, number, number | null])[];
  /** Names of numbers that results tell of, by the number of the step. */
  readonly facts: Readonly<Record<number, readonly string[]>>;
  /** Numbers of steps whose results are panels. */
  readonly panels: readonly number[];
}

export interface TaskDetail {
  readonly id: string;
  readonly at: number;
  readonly name: string;
  readonly step: string;
  readonly uses: string;
  readonly cell: Readonly<Record<string, string | number>>;
  readonly state: State;
  readonly params: unknown;
  readonly seed: number | null;
  /** Port, and the tasks that it comes from: names with numbers; of long lists the first. */
  readonly inputs: readonly { readonly port: string; readonly from: readonly (readonly [number, string])[]; readonly more: number }[];
  /** The fields of its cache key. */
  readonly fields: readonly (readonly [string, string])[];
  readonly record: {
    readonly status: string;
    readonly key: string;
    readonly attempt: number;
    readonly worker: string;
    readonly queue: string;
    readonly device: string | null;
    readonly submit: number;
    readonly start: number;
    readonly complete: number;
    readonly cpuMs: number | null;
    readonly peakRssBytes: number | null;
    readonly error: {
      readonly code: string;
      readonly message: string;
      readonly mend?: string | undefined;
      readonly context: Readonly<Record<string, string | number>>;
    } | null;
    readonly log: readonly string[];
    readonly failures: readonly { readonly code: string; readonly worker: string; readonly ms: number }[];
    readonly facts: Readonly<Record<string, string | number | boolean | null>>;
    readonly outputs: readonly { readonly port: string; readonly type: string; readonly bytes: number; readonly sha256: string }[];
    readonly made: { readonly run: string; readonly task: string } | null;
  } | null;
}

/** Curves of a training: of its result, or of its last checkpoint. */
export interface CurvesOf {
  readonly from: 'result' | 'checkpoint' | 'none';
  /** A value for each epoch; null is no number. */
  readonly curves: Readonly<Record<string, readonly (number | null)[]>>;
}

export interface PanelOf {
  readonly name: string;
  /** So many genes count at most; the rest is ranking. */
  readonly k: number;
  readonly genes: readonly (readonly [string, number | null])[];
}

/** A mistake, as the CLI would say it. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly mend?: string | undefined;
}

/** What an order from the page came to. */
export interface Done {
  readonly said: string;
  readonly run?: string | undefined;
}
