/**
 * One panel for several questions: mean weighted F1 of forests over the three tasks of Kang (cell type, stimulation, patient) at k = 32, for
 * YOTO's one panel and for each single-task method's panel of each task (and its panels taking turns). And YOTO on Zeisel's 47 subtypes.
 * Run: npm run build && PANELFLOW_SHARED=<folder with goldens> node dist/bench/multitask.js [id ...]
 */
import type { StepDefinition } from '../core/plugin.ts';
import { type Dataset, labels, takeCells } from '../data/dataset.ts';
import type { Metrics, Panel, Split } from '../plugins/contract.ts';
import forest from '../plugins/evaluators/forest.ts';
import builtin from '../plugins/index.ts';
import fractions from '../plugins/splitters/fractions.ts';
import { goldenSet } from '../test/kit/golden-set.ts';
import { testContext } from '../test/kit/tiny-atlas.ts';
import { publish } from './_compare.ts';

const K = 32;
const SEEDS = [0, 1, 2];
const TASKS = ['cluster_id', 'group_id', 'patient'].map((name) => ({ column: name, kind: 'classification' as const }));
const BASELINES = [
  'random',
  'hvg-seurat-v3',
  't-test',
  'wilcoxon',
  'cosg',
  'rankcorr',
  'mrmr-f',
  'mrmr-rf',
  'smash',
  'hsic-lasso',
  'scgenefit',
];
const NEURAL = ['markermap', 'markermap-joint', 'persist', 'lassonet'];

interface Row {
  readonly method: string;
  readonly chosen_for: string;
  readonly f1: number;
  readonly by_task: readonly number[];
}

const round = (x: number): number => Math.round(x * 1e4) / 1e4;
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

async function select(
  step: StepDefinition,
  seed: number,
  inputs: { data: Dataset; split: Split },
  tasks: typeof TASKS,
  k: number,
): Promise<Panel> {
  const shape = step.params.shape as Record<string, unknown>;
  const given = { ...('k' in shape ? { k } : {}), ...('tasks' in shape ? { tasks } : {}) };
  return (await step.run(testContext({ seed }), inputs, step.params.parse(given))).outputs.panel as Panel;
}

async function judge(
  panel: Panel,
  seed: number,
  inputs: { data: Dataset; split: Split },
  task: (typeof TASKS)[number],
  k: number,
): Promise<Metrics['values']> {
  const { outputs } = await forest.run(testContext({ seed }), { ...inputs, panel }, forest.params.parse({ k, tasks: [task] }));
  return (outputs.metrics as Metrics).values;
}

const only = process.argv.slice(2);
const wanted = (id: string): boolean => only.length === 0 || only.includes(id);
const { data, split } = await goldenSet('kang');
const rows: Row[] = [];

async function measure(id: string, tasks: typeof TASKS): Promise<void> {
  const step = (await builtin.contributions.selector[id]()).default;
  const scores: number[][] = [];
  for (const seed of SEEDS) {
    const inputs = { data, split: split(seed) };
    const panel = await select(step, seed, inputs, tasks, K);
    const own: number[] = [];
    for (const task of TASKS) own.push((await judge(panel, seed, inputs, task, K)).f1_weighted);
    scores.push(own);
  }
  const byTask = TASKS.map((_, t) => round(mean(scores.map((own) => own[t]))));
  rows.push({ method: id, chosen_for: tasks.map((t) => t.column).join('+'), f1: round(mean(byTask)), by_task: byTask });
  console.log(JSON.stringify(rows.at(-1)));
}

if (wanted('yoto')) await measure('yoto', TASKS);
for (const id of [...BASELINES, ...NEURAL]) {
  if (!wanted(id)) continue;
  const { shape } = (await builtin.contributions.selector[id]()).default.params as { shape: Record<string, unknown> };
  if (!('tasks' in shape)) await measure(id, []);
  else for (const tasks of [...TASKS.map((t) => [t]), TASKS]) await measure(id, tasks);
}

/** Zeisel without the cells of no subclass, split 70/10/20 by subclass. */
async function subtypes(): Promise<object> {
  const zeisel = (await goldenSet('zeisel')).data;
  const { codes, classes } = labels(zeisel.obs, 'cell_subclass');
  const none = classes.indexOf('(none)');
  const cells = takeCells(zeisel, Uint32Array.from(Array.from(codes.keys()).filter((i) => codes[i] >= 0 && codes[i] !== none)));
  const task = { column: 'cell_subclass', kind: 'classification' as const };
  const step = (await builtin.contributions.selector.yoto()).default;
  const accuracies = [];
  for (const seed of SEEDS) {
    const params = fractions.params.parse({ train: 0.7, validation: 0.1, test: 0.2, stratify: true, tasks: [task] });
    const own = (await fractions.run(testContext({ seed }), { data: cells }, params)).outputs.split as Split;
    const panel = await select(step, seed, { data: cells, split: own }, [task], 50);
    accuracies.push((await judge(panel, seed, { data: cells, split: own }, task, 50)).accuracy);
  }
  return { set: 'zeisel subtypes', k: 50, accuracy: round(mean(accuracies)), by_seed: accuracies.map(round) };
}

const kang = rows.toSorted((a, b) => b.f1 - a.f1);
const own = wanted('yoto') ? await subtypes() : undefined;
console.log(JSON.stringify(own));
if (only.length === 0) await publish('multitask', [{ set: 'kang', k: K, seeds: SEEDS, rows: kang }, own!]);
