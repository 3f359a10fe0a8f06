import * as z from 'zod';

/** Axis name to label: where in the sweep something stands. */
export const Cell = z.record(z.string(), z.union([z.string(), z.number()]));
export type Cell = z.infer<typeof Cell>;

/** One output of another task. */
export const Source = z.strictObject({ task: z.string(), port: z.string() });
export type Source = z.infer<typeof Source>;

/** What flows into a port: one output, or a list gathered over axes. */
export const PlannedInput = z.union([Source, z.strictObject({ gather: z.array(Source.extend({ cell: Cell })) })]);
export type PlannedInput = z.infer<typeof PlannedInput>;

/** How often each cause of failure is tried again. */
export const Retries = z.strictObject({
  crash: z.number().int().nonnegative(),
  resource: z.number().int().nonnegative(),
  artifact: z.number().int().nonnegative(),
  timeout: z.number().int().nonnegative(),
});

/** One computation with everything decided. Cells of the sweep that would compute the same share one task. */
export const PlannedTask = z.strictObject({
  /** Step and a hash of what it computes, from what: the same in every plan that holds this computation. */
  id: z.string(),
  step: z.string(),
  /** Where it stands, for people: the axes that matter to it. */
  label: z.string(),
  cell: Cell,
  uses: z.string(),
  version: z.number(),
  params: z.record(z.string(), z.unknown()),
  seed: z.number().nullable(),
  inputs: z.record(z.string(), PlannedInput),
  /** Local files that it reads, by content. */
  files: z.array(z.strictObject({ path: z.string(), sha256: z.string() })),
  queue: z.enum(['cpu', 'gpu']),
  timeoutMs: z.number(),
  memoryBytes: z.number().nullable(),
  checkpointMs: z.number(),
  retries: Retries,
  /** Share of the whole training after which it stops; the same computation with a larger share goes on from there. */
  until: z.number().optional(),
  /** The fact about its result that decides between rivals. */
  score: z.string().optional(),
  /** Names the halving that it takes part in. */
  bracket: z.string().optional(),
  /** It runs only when its judges (number `own` of the lists) are, on average, among the best 1 in eta of its rivals'. */
  gate: z.strictObject({ own: z.number(), rivals: z.array(z.array(z.string())), eta: z.number(), bracket: z.string() }).optional(),
  /**
   * It runs only when rival `own` cannot be told apart from another one: for each rival and earlier seed, its judges; a paired t (mean over its
   * standard error, by seeds) below `critical` (for 1, 2, ... degrees of freedom) is undecided.
   */
  undecided: z
    .strictObject({ own: z.number(), rivals: z.array(z.array(z.array(z.string()))), critical: z.array(z.number()), bracket: z.string() })
    .optional(),
});
export type PlannedTask = z.infer<typeof PlannedTask>;

/** A pipeline with every default written out and every cell listed: what the workflow interprets. Plain JSON. */
export const Plan = z.strictObject({
  format: z.literal(1),
  name: z.string(),
  pipeline: z.string(),
  /** Packages that provide steps, name to version. */
  plugins: z.record(z.string(), z.string()),
  params: z.record(z.string(), z.unknown()),
  axes: z.record(z.string(), z.array(z.union([z.string(), z.number()]))),
  cells: z.number(),
  /** In an order in which every task comes after all it needs. */
  tasks: z.array(PlannedTask),
  /** Steps left out by their condition, with how many cells. */
  left_out: z.array(z.strictObject({ step: z.string(), cells: z.number(), when: z.string() })),
  /** Outputs of type `files` or `model` that are published into the results folder. */
  publish: z.array(Source),
});
export type Plan = z.infer<typeof Plan>;
