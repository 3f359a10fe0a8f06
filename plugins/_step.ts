import type * as z from 'zod';
import type { StepContext, StepDefinition, StepResult } from '../core/plugin.ts';
import type { Metrics } from './contract.ts';

/** What the author of a step writes, beside what it does. */
export type Body<P extends z.ZodObject> = Pick<StepDefinition<P>, 'id' | 'version' | 'summary' | 'params'> &
  Partial<Pick<StepDefinition<P>, 'cites' | 'queue' | 'seeded' | 'traits' | 'files'>>;
/** What it does. */
export type Run<P extends z.ZodObject, I, O> = (context: StepContext, inputs: I, params: z.infer<P>) => Promise<O>;

/** A step of a kind as its author wrote it: its ports are added, and what it gives is packed. */
export const stepOf = <P extends z.ZodObject>(
  kind: string,
  ports: Pick<StepDefinition, 'inputs' | 'outputs'>,
  step: Body<P> & { run: (context: StepContext, inputs: any, params: z.infer<P>) => Promise<Parameters<typeof pack>[0]> },
): StepDefinition<P> => ({
  queue: 'cpu',
  seeded: false,
  ...step,
  kind,
  ...ports,
  run: async (context, inputs, params) => pack(await step.run(context, inputs, params)),
});

/** What a judge gives, with its metrics as facts too. */
export const metricsAsFacts = (judged: {
  readonly metrics: Metrics;
  readonly facts?: StepResult['facts'];
}): { readonly metrics: Metrics; readonly facts: NonNullable<StepResult['facts']> } => ({
  ...judged,
  facts: { ...judged.metrics.values, ...judged.facts },
});

function pack({ facts, ...outputs }: { readonly facts?: StepResult['facts']; readonly [port: string]: unknown }): StepResult {
  return facts === undefined ? { outputs } : { outputs, facts };
}
