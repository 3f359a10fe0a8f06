import type { PipelineDefinition, Resources, RunFile } from '../schemas/pipeline.ts';
import type { Plan, PlannedTask, Source } from '../schemas/plan.ts';
import { topologicalOrder } from './dag.ts';
import { isPanelflowError } from './errors.ts';
import { adapt } from './adaptive.ts';
import { halve } from './halving.ts';
import type { Scope } from './expression.ts';
import { checkParams, type Use } from './params.ts';
import { CompileError, type Document, type Origins, type Path, type Problem } from './problem.ts';
import type { Registry } from './registry.ts';
import { type CompiledStep, compileStep, planStep } from './steps.ts';
import { expand } from './sweep.ts';
import type { Instances } from './wiring.ts';

/** What compile needs from the world: it does no I/O itself. */
export interface CompileInput {
  readonly definition: PipelineDefinition;
  readonly run: Pick<RunFile, 'params' | 'include' | 'exclude' | 'resources'> & { readonly name: string };
  readonly registry: Registry;
  /** Where lists and maps stand in their files. */
  readonly origins: Origins;
  /** The absolute path of a file that a param names, and the hash of its content; throws DataError or ConfigError when it cannot be read. */
  readonly hashFile: (path: string) => Promise<{ readonly path: string; readonly sha256: string }>;
  /** SHA-256 of a text, as hex. */
  readonly sha256: (text: string) => string;
}

/** Collects problems, placing errors thrown by pure code that knows no place. */
export class Problems {
  readonly list: Problem[] = [];

  /** Runs `work`; an error of ours becomes a problem at `path`. */
  try<T>(document: Document, path: Path, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.place(document, path, error);
      return undefined;
    }
  }

  /** Makes an error of ours a problem at `path`, once: many cells may find the same. */
  place(document: Document, path: Path, error: unknown): void {
    if (error instanceof CompileError) this.list.push(...error.problems);
    // What may pass, such as a server that is away, is no fault of the file.
    else if (isPanelflowError(error) && !error.retryable) {
      const { message, mend } = error;
      const isKnown = this.list.some((p) => p.message === message && p.document === document && String(p.path) === String(path));
      if (!isKnown) this.list.push({ message, mend, document, path, value: error.context.path });
    } else throw error;
  }

  /** Throws when there are any. */
  stop(): void {
    if (this.list.length > 0) throw new CompileError(this.list);
  }
}

/** Turns a pipeline and the user's params into a plan: defaults filled in, ports checked, every cell listed, equal work shared. */
export async function compile(input: CompileInput): Promise<Plan> {
  const { definition, run, registry } = input;
  const problems = new Problems();
  const declared = withPresets(definition, run.params);
  const checked = checkParams(declared, run.params, registry, { document: 'run', base: ['params'] });
  problems.list.push(...checked.problems);
  problems.stop();
  await loadDefinitions(definition, checked.values, registry, problems);
  problems.stop();
  const scope: Scope = {
    names: { params: checked.values, axis: {}, run: { name: run.name } },
    has: (uses, trait) => registry.loaded(uses)?.traits?.includes(trait) ?? false,
    about: (uses) => ({ summary: registry.loaded(uses)?.summary ?? '', cites: registry.loaded(uses)?.cites ?? [] }),
  };
  const rules = { include: [...definition.include, ...run.include], exclude: [...definition.exclude, ...run.exclude] };
  const cells = problems.try('run', [], () => expand(definition.axes, rules, scope));
  const steps = compileSteps(definition, problems);
  problems.stop();
  const resources = mergeResources(definition.resources, run.resources);
  checkResourceNames(resources, definition, registry, problems);

  const tasks: PlannedTask[] = [];
  const leftOut: Plan['left_out'] = [];
  const instances: Instances = new Map();
  const usesOf = new Map<string, string>();
  for (const step of steps) {
    await planStep(step, { ...input, resources, cells: cells!, scope, instances, tasks, usesOf, leftOut, problems });
    problems.stop();
  }
  const halved = problems.try('run', ['params'], () =>
    adapt(halve(tasks, definition, { scope, definitionOf: (uses) => registry.loaded(uses), sha256: input.sha256 }), definition, scope),
  );
  problems.stop();
  return {
    format: 1,
    name: run.name,
    pipeline: definition.name,
    plugins: Object.fromEntries([...new Set(tasks.map((t) => registry.pluginOf(t.uses)))].map((p) => [p.name, p.version])),
    params: checked.values,
    axes: Object.fromEntries(
      Object.keys(definition.axes)
        .filter((axis) => cells!.some((c) => Object.hasOwn(c.labels, axis)))
        .map((axis) => [axis, [...new Set(cells!.map((c) => c.labels[axis]))]]),
    ),
    cells: cells!.length,
    tasks: halved!,
    left_out: leftOut,
    publish: published(halved!, registry),
  };
}

