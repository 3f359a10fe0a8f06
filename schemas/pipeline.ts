import * as z from 'zod';

/** Names become parts of paths, of workflow ids and of labels. */
export const Name = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,99}$/i, 'a name is letters, digits, "-" and "_", at most 100, and starts with a letter');

/** A duration such as "90s", "4h" or "2d". */
const Duration = z.string().regex(/^\d+(\.\d+)?\s*(s|m|h|d)$/, 'write a duration as "90s", "30m", "4h" or "2d"');
/** An amount of memory such as "8 GB". */
const Memory = z.string().regex(/^\d+(\.\d+)?\s*(MB|GB|TB)$/, 'write an amount of memory as "500 MB" or "8 GB"');

/** What a step may use, and how often each cause of failure is tried again. */
export const Resources = z.strictObject({
  queue: z.enum(['cpu', 'gpu']).optional(),
  time: Duration.optional().describe(
    'A task that takes longer is stopped, and tried again with twice the time (retries.timeout, 1 unless told otherwise)',
  ),
  memory: Memory.optional().describe('A task that takes more is stopped, and tried again with twice the memory (retries.resource)'),
  checkpoint: Duration.optional().describe('How often a training is saved, so that it goes on there after a kill (default 30s)'),
  retries: z
    .strictObject({
      crash: z.number().int().min(0).max(20).optional(),
      resource: z.number().int().min(0).max(20).optional(),
      artifact: z.number().int().min(0).max(20).optional(),
      timeout: z.number().int().min(0).max(5).optional(),
    })
    .optional(),
});
export type Resources = z.infer<typeof Resources>;

/** A parameter that a pipeline takes, or a part of one. */
export interface ParamDeclaration {
  type: 'string' | 'number' | 'integer' | 'boolean' | 'list' | 'map' | 'use' | 'params';
  summary?: string | undefined;
  optional?: boolean | undefined;
  default?: unknown;
  choices?: string[] | undefined;
  min?: number | undefined;
  max?: number | undefined;
  of?: ParamDeclaration | undefined;
  min_items?: number | undefined;
  fields?: Record<string, ParamDeclaration> | undefined;
  kind?: string | undefined;
  step?: string | undefined;
  shorthand?: string | undefined;
}
export const ParamDeclaration: z.ZodType<ParamDeclaration> = z.lazy(() =>
  z.strictObject({
    type: z.enum(['string', 'number', 'integer', 'boolean', 'list', 'map', 'use', 'params']),
    summary: z.string().optional(),
    optional: z.boolean().optional().describe('May be left out; it is then nothing'),
    default: z.unknown().optional(),
    choices: z.array(z.string()).optional().describe('string: the words allowed'),
    min: z.number().optional(),
    max: z.number().optional(),
    of: ParamDeclaration.optional().describe('list: what each item is'),
    min_items: z.number().int().optional(),
    fields: z.record(z.string(), ParamDeclaration).optional().describe('map: its keys'),
    kind: z.string().optional().describe('use: the kind of step, e.g. selector'),
    step: z.string().optional().describe('params: the step whose own params these are, e.g. transform/qc'),
    shorthand: z
      .string()
      .optional()
      .describe('map: the key a plain string stands for; use: "id.param" that a plain string stands for when it is no known id'),
  }),
);

/** `step.port`; or a list of it gathered over axes (the others are kept); or one that is given only to a step that takes it, where it is there. */
export const StepInput = z.union([
  z.string(),
  z.strictObject({ from: z.string(), gather: z.union([z.literal('all'), z.array(z.string()).min(1)]) }),
  z.strictObject({ from: z.string(), offer: z.literal(true) }),
]);

