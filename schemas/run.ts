import * as z from 'zod';
import { ArtifactRef } from './artifact.ts';
import { NoticeEvent, Subscription } from './notice.ts';

/** What a run may spend; it stops softly there: what runs may end, nothing more begins, and what gathers reports what there is. */
export const Budget = z.strictObject({
  /** Time since the run began, in milliseconds. */
  wallMs: z.number().positive().optional(),
  /** Sum over the computed tasks of the time that each took, in milliseconds. */
  computeMs: z.number().positive().optional(),
  /** Tasks computed (not found in the cache). */
  tasks: z.number().int().positive().optional(),
});
export type Budget = z.infer<typeof Budget>;

/** How a run is carried out; it changes no result. */
export const Policy = z.strictObject({
  /** At most so many tasks in one workflow's history; more are dealt out to child workflows. */
  shardSize: z.number().int().positive(),
  /** The first failed task ends the run. */
  failFast: z.boolean(),
  /** From 1 (first) to 5. */
  priority: z.number().int().min(1).max(5),
  budget: Budget,
  /** Everything is computed anew: what the cache holds is not used, and stays as it is. */
  fresh: z.boolean().optional(),
});
export type Policy = z.infer<typeof Policy>;

/** A change to a run while it goes on, or after its end. */
export const Change = z.strictObject({
  what: z.enum(['amend', 'pause', 'resume', 'retry', 'stop', 'limit']),
  /** Who asked for it, when (epoch milliseconds), and what it is, for people. */
  by: z.string(),
  at: z.number(),
  note: z.string(),
});
export type Change = z.infer<typeof Change>;

/** How a run ended whose results a worker looked after. */
export const LaunchEnd = z.strictObject({
  /** Name of the run; null when none could begin. */
  run: z.string().nullable(),
  event: NoticeEvent,
  /** One line for people. */
  title: z.string(),
  /** Where its results are; null where there are none. */
  out: z.string().nullable(),
  /** The run that it was compared with; null where it was with none. */
  baseline: z.string().nullable(),
});
export type LaunchEnd = z.infer<typeof LaunchEnd>;

/** What is done when a run has ended, by a worker, whether or not anybody follows it. */
export const After = z.strictObject({
  /** Folder of its results, or s3://bucket/prefix; null where whoever follows the run writes them. */
  out: z.string().nullable(),
  /** A run that its results are compared with; `first` or `last` one of the same name that ended well. */
  baseline: z.string().nullable(),
  /** Metric to the absolute difference that is no drift; others are judged by their spread over seeds. */
  tolerances: z.record(z.string(), z.number().nonnegative()).optional(),
  notify: z.array(Subscription),
});
export type After = z.infer<typeof After>;

/** What a worker computes with: versions and hardware. */
export const Environment = z.strictObject({
  panelflow: z.string(),
  node: z.string(),
  tensorflow: z.string(),
  system: z.string(),
  cpu: z.string(),
  cores: z.number(),
  memory_bytes: z.number(),
  gpus: z.string(),
});
export type Environment = z.infer<typeof Environment>;

/** What starts a run: everything else is found in the store. */
export const RunRequest = z.strictObject({
  /** Name of the run: the folder of its records in the store. */
  run: z.string(),
  /** The store: a folder's path, or s3://bucket/prefix. */
  work: z.string(),
  /** The plan, and what its amendments made of it, the newest last. */
  plans: z.array(ArtifactRef).min(1),
  /** What the newest plan was compiled from, so that it can be amended whatever became of the file. */
  source: ArtifactRef,
  policy: Policy,
  changes: z.array(Change),
  after: After.optional(),
});
export type RunRequest = z.infer<typeof RunRequest>;

/** What one activity is asked to do: one task, or several small ones of the same step. */
export const Invocation = z.strictObject({
  run: z.string(),
  work: z.string(),
  plan: ArtifactRef,
  tasks: z.array(z.string()).min(1),
  /** How often the run had been held when this was asked for: a task that waits for a worker while its run is held does not begin. */
  holds: z.number(),
  /** See `Policy`. */
  fresh: z.boolean().optional(),
});
export type Invocation = z.infer<typeof Invocation>;

