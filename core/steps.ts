import type { PipelineDefinition, PipelineStep, Resources } from '../schemas/pipeline.ts';
import type { Cell, PlannedTask, Source } from '../schemas/plan.ts';
import { canonical } from './canonical.ts';
import { ConfigError, isPanelflowError } from './errors.ts';
import { type Scope, type Template, template } from './expression.ts';
import type { StepDefinition } from './plugin.ts';
import { type Path, didYouMean, problemsOf } from './problem.ts';
import { replaceTexts } from './replace-texts.ts';
import { type SweepCell, project } from './sweep.ts';
import { bytes, milliseconds } from './units.ts';
import { bypass, type PlanContext, resolveInputs, type Wire } from './wiring.ts';

/** A step with its expressions parsed. */
export interface CompiledStep {
  readonly name: string;
  readonly step: PipelineStep;
  readonly inputs: readonly Wire[];
  readonly otherwise: readonly Wire[];
  readonly needs: readonly string[];
  readonly uses: Template;
  readonly with: Template;
  readonly offer: Template;
  readonly seed: Template;
  readonly when: Template;
  /** Axes that its own expressions look at. */
  readonly ownAxes: readonly string[];
  /** Those, and the ones it inherits through its inputs. */
  readonly axes: readonly string[];
}

const DAY = 86_400_000;
/** How often a training is saved unless told otherwise. */
const CHECKPOINT = 30_000;
const RETRIES = { crash: 2, resource: 4, artifact: 4, timeout: 1 };

/** Parses one step's expressions and wiring. */
export function compileStep(name: string, step: PipelineStep, definition: PipelineDefinition): CompiledStep {
  const steps = Object.keys(definition.steps);
  const axes = Object.keys(definition.axes);
  const wire = (port: string, text: string, gather: Wire['gather'], kind: { many?: boolean; offered?: boolean } = {}): Wire => {
    const [from, output, ...rest] = text.split('.');
    if (!from || !output || rest.length > 0)
      throw new ConfigError(`steps.${name}: input "${port}" is "${text}"`, { mend: 'Write it as step.port, for example load.data.' });
    if (!steps.includes(from))
      throw new ConfigError(`steps.${name}: input "${port}" comes from a step "${from}" that there is not`, {
        mend: didYouMean(from, steps),
      });
    for (const axis of gather === 'all' ? [] : gather)
      if (!axes.includes(axis))
        throw new ConfigError(`steps.${name}: input "${port}" gathers over "${axis}", which is no axis`, { mend: didYouMean(axis, axes) });
    return { name: port, step: from, port: output, gather, many: kind.many ?? false, offered: kind.offered ?? false };
  };
  const inputs = Object.entries(step.in).map(([port, i]) =>
    typeof i === 'string'
      ? wire(port, i, [])
      : 'gather' in i
        ? wire(port, i.from, i.gather, { many: true })
        : wire(port, i.from, [], { offered: true }),
  );
  const otherwise = Object.entries(step.otherwise ?? {}).map(([port, text]) => wire(port, text, []));
  const parts = {
    uses: template(step.uses),
    with: template(step.with),
    offer: template(step.offer),
    seed: template(step.seed),
    when: template(step.when ?? true),
  };
  const ownAxes = [...new Set(Object.values(parts).flatMap((t) => t.axes))];
  for (const axis of ownAxes)
    if (!axes.includes(axis))
      throw new ConfigError(`steps.${name} looks at axis.${axis}, which is no axis`, { mend: didYouMean(axis, axes) });
  return { name, step, inputs, otherwise, needs: [...inputs, ...otherwise].map((w) => w.step), ...parts, ownAxes, axes: ownAxes };
}

/** Adds a step's tasks to the plan: one for each distinct computation among the cells. */
export async function planStep(step: CompiledStep, context: PlanContext): Promise<void> {
  const at = new Map<string, Readonly<Record<string, Source>> | null>();
  context.instances.set(step.name, { axes: step.axes, at });
  const shared = new Map<string, number>();
  const wrong = new Set<string>();
  const lost = { 'left out': 0, 'no input': 0 };
  for (const cell of context.cells) {
    const { key, cell: labels } = project(cell.labels, step.axes);
    if (at.has(key)) continue;
    try {
      const made = await planInstance(step, cell, labels, context, shared);
      if (typeof made === 'string') lost[made]++;
      at.set(key, typeof made === 'string' ? null : made);
    } catch (error) {
      if (!isPanelflowError(error)) throw error;
      at.set(key, null);
      if (wrong.has(error.message)) continue;
      wrong.add(error.message);
      const path: Path = ['steps', step.name];
      context.problems.place('pipeline', path, error);
    }
  }
  const { because, when } = step.step;
  if (lost['left out'] > 0 && because !== '')
    context.leftOut.push({ step: step.name, cells: lost['left out'], when: because ?? String(when) });
  if (lost['no input'] > 0) context.leftOut.push({ step: step.name, cells: lost['no input'], when: 'an input is left out' });
}