/** One step of a pipeline. It is computed once for each value of the axes that its expressions and inputs depend on. */
export const PipelineStep = z.strictObject({
  summary: z.string().optional(),
  uses: z.string().describe('kind/id, or an expression'),
  in: z.record(z.string(), StepInput).default({}),
  with: z
    .union([z.string(), z.record(z.string(), z.unknown())])
    .default({})
    .describe('Params of the step; unknown ones are errors'),
  offer: z.record(z.string(), z.unknown()).default({}).describe('Params given only to steps that declare them'),
  seed: z.union([z.string(), z.number().int()]).optional(),
  when: z.union([z.string(), z.boolean()]).optional().describe('The step is left out where this is false'),
  because: z.string().optional().describe('Why it is left out there, for people; empty where that needs no telling'),
  otherwise: z.record(z.string(), z.string()).optional().describe('Output port to step.port: what stands in where the step is left out'),
  labels: z.array(Name).default([]).describe('Words that `resources` may speak of as label:WORD'),
  resources: Resources.default({}),
});
export type PipelineStep = z.infer<typeof PipelineStep>;

/** An axis of the sweep: a list, or an expression that gives one. Items that are maps are named by their `as`. */
export const Axis = z.union([z.string(), z.array(z.unknown())]);

const CellPattern = z.record(z.string(), z.union([z.string(), z.number(), z.array(z.union([z.string(), z.number()]))]));
const Profile = z.strictObject({
  params: z.record(z.string(), z.unknown()).default({}),
  resources: z.record(z.string(), Resources).default({}),
});

const Plugins = z.array(z.string()).default([]).describe('Packages that provide further steps, by name or path');

/** What a pipeline and a file that runs it may both say. */
const Rules = {
  exclude: z.array(CellPattern).default([]).describe('Cells that match any of these are left out: axis to value or list of values'),
  include: z.array(CellPattern).default([]).describe('Only cells that match one of these are kept, where there are any'),
  resources: z
    .record(z.string(), Resources)
    .default({})
    .describe('Queue, time, memory, checkpoint and retries, by step name, kind/id or label:WORD'),
  profiles: z.record(z.string(), Profile).default({}).describe('Params and resources under a name, for --profile'),
};

/** A pipeline: its params, its axes and its steps. */
export const PipelineDefinition = z.strictObject({
  name: Name,
  summary: z.string().optional(),
  plugins: Plugins,
  params: z.record(Name, ParamDeclaration).default({}).describe('What files that run it may set: name, type, default'),
  presets: z
    .record(z.string(), z.record(z.string(), z.record(z.string(), z.unknown())))
    .default({})
    .describe('A param, its values, and what each value changes in the defaults of other params'),
  axes: z.record(Name, Axis).default({}).describe('What is swept over: a list of values, or an expression that gives one'),
  ...Rules,
  steps: z.record(Name, PipelineStep).describe('What is computed'),
  halving: z
    .strictObject({
      when: z.union([z.string(), z.boolean()]),
      step: Name.describe('The step whose trainings compete'),
      along: Name.describe('The axis along which they compete'),
      over: z.array(Name).default([]).describe('Axes that their scores are averaged over before they are compared'),
      judge: Name.describe('The step that judges a training on the way'),
      metric: z.string().describe('The fact about its result that decides; more is better'),
      rules: z.union([z.string(), z.record(z.string(), z.unknown())]).describe('eta and fractions'),
    })
    .optional()
    .describe('Trainings that are clearly worse than others are not trained to their end'),
  adaptive: z
    .strictObject({
      when: z.union([z.string(), z.boolean()]),
      step: Name.describe('The step that runs at a further seed only where that is needed'),
      along: Name.describe('The axis whose values are compared'),
      over: Name.describe('The axis of seeds'),
      judge: Name.describe('The step whose results are compared'),
      metric: z.string().describe('The fact about its result that is compared'),
      rules: z.union([z.string(), z.record(z.string(), z.unknown())]).describe('after: how many seeds all have; by: kind/id of the judge'),
    })
    .optional()
    .describe('More seeds only for what cannot be told apart'),
});
export type PipelineDefinition = z.infer<typeof PipelineDefinition>;

/** What a person writes to run a pipeline. */
export const RunFile = z.strictObject({
  pipeline: z.string().describe('Name of a pipeline that ships with panelflow, or the path of one'),
  name: Name.optional().describe('Names the run and its results folder; the default is the stem of the file'),
  params: z.record(z.string(), z.unknown()).default({}).describe('Values of the params of the pipeline'),
  plugins: Plugins,
  ...Rules,
});
export type RunFile = z.infer<typeof RunFile>;
