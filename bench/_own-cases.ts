import { join } from 'node:path';
import type { StepDefinition } from '../core/plugin.ts';
import { type Dataset, labels, takeCells } from '../data/dataset.ts';
import type { Panel, Split, Task } from '../plugins/contract.ts';
import builtin from '../plugins/index.ts';
import file from '../plugins/readers/file.ts';
import fractions from '../plugins/splitters/fractions.ts';
import normalize from '../plugins/transforms/normalize.ts';
import { testContext } from '../test/kit/tiny-atlas.ts';

/** The sizes of the panels, all from one selection where the method allows it. */
export const SIZES = [16, 32, 64] as const;

/** A dataset with the columns to predict. */
export interface Case {
  readonly name: string;
  readonly file: string;
  readonly tasks: readonly string[];
  /** Params of the reader. */
  readonly read?: Readonly<Record<string, unknown>>;
  /** A class of the first task that is none. */
  readonly without?: string;
}

/** What the method and its defaults were chosen on. */
export const TUNING: readonly Case[] = [
  { name: 'zeisel class', file: 'zeisel.h5ad', tasks: ['cell_class'] },
  { name: 'pbmc68k', file: 'pbmc68k_reduced_lognorm.h5ad', tasks: ['bulk_labels'] },
  { name: 'gbm condition, patient', file: 'gbm_panobinostat_multitask.h5ad', tasks: ['condition', 'patient_id'] },
];

/** What was not looked at before the method was frozen. */
export const REPORT: readonly Case[] = [
  { name: 'paul15', file: 'paul15_240genes.h5ad', tasks: ['celltype'] },
  { name: 'kang type', file: 'kang_ifnb_multitask.h5ad', tasks: ['cluster_id'] },
  { name: 'kang type, group, sample', file: 'kang_ifnb_multitask.h5ad', tasks: ['cluster_id', 'group_id', 'sample_id'] },
  { name: 'celseq2', file: 'formats/sc_celseq2.count.csv.gz', tasks: ['cell_line_demuxlet'], read: { orientation: 'genes-by-cells' } },
  { name: 'zeisel subclass', file: 'zeisel.h5ad', tasks: ['cell_subclass'], without: '(none)' },
  { name: 'her2st', file: 'her2st_labelled_ABCD.h5ad', tasks: ['pathologist'] },
  { name: 'pbmc3k', file: 'pbmc3k.h5ad', tasks: ['celltype'] },
];

const ONE = testContext();
const folder = (): string => join(process.env.PANELFLOW_SHARED ?? '../shared', 'data');

/** The dataset in log values, with the tasks. */
export async function load(given: Case): Promise<{ data: Dataset; tasks: Task[] }> {
  const path = join(folder(), given.file);
  const beside = given.read === undefined ? {} : { obs_file: path.replace('count', 'metadata') };
  const read = await file.run(ONE, {}, file.params.parse({ path, ...given.read, ...beside }));
  let data = read.outputs.data as Dataset;
  if (data.scale === 'counts') data = (await normalize.run(ONE, { data }, normalize.params.parse({}))).outputs.data as Dataset;
  if (given.without !== undefined) {
    const { codes, classes } = labels(data.obs, given.tasks[0]);
    const none = classes.indexOf(given.without);
    data = takeCells(
      data,
      Array.from(codes.keys()).filter((i) => codes[i] !== none),
    );
  }
  return { data, tasks: given.tasks.map((column) => ({ column, kind: 'classification' })) };
}

/** 70 % to train on, 10 % to validate, 20 % to test. */
export async function divide(data: Dataset, tasks: readonly Task[], seed: number): Promise<Split> {
  const params = fractions.params.parse({ train: 0.7, validation: 0.1, test: 0.2, tasks });
  return (await fractions.run(testContext({ seed }), { data }, params)).outputs.split as Split;
}

/** A selector with params. */
export interface Contestant {
  readonly name: string;
  readonly id: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** Ours. */
export const OURS = 'ridge-forward';

const ids = (...names: string[]): Contestant[] => names.map((id) => ({ name: id, id }));

/** What is compared; the slow ones last. */
export const CONTESTANTS: readonly Contestant[] = ids(
  OURS,
  't-test',
  't-test-overestim-var',
  'wilcoxon',
  'wilcoxon-tie-correct',
  'cosg',
  'rankcorr',
  'hvg-seurat',
  'hvg-cell-ranger',
  'hvg-seurat-v3',
  'random',
  'mrmr-f',
  'smash',
  'scgenefit',
  'mrmr-rf',
  'spapros',
  'hsic-lasso',
  'yoto',
  'markermap',
);

/** CPU seconds that a training may take. */
const MOST = 60;

const variant = (name: string, params: Contestant['params']): Contestant => ({ name, id: OURS, params });

/** Ours with a part off, or a default changed. */
export const ABLATIONS: readonly Contestant[] = [
  ...ids(OURS),
  variant('no penalty (1e-6)', { penalty: 1e-6 }),
  variant('penalty 0.3', { penalty: 0.3 }),
  variant('penalty 3', { penalty: 3 }),
  variant('not greedy (limit 1)', { limit: 1 }),
  variant('classes weigh the same', { class_weight: 'equal' }),
  variant('classes weigh by size', { class_weight: 'size' }),
  ...ids('t-test-overestim-var', 'wilcoxon', 'smash', 'mrmr-f'),
];

/** Panels by size: one selection where it serves every k; seconds are those of one selection. */
export async function panels(
  { id, params = {} }: Contestant,
  inputs: { data: Dataset; split: Split },
  { tasks, seed, sizes }: { tasks: readonly Task[]; seed: number; sizes: readonly number[] },
): Promise<Map<number, { panel: Panel; seconds: number }>> {
  const step: StepDefinition = (await builtin.contributions.selector[id]()).default;
  const shape = step.params.shape as Record<string, unknown>;
  const select = async (k: number): Promise<{ panel: Panel; seconds: number }> => {
    const supplied = {
      ...('k' in shape ? { k } : {}),
      ...('tasks' in shape ? { tasks } : {}),
      ...('limit' in shape ? { limit: Math.min(inputs.data.X.cols, Math.max(...SIZES)) } : {}),
    };
    const { user } = process.cpuUsage();
    const { outputs } = await step.run(testContext({ seed }), inputs, step.params.parse({ ...supplied, ...params }));
    return { panel: outputs.panel as Panel, seconds: (process.cpuUsage().user - user) / 1e6 };
  };
  if ('k' in shape) {
    const found = new Map<number, { panel: Panel; seconds: number }>();
    for (const k of sizes) {
      found.set(k, await select(k));
      const { seconds } = found.get(k)!;
      if (step.queue === 'gpu' && seconds > MOST) throw new Error(`a training takes ${Math.round(seconds)} s, more than ${MOST}`);
    }
    return found;
  }
  const one = await select(Math.max(...sizes));
  return new Map(sizes.map((k) => [k, one]));
}