/** How a task ended in an activity. AGAIN: it failed in company, and is to be tried alone. HELD: it did not begin, as its run is held. */
export const TaskEnd = z.strictObject({
  status: z.enum(['COMPLETED', 'CACHED', 'SKIPPED', 'FAILED', 'AGAIN', 'HELD']),
  /** How long it took. */
  ms: z.number(),
  /** What decides between it and its rivals; null where its result has no such number. */
  score: z.number().nullable().optional(),
  code: z.string().optional(),
  message: z.string().optional(),
});
export type TaskEnd = z.infer<typeof TaskEnd>;

export const TaskStatus = z.enum(['COMPLETED', 'CACHED', 'FAILED', 'RETRYING', 'ABORTED']);
export type TaskStatus = z.infer<typeof TaskStatus>;

/** The record of one task in one run: kept in the store, read by tasks downstream, and a row of trace.tsv. Times are epoch milliseconds. */
export const TaskRecord = z.strictObject({
  task: z.string(),
  step: z.string(),
  status: TaskStatus,
  key: z.string(),
  outputs: z.record(z.string(), ArtifactRef),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  attempt: z.number(),
  worker: z.string(),
  queue: z.string(),
  device: z.string().nullable(),
  submit: z.number(),
  start: z.number(),
  complete: z.number(),
  cpuMs: z.number().nullable(),
  peakRssBytes: z.number().nullable(),
  error: z
    .strictObject({
      code: z.string(),
      message: z.string(),
      mend: z.string().optional(),
      context: z.record(z.string(), z.union([z.string(), z.number()])),
    })
    .nullable(),
  log: z.array(z.string()),
  /** Attempts that failed and were tried again: why (a code, or MEMORY where its own limit was passed), where, and after how long. */
  failures: z.array(z.strictObject({ code: z.string(), worker: z.string(), ms: z.number() })),
  /** The run and task that computed the outputs; unknown in older records. */
  made: z.strictObject({ run: z.string(), task: z.string() }).optional(),
  /** An output has gone, to free space or as it was damaged: when its run is taken up, the task is looked up again, or computed anew. */
  gone: z.boolean().optional(),
});
export type TaskRecord = z.infer<typeof TaskRecord>;

/** One failed task as a workflow reports it. */
export const Failure = z.strictObject({ task: z.string(), step: z.string(), label: z.string(), code: z.string(), message: z.string() });
export type Failure = z.infer<typeof Failure>;

/** Counts of one step's tasks. */
export const StepProgress = z.strictObject({
  step: z.string(),
  total: z.number(),
  running: z.number(),
  done: z.number(),
  cached: z.number(),
  failed: z.number(),
  skipped: z.number(),
  dropped: z.number(),
});
export type StepProgress = z.infer<typeof StepProgress>;

/** How tasks of one kind/id fared: how many ended, and how many of them were computed, in how many milliseconds. */
export const KindProgress = z.strictObject({ ended: z.number(), computed: z.number(), ms: z.number() });
export type KindProgress = z.infer<typeof KindProgress>;

/** How far a run has come; children are the workflows that hold the rest. */
export const Progress = z.strictObject({
  steps: z.array(StepProgress),
  /** By kind/id. */
  kinds: z.record(z.string(), KindProgress),
  children: z.array(z.string()),
  failures: z.array(Failure),
  /** What was computed so far. */
  spent: z.strictObject({ tasks: z.number(), ms: z.number() }),
  state: z.enum(['running', 'paused', 'stopping', 'ended']),
  /** Why it stops or stopped before its end; empty otherwise. */
  stopped: z.string(),
  changes: z.array(Change),
  /** What was made of it at its end, where that was asked for. */
  end: LaunchEnd.optional(),
});
export type Progress = z.infer<typeof Progress>;

/** What the store keeps of a run. */
export const RunRecord = RunRequest.omit({ work: true }).extend({
  /** Id of its workflow. */
  workflow: z.string(),
  name: z.string(),
  started: z.number(),
  /** Folder of its results, or s3://bucket/prefix. */
  out: z.string(),
  /** Plugin packages beside the built-in one. */
  plugins: z.array(z.string()),
});
export type RunRecord = z.infer<typeof RunRecord>;
