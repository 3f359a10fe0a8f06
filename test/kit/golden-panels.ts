import type { StepDefinition } from '../../core/plugin.ts';
import type { Dataset } from '../../data/dataset.ts';
import { denseBlock } from '../../data/matrix.ts';
import type { Metrics, Panel, Split } from '../../plugins/contract.ts';
import forest from '../../plugins/evaluators/forest.ts';
import knn from '../../plugins/evaluators/knn.ts';
import { goldenSet } from './golden-set.ts';
import { golden } from './shared-data.ts';

export { golden } from './shared-data.ts';
import { testContext } from './tiny-atlas.ts';

/** The reference sets, their label and their panel size. */
export const SETS = [
  ['zeisel', 'cell_class', 50],
  ['kang', 'cluster_id', 50],
  ['pbmc68k_reduced', 'bulk_labels', 50],
] as const;
type SetName = (typeof SETS)[number][0];

/** A selector's ranking on a golden split. */
export async function panelOn(
  step: StepDefinition,
  { data, split }: { data: Dataset; split: Split },
  { column, k, seed = 0, params = {} }: { column: string; k: number; seed?: number; params?: Readonly<Record<string, unknown>> },
): Promise<Panel> {
  const shape = step.params.shape as Record<string, unknown>;
  const supplied = { ...('k' in shape ? { k } : {}), ...('tasks' in shape ? { tasks: [{ column }] } : {}) };
  const { outputs } = await step.run(testContext({ seed }), { data, split }, step.params.parse({ ...supplied, ...params }));
  return outputs.panel as Panel;
}

/** Members of the reference's panel that ours lacks. */
export function lacking(panel: Panel, reference: readonly number[]): number[] {
  const own = new Set(panel.genes.subarray(0, reference.length));
  return reference.filter((j) => !own.has(j));
}

/** z-scores of a few genes over all cells, clipped at 10, as the references have them before they split. */
function scaledPart(data: Dataset, genes: Uint32Array): Dataset {
  const rows = Uint32Array.from({ length: data.X.rows }, (_, i) => i);
  const block = denseBlock(data.X, rows, genes);
  const { cols } = block;
  for (let j = 0; j < cols; j++) {
    let [mean, square] = [0, 0];
    for (const i of rows) mean += block.data[i * cols + j] / rows.length;
    for (const i of rows) square += (block.data[i * cols + j] - mean) ** 2;
    const sd = Math.sqrt(square / (rows.length - 1)) || 1;
    for (const i of rows) block.data[i * cols + j] = Math.max(-10, Math.min(10, (block.data[i * cols + j] - mean) / sd));
  }
  const index = Array.from(genes, (j) => data.var.index[j]);
  return { ...data, X: block, layers: {}, var: { index, columns: {} }, scale: 'scaled' };
}

/** Accuracy of the first k genes on a golden split: nearest neighbours, and the mean of three forests, as eval.json has them. */
export async function accuracyOf(
  panel: Panel,
  { data, split, column, k }: { data: Dataset; split: Split; column: string; k: number },
): Promise<{ knn: number; forest: number }> {
  const part = scaledPart(data, panel.genes.subarray(0, k));
  const genes = Uint32Array.from({ length: k }, (_, j) => j);
  const own: Panel = { genes, names: part.var.index, scores: new Float64Array(k), task: null };
  const judge = async (evaluator: StepDefinition, seed: number): Promise<number> => {
    const params = evaluator.params.parse({ k, tasks: [{ column }] });
    const { outputs } = await evaluator.run(testContext({ seed }), { data: part, split, panel: own }, params);
    return (outputs.metrics as Metrics).values.accuracy;
  };
  const forests = [await judge(forest, 0), await judge(forest, 1), await judge(forest, 2)];
  return { knn: await judge(knn, 0), forest: forests.reduce((a, b) => a + b, 0) / forests.length };
}

/** A method of eval.json, and how to run ours. */
export interface AccuracyCase {
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
  /** Only so many of the splits that the reference was run on; for slow methods. */
  readonly splits?: number;
  /** The reference chose its genes on all cells, test cells included. */
  readonly onAllCells?: boolean;
}

/** Means over the golden splits that the reference was run on. */
export interface Compared {
  readonly splits: number;
  /** Genes of the reference's panel that ours has. */
  readonly common: number;
  readonly knn: { readonly ours: number; readonly reference: number };
  readonly forest: { readonly ours: number; readonly reference: number };
}

/** What eval.json says of a method, and what our selector's panels reach on the same splits: means over the splits that are there. */
export async function comparedAccuracy(
  step: StepDefinition,
  name: SetName,
  { method, params = {}, splits = Infinity, onAllCells = false }: AccuracyCase,
): Promise<Compared> {
  const { data, split } = await goldenSet(name);
  const [, column, k] = SETS.find(([set]) => set === name)!;
  const results = golden(`${name}/eval.json`)
    .results.filter((r: { method: string }) => r.method === method)
    .slice(0, splits);
  let common = 0;
  const sums = { knn: { ours: 0, reference: 0 }, forest: { ours: 0, reference: 0 } };
  for (const { seed, ...result } of results) {
    const at = { data, split: split(seed), column, k };
    const none = new Uint32Array(0);
    const cells = onAllCells ? { train: Uint32Array.from({ length: data.X.rows }, (_, i) => i), validation: none, test: none } : at.split;
    const panel = await panelOn(step, { data, split: cells }, { column, k, seed, params });
    common += (k - lacking(panel, result.panel).length) / results.length;
    const ours = await accuracyOf(panel, at);
    for (const [ownName, theirs] of [
      ['knn', 'knn|scaled'],
      ['forest', 'rf|scaled'],
    ] as const) {
      const { accuracy } = result[theirs];
      sums[ownName].ours += ours[ownName] / results.length;
      sums[ownName].reference += (typeof accuracy === 'number' ? accuracy : accuracy.mean) / results.length;
    }
  }
  return { splits: results.length, common, ...sums };
}
