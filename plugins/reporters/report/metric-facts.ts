interface MetricFact {
  readonly label: string;
  readonly lowerIsBetter?: boolean;
}

/** The known metrics, in the order in which tables and report list them. */
const FACTS: Readonly<Record<string, MetricFact>> = {
  accuracy: { label: 'accuracy' },
  balanced_accuracy: { label: 'balanced accuracy' },
  f1_weighted: { label: 'F1 (weighted)' },
  f1_macro: { label: 'F1 (macro)' },
  auroc_macro: { label: 'AUROC (macro)' },
  auprc_macro: { label: 'AUPRC (macro)' },
  r2: { label: 'R²' },
  mse: { label: 'mean squared error', lowerIsBetter: true },
  mae: { label: 'mean absolute error', lowerIsBetter: true },
  l2: { label: 'squared error (l2)', lowerIsBetter: true },
  l1: { label: 'absolute error (l1)', lowerIsBetter: true },
  jaccard_top20_variance: { label: 'top variable genes shared' },
  spearman_variance: { label: 'Spearman of variances' },
  pcc: { label: 'Pearson correlation' },
  spearman: { label: 'Spearman correlation' },
};

/** What a metric is called in prose. */
export const metricLabel = (metric: string): string => FACTS[metric]?.label ?? metric.replaceAll('_', ' ');

/** True for errors and losses; metrics that nobody knows count as "higher is better" unless named. */
export const isLowerBetter = (metric: string, named: readonly string[] = []): boolean =>
  named.includes(metric) || FACTS[metric]?.lowerIsBetter === true;

/** Known metrics first, in their order, then the others in the order given; no repeats. */
export function metricOrder(metrics: Iterable<string>): string[] {
  const seen = new Set(metrics);
  return [...Object.keys(FACTS).filter((m) => seen.delete(m)), ...seen];
}
