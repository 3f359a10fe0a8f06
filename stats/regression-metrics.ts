import { pearson, spearman } from './ranks.ts';

/** r2 (coefficient of determination), mse, pcc and spearman of predicted values against true ones. */
export function regressionMetrics(truth: ArrayLike<number>, predicted: ArrayLike<number>): Record<string, number> {
  const n = truth.length;
  let mean = 0;
  for (let i = 0; i < n; i++) mean += truth[i] / n;
  let residual = 0;
  let total = 0;
  for (let i = 0; i < n; i++) {
    residual += (truth[i] - predicted[i]) ** 2;
    total += (truth[i] - mean) ** 2;
  }
  return { r2: 1 - residual / total, mse: residual / n, pcc: pearson(truth, predicted), spearman: spearman(truth, predicted) };
}
