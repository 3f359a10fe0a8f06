import type { ArtifactRef } from '../schemas/artifact.ts';
import type { ResolvedInputs } from '../core/cache-key.ts';
import type { Facts } from '../core/plugin.ts';
import type { Cell } from '../schemas/plan.ts';

/** One step to compute, in a process of its own. */
export interface StepJob {
  readonly work: string;
  readonly uses: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly seed: number;
  readonly inputs: ResolvedInputs;
  /** For each gathered port, the planned cells without a value. */
  readonly missing: Readonly<Record<string, readonly Cell[]>>;
  readonly memoryBytes: number | null;
  /** Share of a whole training after which to stop. */
  readonly until: number;
  readonly checkpoint: {
    /** The key of the result: a checkpoint serves whoever computes the same. */
    readonly key: string;
    readonly everyMs: number;
    /** What the last attempt's heartbeat named, for a store whose record is not there. */
    readonly last: ArtifactRef | null;
  };
  /** What spans of the step hang under (W3C Trace Context), where runs are traced. */
  readonly traceparent?: string | undefined;
}

export interface StepOutcome {
  readonly outputs: Readonly<Record<string, ArtifactRef>>;
  readonly facts: Facts;
  readonly log: readonly string[];
  /** How long it took, without the wait for a process. */
  readonly ms: number;
  readonly cpuMs: number;
  readonly peakRssBytes: number | null;
}

/** How to stop a step, and what it tells while it runs. */
export interface RunOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (fraction: number, note: string) => void;
  /** A checkpoint was saved. */
  readonly onCheckpoint: (ref: ArtifactRef) => void;
}

/** Computes steps away from the worker's event loop. Rejects with an error of ours; aborting the signal stops the step within seconds. */
export interface StepRunner {
  run(job: StepJob, options: RunOptions): Promise<StepOutcome>;
}
