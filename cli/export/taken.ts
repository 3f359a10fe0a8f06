import { ConfigError } from '../../core/errors.ts';
import { type ArtifactStore } from '../../core/store.ts';
import { taskName } from '../../core/task-name.ts';
import { decode } from '../../data/portable.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { Panel } from '../../plugins/contract.ts';
import { planOf, recordOf, type Source, sourceOf, tasksNamed } from '../../runs/records.ts';
import { asFileName } from '../../runs/publish.ts';
import { recordsOf } from '../../runs/results.ts';
import type { Plan, PlannedTask } from '../../schemas/plan.ts';
import type { RunRecord, TaskRecord } from '../../schemas/run.ts';

/** A run as exports see it. */
export interface Taken {
  readonly store: ArtifactStore;
  readonly record: RunRecord;
  readonly plan: Plan;
  readonly source: Source;
  readonly records: ReadonlyMap<string, TaskRecord>;
}

export async function take(store: ArtifactStore, run: string): Promise<Taken> {
  const record = await recordOf(store, run);
  const [plan, source, records] = await Promise.all([
    planOf(store, record.plans.at(-1)!),
    sourceOf(store, record.source),
    recordsOf(store, run),
  ]);
  return { store, record, plan, source, records };
}

/** Every panel of a run that is there, in the plan's order; those of `cell` alone where one is named. */
export function panelTasks({ plan, records, record }: Taken, cell?: string): PlannedTask[] {
  const among = cell === undefined ? plan.tasks : tasksNamed(plan, record.run, cell);
  const found = among.filter((task) => records.get(task.id)?.outputs.panel?.type === 'panel');
  if (found.length > 0) return found;
  throw new ConfigError(cell === undefined ? `The run ${record.run} has no panels` : `"${cell}" has no panel`, {
    mend: 'Name a cell of a selector, as `panelflow log` does: "seed=0 selector=wilcoxon k=32".',
  });
}

export const panelOf = async ({ store, records }: Taken, { id }: PlannedTask): Promise<Panel> =>
  decode(await store.get(records.get(id)!.outputs.panel)) as Panel;

/** The dataset that a panel was chosen from: its genes are that dataset's columns. */
export async function datasetOf({ store, records }: Taken, task: PlannedTask): Promise<Dataset> {
  const { data } = task.inputs;
  const ref = data && 'task' in data ? records.get(data.task)?.outputs[data.port] : undefined;
  if (!ref)
    throw new ConfigError(`${taskName(task)} has no dataset`, {
      mend: 'Only panels of selectors with an input "data" can be exported so.',
    });
  return decode(await store.get(ref)) as Dataset;
}

/** How many genes of a panel count: its k, or the largest one of the run where one ranking serves them all. */
export function sizeOf({ plan }: Taken, { cell }: PlannedTask): number {
  const ks = (plan.axes.k ?? []).map(Number).filter(Number.isFinite);
  return cell.k === undefined ? (ks.length > 0 ? Math.max(...ks) : Infinity) : Number(cell.k);
}

/** A task's cell as a file's name. */
export const fileName = ({ step, label }: PlannedTask): string => asFileName(label || step);
