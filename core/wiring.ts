import type { Cell, Plan, PlannedInput, PlannedTask, Source } from '../schemas/plan.ts';
import type { Resources } from '../schemas/pipeline.ts';
import type { CompileInput, Problems } from './compile.ts';
import { ConfigError } from './errors.ts';
import type { Scope } from './expression.ts';
import type { StepDefinition } from './plugin.ts';
import { didYouMean } from './problem.ts';
import type { CompiledStep } from './steps.ts';
import { type SweepCell, project } from './sweep.ts';

/** An input port's wiring. `gather` lists the axes that are gathered ([] for a single value). */
export interface Wire {
  readonly name: string;
  readonly step: string;
  readonly port: string;
  readonly gather: 'all' | readonly string[];
  readonly many: boolean;
  /** Given only to a step that has such an input, where the other step has such an output. */
  readonly offered: boolean;
}

/** step name → projection key → output port → where it comes from; null where the step is left out. */
export type Instances = Map<
  string,
  { readonly axes: readonly string[]; readonly at: Map<string, Readonly<Record<string, Source>> | null> }
>;

/** What planning a step sees and fills. */
export interface PlanContext extends CompileInput {
  readonly resources: Readonly<Record<string, Resources>>;
  readonly cells: readonly SweepCell[];
  readonly scope: Scope;
  readonly instances: Instances;
  readonly tasks: PlannedTask[];
  /** Task id to kind/id. */
  readonly usesOf: Map<string, string>;
  readonly leftOut: Plan['left_out'];
  readonly problems: Problems;
}

/** The instance of another step that a cell sees; null where that step is left out. */
function lookUp(wire: Wire, cell: SweepCell, context: PlanContext): Source | null {
  const upstream = context.instances.get(wire.step)!;
  const outputs = upstream.at.get(project(cell.labels, upstream.axes).key) ?? null;
  if (outputs === null) return null;
  const source = outputs[wire.port];
  if (!source && wire.offered) return null;
  if (!source)
    throw new ConfigError(`Step "${wire.step}" has no output "${wire.port}"`, { mend: didYouMean(wire.port, Object.keys(outputs)) });
  return source;
}

/** What stands in for a step that is left out. */
export function bypass(step: CompiledStep, cell: SweepCell, context: PlanContext): Readonly<Record<string, Source>> | null {
  if (step.otherwise.length === 0) return null;
  const outputs: Record<string, Source> = {};
  for (const wire of step.otherwise) {
    const source = lookUp(wire, cell, context);
    if (source === null) return null;
    outputs[wire.name] = source;
  }
  return outputs;
}

/** Where each input port of one instance comes from; null when a needed one is left out. */
export function resolveInputs(
  step: CompiledStep,
  definition: StepDefinition,
  cell: SweepCell,
  labels: Cell,
  context: PlanContext,
): Record<string, PlannedInput> | null {
  const inputs: Record<string, PlannedInput> = {};
  const uses = `${definition.kind}/${definition.id}`;
  for (const wire of step.inputs) {
    const port = Object.hasOwn(definition.inputs, wire.name) ? definition.inputs[wire.name] : undefined;
    if (!port && wire.offered) continue;
    if (!port)
      throw new ConfigError(`${uses} has no input "${wire.name}" (step "${step.name}")`, {
        mend: didYouMean(wire.name, Object.keys(definition.inputs)),
      });
    if (wire.many !== (port.many ?? false))
      throw new ConfigError(`Input "${wire.name}" of ${uses} takes ${port.many ? 'a list' : 'one value'} (step "${step.name}")`, {
        mend: port.many
          ? `Write ${wire.name}: { from: ${wire.step}.${wire.port}, gather: all }.`
          : `Write ${wire.name}: ${wire.step}.${wire.port}.`,
      });
    const found = wire.many ? gatherFor(wire, labels, step.axes, context) : lookUp(wire, cell, context);
    const source = found === null ? null : 'gather' in found ? found.gather[0] : found;
    if (source) checkType(source, port.type, wire, uses, context);
    if (found !== null) inputs[wire.name] = found;
    else if (!port.optional) return null;
  }
  for (const [name, port] of Object.entries(definition.inputs)) {
    if (!port.optional && !step.inputs.some((w) => w.name === name))
      throw new ConfigError(`Step "${step.name}" gives ${uses} no input "${name}"`, {
        mend: `Add it under "in:", from an output of type ${port.type}.`,
      });
  }
  return inputs;
}

function checkType(source: Source, type: string, wire: Wire, uses: string, context: PlanContext): void {
  const given = context.registry.loaded(context.usesOf.get(source.task)!)?.outputs[source.port];
  if (given !== type)
    throw new ConfigError(`Input "${wire.name}" of ${uses} takes ${type}, and ${wire.step}.${wire.port} is ${given}`, {
      mend: `Wire an output of type ${type} to it.`,
    });
}

/** Everything that an output gives over the gathered axes, for one cell of the kept axes. */
function gatherFor(
  wire: Wire,
  labels: Cell,
  kept: readonly string[],
  context: PlanContext,
): { gather: (Source & { cell: Cell })[] } | null {
  const upstream = context.instances.get(wire.step)!;
  const shared = kept.filter((axis) => upstream.axes.includes(axis));
  const seen = new Set<string>();
  const gather: (Source & { cell: Cell })[] = [];
  for (const cell of context.cells) {
    const { key, cell: at } = project(cell.labels, upstream.axes);
    if (seen.has(key) || shared.some((axis) => at[axis] !== labels[axis])) continue;
    seen.add(key);
    const source = lookUp(wire, cell, context);
    if (source) gather.push({ ...source, cell: at });
  }
  return gather.length > 0 ? { gather } : null;
}