/** The declarations with the defaults that the chosen presets bring. */
function withPresets(definition: PipelineDefinition, given: Readonly<Record<string, unknown>>): PipelineDefinition['params'] {
  const declared = { ...definition.params };
  for (const [param, choices] of Object.entries(definition.presets)) {
    const chosen = choices[(given[param] ?? declared[param]?.default) as string];
    for (const [name, value] of Object.entries(chosen ?? {})) if (declared[name]) declared[name] = { ...declared[name], default: value };
  }
  return declared;
}

/** Imports every definition that the plan can name: those written in steps, and those that params chose. */
async function loadDefinitions(
  definition: PipelineDefinition,
  params: Readonly<Record<string, unknown>>,
  registry: Registry,
  problems: Problems,
): Promise<void> {
  const chosen: string[] = [];
  const walk = (value: unknown): void => {
    if (value === null || typeof value !== 'object') return;
    const uses = (value as Partial<Use>).uses;
    if (typeof uses === 'string' && registry.knows(uses)) chosen.push(uses);
    for (const inner of Object.values(value)) walk(inner);
  };
  walk(params);
  for (const [name, step] of Object.entries(definition.steps)) {
    if (step.uses.includes('${{')) continue;
    await registry.load(step.uses).catch((error: unknown) => problems.place('pipeline', ['steps', name, 'uses'], error));
  }
  for (const uses of new Set(chosen)) await registry.load(uses);
}

function compileSteps(definition: PipelineDefinition, problems: Problems): CompiledStep[] {
  const compiled = new Map<string, CompiledStep>();
  for (const [name, step] of Object.entries(definition.steps)) {
    const done = problems.try('pipeline', ['steps', name], () => compileStep(name, step, definition));
    if (done) compiled.set(name, done);
  }
  problems.stop();
  const needs = new Map([...compiled].map(([name, step]) => [name, step.needs]));
  const order = problems.try('pipeline', ['steps'], () => topologicalOrder(needs)) ?? [];
  const steps = order.map((name) => compiled.get(name)!);
  const axes = Object.keys(definition.axes);
  const axesOf = new Map<string, readonly string[]>();
  return steps.map((step) => {
    const inherited = step.inputs.flatMap((i) =>
      (axesOf.get(i.step) ?? []).filter((axis) => i.gather !== 'all' && !i.gather.includes(axis)),
    );
    const own = axes.filter((axis) => step.ownAxes.includes(axis) || inherited.includes(axis));
    axesOf.set(step.name, own);
    return { ...step, axes: own };
  });
}

function mergeResources(a: Readonly<Record<string, Resources>>, b: Readonly<Record<string, Resources>>): Record<string, Resources> {
  const merged: Record<string, Resources> = { ...a };
  for (const [name, r] of Object.entries(b)) merged[name] = { ...merged[name], ...r };
  return merged;
}

function checkResourceNames(
  resources: Readonly<Record<string, Resources>>,
  definition: PipelineDefinition,
  registry: Registry,
  problems: Problems,
): void {
  const steps = Object.keys(definition.steps);
  const labels = Object.values(definition.steps).flatMap((s) => s.labels.map((label) => `label:${label}`));
  for (const name of Object.keys(resources)) {
    if (steps.includes(name) || registry.knows(name) || labels.includes(name)) continue;
    problems.list.push({
      message: `resources names "${name}", which is neither a step, a kind/id nor label:WORD of a step`,
      mend: `Steps: ${steps.join(', ')}.`,
      document: 'run',
      path: ['resources', name],
      onKey: true,
    });
  }
}

function published(tasks: readonly PlannedTask[], registry: Registry): Source[] {
  // What stops on the way is nobody's result.
  const whole = tasks.filter((task) => task.until === undefined);
  return whole.flatMap((task) =>
    Object.entries(registry.loaded(task.uses)?.outputs ?? {})
      .filter(([, type]) => type === 'files' || type === 'model')
      .map(([port]) => ({ task: task.id, port })),
  );
}
