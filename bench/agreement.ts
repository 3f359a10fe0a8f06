/**
 * How far do our selectors agree with their references? For each method and golden set: genes of the reference's panel (k = 50) that ours
 * has, and the accuracy of both on the golden splits (nearest neighbours, mean of three forests).
 * Run: npm run build && PANELFLOW_SHARED=<folder with goldens> node dist/bench/agreement.js [id ...]
 */
import type { StepDefinition } from '../core/plugin.ts';
import builtin from '../plugins/index.ts';
import { type AccuracyCase, comparedAccuracy, golden, SETS } from '../test/kit/golden-panels.ts';
import { publish } from './_compare.ts';

interface Method extends AccuracyCase {
  readonly id: string;
}

const METHODS: readonly Method[] = [
  { id: 't-test', method: 't-test|log' },
  { id: 't-test-overestim-var', method: 't-test_overestim_var|log' },
  { id: 'wilcoxon', method: 'wilcoxon|log' },
  { id: 'wilcoxon-tie-correct', method: 'wilcoxon_tie|log' },
  { id: 'cosg', method: 'cosg|log', params: { remove_lowly_expressed: false } },
  { id: 'rankcorr', method: 'rankcorr|log' },
  { id: 'mrmr-f', method: 'mrmr-f', params: { limit: 50 } },
  { id: 'mrmr-rf', method: 'mrmr-rf', params: { limit: 50 } },
  { id: 'hsic-lasso', method: 'hsic:B=5,M=1', params: { permutations: 1 } },
  { id: 'hsic-lasso', method: 'hsic:B=5,M=3' },
  { id: 'hsic-lasso', method: 'hsic:B=20,M=1', params: { block: 20, permutations: 1 } },
  { id: 'smash', method: 'smash-rf' },
  { id: 'scgenefit', method: 'scgenefit:centers' },
  { id: 'scgenefit', method: 'scgenefit:pairwise_centers', params: { method: 'pairwise_centers', max_constraints: 500 } },
  { id: 'spapros', method: 'spapros' },
  { id: 'hvg-seurat', method: 'hvg-seurat', onAllCells: true },
  { id: 'hvg-cell-ranger', method: 'hvg-cell_ranger', onAllCells: true },
  { id: 'hvg-seurat-v3', method: 'hvg-seurat_v3', onAllCells: true },
  { id: 'random', method: 'random' },
  { id: 'markermap', method: 'markermap:sup' },
  { id: 'markermap-unsupervised', method: 'markermap:unsup' },
  { id: 'markermap-joint', method: 'markermap:joint' },
  { id: 'concrete-vae', method: 'markermap:concrete' },
  { id: 'global-gumbel-vae', method: 'markermap:globalgate' },
  { id: 'persist', method: 'persist:sup' },
  { id: 'persist-unsupervised', method: 'persist:unsup' },
  { id: 'lassonet', method: 'lassonet' },
];

const round = (x: number): number => Math.round(x * 1e4) / 1e4;
const [, , ...ids] = process.argv;
const rows: object[] = [];
for (const { id, ...given } of METHODS) {
  if (ids.length > 0 && !ids.includes(id)) continue;
  const step: StepDefinition = (await builtin.contributions.selector[id]()).default;
  for (const [set] of SETS) {
    if (!golden(`${set}/eval.json`).results.some((r: { method: string }) => r.method === given.method)) continue;
    const { splits, common, knn, forest } = await comparedAccuracy(step, set, given);
    rows.push({
      method: given.method,
      set,
      splits,
      common: round(common),
      knn: round(knn.ours),
      knn_reference: round(knn.reference),
      forest: round(forest.ours),
      forest_reference: round(forest.reference),
    });
    console.log(JSON.stringify(rows.at(-1)));
  }
}
if (ids.length === 0) await publish('agreement', rows);
