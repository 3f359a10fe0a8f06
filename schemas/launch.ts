import * as z from 'zod';
import { ArtifactRef } from './artifact.ts';
import { After, Policy } from './run.ts';

/** A run that is to start without a person: what a schedule fires, and what data in a bucket set off. */
export const LaunchOrder = z.strictObject({
  /** Name of the run and, unless said otherwise, of its results folder. */
  name: z.string().min(1),
  /** The store: a folder's path, or s3://bucket/prefix. */
  work: z.string(),
  /** What a plan is compiled from: see `Source` in runs/records.ts. */
  source: ArtifactRef,
  /** The plan with its inputs pinned; null: compiled from the source when the run starts, with the data as they are then. */
  plan: ArtifactRef.nullable(),
  /** The file to read anew each time, where the run follows it, with what was asked on the command line. */
  file: z
    .strictObject({ path: z.string(), profiles: z.array(z.string()), set: z.array(z.string()), paramsFile: z.string().nullable() })
    .nullable(),
  /** Params that win over those of the source, by dotted path: "data", "split.train". */
  params: z.record(z.string(), z.unknown()),
  policy: Policy,
  after: After,
});
export type LaunchOrder = z.infer<typeof LaunchOrder>;

export { LaunchEnd } from './run.ts';
