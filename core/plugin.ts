import type * as z from 'zod';

/** The version of the contract between the engine and its plugins. */
export const API_VERSION = 1;

/** A pseudo-random stream, seeded, whose state can be saved (see stats/random.ts). */
export interface RandomSource {
  /** Uniform in (0, 1). */
  uniform(): number;
  /** Uniform integer in [0, bound). */
  below(bound: number): number;
}

/** Where a long step keeps what it needs to go on after its process was killed, also on another worker. */
export interface Checkpoints {
  /** How often to save, in milliseconds. */
  readonly everyMs: number;
  /** What an earlier attempt of the same computation saved last, if anything. */
  load(): Promise<Portable | undefined>;
  /** Saves, whole or not at all, in place of what was saved before. */
  save(state: Portable): Promise<void>;
}

/** Keeps nothing: for steps that run outside any engine. */
export const NO_CHECKPOINTS: Checkpoints = { everyMs: Infinity, load: async () => undefined, save: async () => {} };

/** What a running step may touch: nothing of Temporal, nothing of the environment. */
export interface StepContext {
  /** The seed of this step; 0 for a step that is not seeded. */
  readonly seed: number;
  /** Aborted when the run is cancelled; long loops check it through `checkpoint` or `throwIfAborted`. */
  readonly signal: AbortSignal;
  /** How many threads the step may use. */
  readonly threads: number;
  /** How much memory the step may take, the data it works on included. */
  readonly memoryBytes: number;
  /** For each gathered port, the cells of the plan that have no value: their task failed or was skipped. */
  readonly missing: Readonly<Record<string, readonly Readonly<Record<string, string | number>>[]>>;
  readonly checkpoints: Checkpoints;
  /** A training may end after this share of its whole length; it goes on from its checkpoint when asked for more. 1 means all of it. */
  readonly until: number;
  /** Reports progress in [0, 1], with a short note such as "epoch 3 of 60". */
  progress(fraction: number, note?: string): void;
  /** Says one line to the user and the log, e.g. that a slower path was taken. */
  log(message: string): void;
  /** Lets the event loop turn, so that cancellation arrives; throws when the step was cancelled. Call it every ~100 ms of work. */
  breathe(): Promise<void>;
}

/** A value that crosses between steps: JSON in which typed arrays may stand anywhere. */
export type Portable =
  | null
  | undefined
  | boolean
  | number
  | string
  | Float32Array
  | Float64Array
  | Int32Array
  | Uint32Array
  | Uint16Array
  | Uint8Array
  | readonly Portable[]
  | { readonly [key: string]: Portable };

/** One input port of a step. */
export interface InputPort {
  /** The type of artifact that it takes. */
  readonly type: string;
  /** Takes a list, gathered over axes; each entry is a `Gathered`. */
  readonly many?: boolean;
  readonly optional?: boolean;
}

/** One entry of a gathered port: the value, and where in the sweep it comes from. */
export interface Gathered<T = unknown> {
  readonly value: T;
  /** Axis name to label, e.g. { selector: 'yoto', k: 32, seed: 0 }. */
  readonly cell: Readonly<Record<string, string | number>>;
}

/** Small numbers and words that a step says about its result; kept with the reference, shown in plan, trace and report. */
export type Facts = Readonly<Record<string, string | number | boolean | null>>;

/** What `run` returns: one value for each output port, and facts. */
export interface StepResult {
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly facts?: Facts;
}

/** How large the data of a step is: cells it may learn from, genes, values stored among them, classes (0 without labels). */
export interface DataSize {
  readonly cells: number;
  readonly genes: number;
  readonly values: number;
  readonly classes: number;
}

/** What a step needs of memory at most, beyond the dataset as it stands. */
export interface Memory {
  /** In words, for the reference, e.g. "8 bytes x genes x classes". */
  readonly formula: string;
  readonly bytes: (size: DataSize, params: any) => number;
  /** How to need less. */
  readonly mend?: string;
}

/** Everything that the engine needs to know about one contribution; `run` does the work. */
export interface StepDefinition<P extends z.ZodObject = z.ZodObject> {
  readonly kind: string;
  readonly id: string;
  /** Raise it whenever the same inputs would give another result: it is part of the cache key. */
  readonly version: number;
  readonly summary: string;
  /** Papers, as DOI, arXiv id or URL. */
  readonly cites?: readonly string[];
  readonly params: P;
  readonly inputs: Readonly<Record<string, InputPort>>;
  /** Port name to artifact type. */
  readonly outputs: Readonly<Record<string, string>>;
  /** Which task queue it runs on unless the pipeline says otherwise. */
  readonly queue: 'cpu' | 'gpu';
  /** True when the result depends on the seed. Unseeded steps are computed once for all seeds. */
  readonly seeded: boolean;
  /** Words that pipeline expressions may ask for with `has(uses, 'word')`, e.g. 'multi-task', 'predictions'. */
  readonly traits?: readonly string[];
  /** What it needs of memory; checked before it starts. */
  readonly memory?: Memory;
  /** Which params are local paths whose content, not name, decides the result. */
  readonly files?: (params: z.infer<P>) => readonly string[];
  readonly run: (context: StepContext, inputs: Readonly<Record<string, any>>, params: z.infer<P>) => Promise<StepResult>;
}

/** A module whose default export is `T`, imported when first needed. */
export type Lazy<T> = () => Promise<{ default: T }>;

/** A plugin: its name, and for each kind a table from id to lazy import. */
export interface Plugin {
  readonly api: number;
  readonly name: string;
  readonly version: string;
  readonly contributions: Readonly<Record<string, Readonly<Record<string, Lazy<StepDefinition<any>>>>>>;
}
