import { ConfigError } from '../../core/errors.ts';
import { taskName } from '../../core/task-name.ts';
import type { Column, Dataset } from '../../data/dataset.ts';
import { decode } from '../../data/portable.ts';
import type { Panel, Predictions, Split } from '../../plugins/contract.ts';
import { publishedTable } from '../../runs/published.ts';
import type { PlannedTask } from '../../schemas/plan.ts';
import { datasetOf, panelOf, panelTasks, sizeOf, type Taken } from './taken.ts';

/** The dataset that a panel was chosen from as an h5ad: the panel in var, the split and what its selector's own classifier said in obs. */
export async function exportAnnData(taken: Taken, path: string, cell?: string): Promise<string> {
  const tasks = panelTasks(taken, cell);
  const task = tasks.length === 1 ? tasks[0] : await bestOf(taken, tasks);
  const [data, panel] = await Promise.all([datasetOf(taken, task), panelOf(taken, task)]);
  const size = Math.min(sizeOf(taken, task), panel.genes.length);
  const annotated: Dataset = {
    ...data,
    var: { ...data.var, columns: { ...data.var.columns, ...varColumns(data, panel, size) } },
    obs: {
      ...data.obs,
      columns: {
        ...data.obs.columns,
        ...splitColumn(data, await splitOf(taken, task)),
        ...predictedColumns(data, panel.predictions ?? []),
      },
    },
    uns: { ...data.uns, panelflow: { run: taken.record.run, task: taskName(task), uses: task.uses, params: task.params, seed: task.seed } },
  };
  const { writeH5ad } = await import('../../data/h5ad-write.ts');
  await writeH5ad(path, annotated);
  return `${path} with the panel of ${taskName(task)}`;
}

function varColumns({ var: genes }: Dataset, panel: Panel, size: number): Record<string, Column> {
  const n = genes.index.length;
  const codes = new Int32Array(n);
  const ranks = new Float64Array(n).fill(Number.NaN);
  const scores = new Float64Array(n).fill(Number.NaN);
  for (let rank = 0; rank < panel.genes.length; rank++) {
    const gene = panel.genes[rank];
    if (rank < size) codes[gene] = 1;
    ranks[gene] = rank + 1;
    scores[gene] = panel.scores[rank];
  }
  return {
    panel: { kind: 'category', codes, categories: ['no', 'yes'] },
    panel_rank: { kind: 'number', values: ranks },
    panel_score: { kind: 'number', values: scores },
  };
}

/** For each task, the class that is most probable; missing for cells that were not test cells. */
function predictedColumns({ obs }: Dataset, predictions: readonly Predictions[]): Record<string, Column> {
  return Object.fromEntries(
    predictions.map(({ task, classes, rows, probabilities }) => {
      const codes = new Int32Array(obs.index.length).fill(-1);
      for (const [i, row] of rows.entries()) {
        const own = probabilities.subarray(i * classes.length, (i + 1) * classes.length);
        codes[row] = own.indexOf(Math.max(...own));
      }
      return [`predicted_${task}`, { kind: 'category', codes, categories: classes }];
    }),
  );
}

async function splitOf({ store, records }: Taken, { inputs }: PlannedTask): Promise<Split | undefined> {
  const { split } = inputs;
  const ref = split && 'task' in split ? records.get(split.task)?.outputs[split.port] : undefined;
  return ref && (decode(await store.get(ref)) as Split);
}

function splitColumn({ obs }: Dataset, split: Split | undefined): Record<string, Column> {
  if (!split) return {};
  const codes = new Int32Array(obs.index.length).fill(-1);
  const categories = ['train', 'validation', 'test'] as const;
  for (const [code, part] of categories.entries()) for (const row of split[part]) codes[row] = code;
  return { split: { kind: 'category', codes, categories } };
}

/** The panel with the highest mean accuracy (of the first metric, where there is none of that name) over evaluators and tasks. */
async function bestOf(taken: Taken, tasks: readonly PlannedTask[]): Promise<PlannedTask> {
  const { rows } = (await publishedTable(taken.store, taken, 'metrics.csv')) ?? { rows: [] };
  const metric = rows.some((row) => row.metric === 'accuracy') ? 'accuracy' : rows[0]?.metric;
  const scored = tasks.map((candidate) => {
    const { selector, seed } = candidate.cell;
    const k = sizeOf(taken, candidate);
    const own = rows.filter(
      (row) => row.metric === metric && row.selector === String(selector) && row.k === String(k) && row.seed === String(seed),
    );
    return { candidate, score: own.reduce((sum, row) => sum + Number(row.value), 0) / own.length };
  });
  const best = scored
    .filter(({ score }) => !Number.isNaN(score))
    .toSorted((a, b) => b.score - a.score)
    .at(0);
  if (best) return best.candidate;
  throw new ConfigError('The run has several panels', { mend: `Name one with --cell, such as --cell "${taskName(tasks[0])}".` });
}