async function planInstance(
  step: CompiledStep,
  cell: SweepCell,
  labels: Cell,
  context: PlanContext,
  shared: Map<string, number>,
): Promise<Readonly<Record<string, Source>> | 'left out' | 'no input'> {
  const scope: Scope = { ...context.scope, names: { ...context.scope.names, axis: cell.values } };
  const when = step.when.evaluate(scope);
  if (typeof when !== 'boolean') throw new ConfigError(`steps.${step.name}.when wants true or false, and got ${JSON.stringify(when)}`);
  if (!when) return bypass(step, cell, context) ?? 'left out';
  const definition = await definitionOf(step, scope, context);
  const inputs = resolveInputs(step, definition, cell, labels, context);
  if (inputs === null) return 'no input';
  const { params, files } = await resolveParams(step, definition, scope, context);
  const seed = seedOf(step, definition, scope);
  const { kind, id, version } = definition;
  const identity = canonical([kind, id, version, params, seed, inputs, files]);
  const known = shared.get(identity);
  if (known !== undefined) {
    context.tasks[known] = alsoFor(context.tasks[known], labels);
    return outputsOf(context.tasks[known], definition);
  }
  const task: PlannedTask = {
    id: `${step.name}-${context.sha256(identity).slice(0, 12)}`,
    step: step.name,
    label: labelled(labels),
    cell: labels,
    uses: `${kind}/${id}`,
    version,
    params,
    seed,
    inputs,
    files,
    ...resourcesOf(step, definition, context),
  };
  shared.set(identity, context.tasks.length);
  context.tasks.push(task);
  context.usesOf.set(task.id, task.uses);
  return outputsOf(task, definition);
}

const labelled = (cell: Cell): string =>
  Object.entries(cell)
    .map(([axis, label]) => `${axis}=${label}`)
    .join(' ');

/** A task that stands for one more cell is named by the axes that all its cells share. */
function alsoFor(task: PlannedTask, labels: Cell): PlannedTask {
  const cell = Object.fromEntries(Object.entries(task.cell).filter(([axis, label]) => labels[axis] === label));
  return { ...task, cell, label: labelled(cell) };
}

function outputsOf(task: PlannedTask, definition: StepDefinition): Record<string, Source> {
  return Object.fromEntries(Object.keys(definition.outputs).map((port) => [port, { task: task.id, port }]));
}

async function definitionOf(step: CompiledStep, scope: Scope, context: PlanContext): Promise<StepDefinition> {
  const uses = step.uses.evaluate(scope);
  if (typeof uses !== 'string') throw new ConfigError(`steps.${step.name}.uses wants kind/id, and got ${JSON.stringify(uses)}`);
  return context.registry.load(uses);
}

async function resolveParams(
  step: CompiledStep,
  definition: StepDefinition,
  scope: Scope,
  context: PlanContext,
): Promise<Pick<PlannedTask, 'params' | 'files'>> {
  const own = (step.with.evaluate(scope) ?? {}) as Record<string, unknown>;
  if (typeof own !== 'object' || Array.isArray(own))
    throw new ConfigError(`steps.${step.name}.with wants a map, and got ${JSON.stringify(own)}`);
  const offered = step.offer.evaluate(scope) as Record<string, unknown>;
  const shape = definition.params.shape as Record<string, unknown>;
  const taken = Object.fromEntries(
    Object.entries(offered).filter(([key, value]) => Object.hasOwn(shape, key) && value !== null && value !== undefined),
  );
  for (const key of Object.keys(own)) {
    if (Object.hasOwn(taken, key))
      throw new ConfigError(`"${key}" of ${definition.kind}/${definition.id} is given by the pipeline`, {
        mend: 'Take it out of "with:".',
      });
  }
  const parsed = definition.params.safeParse({ ...taken, ...own });
  const origin = context.origins.of(own) ?? { document: 'pipeline' as const, path: ['steps', step.name, 'with'] };
  if (!parsed.success) {
    const found = problemsOf(parsed.error, definition.params, origin.document, origin.path);
    context.problems.list.push(
      ...found
        .map((p) => ({ ...p, message: `${definition.kind}/${definition.id}: ${p.message}` }))
        .filter((p) => !context.problems.list.some((q) => q.message === p.message)),
    );
    return { params: {}, files: [] };
  }
  const found = new Map<string, PlannedTask['files'][number]>();
  for (const named of new Set(definition.files?.(parsed.data))) {
    try {
      found.set(named, await context.hashFile(named));
    } catch (error) {
      context.problems.place(origin.document, [...origin.path], error);
    }
  }
  return { params: replaceTexts(parsed.data, (text) => found.get(text)?.path), files: [...found.values()] };
}

function seedOf(step: CompiledStep, definition: StepDefinition, scope: Scope): number | null {
  if (!definition.seeded) return null;
  const seed = step.seed.evaluate(scope) ?? 0;
  if (typeof seed !== 'number' || !Number.isSafeInteger(seed))
    throw new ConfigError(`steps.${step.name}.seed wants a whole number, and got ${JSON.stringify(seed)}`);
  return seed;
}

function resourcesOf(
  step: CompiledStep,
  definition: StepDefinition,
  context: PlanContext,
): Pick<PlannedTask, 'queue' | 'timeoutMs' | 'memoryBytes' | 'checkpointMs' | 'retries'> {
  const names = [...step.step.labels.map((label) => `label:${label}`), `${definition.kind}/${definition.id}`, step.name];
  const merged = [step.step.resources, ...names.map((name) => context.resources[name] ?? {})];
  const pick = <K extends keyof Resources>(key: K): Resources[K] => merged.reduce<Resources[K]>((value, r) => r[key] ?? value, undefined);
  const time = pick('time');
  const memory = pick('memory');
  const checkpoint = pick('checkpoint');
  return {
    queue: pick('queue') ?? definition.queue,
    timeoutMs: time === undefined ? DAY : milliseconds(time),
    memoryBytes: memory === undefined ? null : bytes(memory),
    checkpointMs: checkpoint === undefined ? CHECKPOINT : milliseconds(checkpoint),
    retries: { ...RETRIES, ...pick('retries') },
  };
}
