import type { Memory, Portable, StepContext, StepDefinition } from '../core/plugin.ts';
import { type Dataset, labels } from '../data/dataset.ts';
import type { Matrix } from '../data/matrix.ts';
import { requireMemory } from './_memory.ts';
import { balanced, candidatesOf, shared, withMust } from './_rules.ts';
import { DataError, type Network, type Panel, PanelRules, type Selection, type SelectorInputs, type Task } from './contract.ts';

/** The parts of a selector's definition that this file needs. */
interface Chooser {
  readonly id: string;
  readonly params: StepDefinition['params'];
  readonly traits?: readonly string[] | undefined;
  readonly memory?: Memory | undefined;
  readonly run: (context: StepContext, inputs: SelectorInputs, params: any) => Promise<Selection>;
}

type Params = Readonly<Record<string, unknown>> & { readonly k?: number; readonly tasks?: readonly Task[] };

/** Runs a selector under the rules of its panel; see `defineSelector`. */
export async function selectWithRules(
  step: Chooser,
  context: StepContext,
  { data, split: whole }: SelectorInputs,
  params: Params,
  given: PanelRules | undefined,
): Promise<Selection> {
  await context.breathe();
  const rules = given ?? PanelRules.parse({});
  const { k } = params;
  const split = rules.balance === null ? whole : balanced(data, whole, rules.balance);
  const candidates = candidatesOf(data, split, rules);
  const { columns, must } = candidates;
  if (k !== undefined) requireEnough(k, columns.length, must.length);
  // A selector that knows k chooses what the genes in front leave over.
  const open =
    k === undefined || must.length === 0
      ? candidates
      : candidatesOf(data, split, { ...rules, must_include: [], exclude: [...rules.exclude, ...rules.must_include] });
  const wanted = k === undefined ? undefined : k - must.length;
  if (wanted === 0) return { panel: withMust(nothing(), candidates, data, k), facts: { must_include: must.length } };
  const own = wanted === undefined ? params : { ...params, k: wanted };
  requireRoom(step, context, { data: open.data, split }, own);
  const chosen = await forEachTask(step, context, { data: open.data, split }, own);
  const panel = withMust(chosen.panel, { ...open, must }, data, k);
  const left = data.X.cols - columns.length;
  const facts = {
    ...chosen.facts,
    ...(left > 0 ? { genes_excluded: left } : {}),
    ...(must.length > 0 ? { must_include: must.length } : {}),
    ...(rules.balance === null ? {} : { learning_cells: split.train.length + split.validation.length }),
  };
  const model = chosen.model === undefined ? {} : { model: { ...chosen.model, preparation: preparationOf(data) } };
  return { panel, ...model, ...(Object.keys(facts).length > 0 ? { facts } : {}) };
}

/** How the steps before made X, where they said so. */
function preparationOf({ scale, uns }: Dataset): NonNullable<Network['preparation']> {
  const said = (uns.normalize ?? {}) as { readonly target_sum?: number | null; readonly log1p?: boolean };
  return { scale, target_sum: said.target_sum ?? null, log1p: said.log1p ?? false };
}

const nothing = (): Selection['panel'] => ({ genes: new Uint32Array(0), names: [], scores: new Float64Array(0), task: null });

function requireEnough(k: number, genes: number, must: number): void {
  if (must > k) {
    throw new DataError(`panel.must_include names ${must} genes, more than k = ${k}`, {
      context: { k, must_include: must },
      mend: 'Name fewer genes, or take a larger k.',
    });
  }
  if (genes < k) {
    throw new DataError(`k = ${k} is more than the ${genes} genes to choose from`, {
      context: { k, genes },
      mend: 'Take a smaller k, or keep more genes (hvg.top, qc.min_cells, panel.exclude).',
    });
  }
}

async function forEachTask(step: Chooser, context: StepContext, inputs: SelectorInputs, params: Params): Promise<Selection> {
  const { tasks = [] } = params;
  if (tasks.length <= 1 || (step.traits ?? []).includes('multi-task')) return step.run(context, inputs, params);
  const { checkpoints } = context;
  const saved = (await checkpoints.load()) as unknown as { readonly panels: readonly Panel[]; readonly state: Portable } | undefined;
  const panels = [...(saved?.panels ?? [])];
  for (const [at, task] of tasks.entries()) {
    if (at < panels.length) continue;
    const part: StepContext = {
      ...context,
      // A checkpoint holds the panels of the tasks that are done, and the state of the one that is not.
      checkpoints: {
        everyMs: checkpoints.everyMs,
        load: () => Promise.resolve(saved?.panels.length === at ? saved.state : undefined),
        save: (state) => checkpoints.save({ panels: [...panels], state } as unknown as Portable),
      },
      // Only the last of several trainings could go on later.
      until: 1,
      progress: (fraction, note) => context.progress((at + fraction) / tasks.length, `${task.column}: ${note ?? ''}`),
    };
    panels.push((await step.run(part, inputs, { ...params, tasks: [task] })).panel);
  }
  return { panel: shared(panels, params.k), facts: { tasks_in_turn: tasks.length } };
}

/** Refuses a selector that needs more memory than it may take. */
function requireRoom({ id, memory }: Chooser, context: StepContext, { data, split }: SelectorInputs, params: Params): void {
  if (memory === undefined) return;
  const cells = split.train.length + split.validation.length;
  const task = params.tasks?.find((t) => t.kind === 'classification');
  const share = cells / Math.max(1, data.X.rows);
  const size = {
    cells,
    genes: data.X.cols,
    values: Math.ceil(stored(data.X) * share),
    classes: task === undefined ? 0 : labels(data.obs, task.column).classes.length,
  };
  requireMemory(context, memory.bytes(size, params) + bytesOf(data), {
    step: `selector/${id}`,
    size: { cells, genes: size.genes },
    mend: `It needs ${memory.formula}, and the data. ${memory.mend ?? 'Use fewer genes (hvg.top) or cells (panel.balance), or a machine with more memory.'}`,
  });
}

/** Values that a matrix stores, those that are not zero in a dense one. */
const stored = (m: Matrix): number => (m.kind === 'csr' ? m.data.length : m.data.reduce((n, x) => n + Number(x !== 0), 0));

function bytesOf({ X, layers }: Dataset): number {
  const bytes = (m: Matrix): number => m.data.byteLength + (m.kind === 'csr' ? m.indices.byteLength + m.indptr.byteLength : 0);
  return [X, ...Object.values(layers)].reduce((sum, m) => sum + bytes(m), 0);
}
