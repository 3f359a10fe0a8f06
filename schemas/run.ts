import * as z from 'zod';
import { ArtifactRef } from './artifact.ts';

/** What starts a run: everything else is found in the store. */
export const RunRequest = z.strictObject({
  /** Name of the run: the folder of its records in the store. */
  run: z.string(),
  /** The store: a folder's path. */
  work: z.string(),
  plan: ArtifactRef,
  /** At most so many tasks in one workflow's history; more are dealt out to child workflows. */
  shardSize: z.number().int().positive(),
});
export type RunRequest = z.infer<typeof RunRequest>;

/** What one activity is asked to do. */
export const Invocation = RunRequest.omit({ shardSize: true }).extend({ task: z.string() });
export type Invocation = z.infer<typeof Invocation>;

export const TaskStatus = z.enum(['COMPLETED', 'CACHED', 'FAILED', 'ABORTED']);
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
});
export type StepProgress = z.infer<typeof StepProgress>;

/** How far a run has come; children are the workflows that hold the rest. */
export const Progress = z.strictObject({ steps: z.array(StepProgress), children: z.array(z.string()), failures: z.array(Failure) });
export type Progress = z.infer<typeof Progress>;
