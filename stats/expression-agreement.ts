import { pearson, spearman } from './ranks.ts';

/** Spots x genes, row-major. */
export interface Expression {
  readonly truth: Float32Array;
  readonly predicted: Float32Array;
  readonly genes: number;
}

export type Agreement = Record<'pcc' | 'spearman' | 'mse' | 'mae', Float32Array>;

/**
 * Correlations (Pearson, Spearman) and errors (mean squared, mean absolute) of each gene over the spots of each group, averaged over the groups. A
 * correlation is NaN where the truth is constant; a prediction that is constant where the truth is not says nothing, and counts as 0.
 */
export function agreement({ truth, predicted, genes }: Expression, groups: readonly (readonly number[])[]): Agreement {
  const found: Agreement = {
    pcc: new Float32Array(genes),
    spearman: new Float32Array(genes),
    mse: new Float32Array(genes),
    mae: new Float32Array(genes),
  };
  for (let gene = 0; gene < genes; gene++) {
    const own = groups.map((spots) => {
      const take = (values: Float32Array): Float64Array => Float64Array.from(spots, (at) => values[at * genes + gene]);
      return agreementOf(take(truth), take(predicted));
    });
    for (const name of Object.keys(found) as (keyof Agreement)[]) {
      const known = own.map((metrics) => metrics[name]).filter((v) => !Number.isNaN(v));
      found[name][gene] = known.reduce((a, b) => a + b, 0) / known.length;
    }
  }
  return found;
}

function agreementOf(truth: Float64Array, predicted: Float64Array): Record<keyof Agreement, number> {
  const errors = truth.map((t, i) => predicted[i] - t);
  const mean = (values: Float64Array): number => values.reduce((a, b) => a + b, 0) / values.length;
  const isConstant = (values: Float64Array): boolean => values.every((v) => v === values[0]);
  const defined = (correlation: (x: Float64Array, y: Float64Array) => number): number =>
    isConstant(truth) ? Number.NaN : isConstant(predicted) ? 0 : correlation(truth, predicted);
  return { pcc: defined(pearson), spearman: defined(spearman), mse: mean(errors.map((e) => e * e)), mae: mean(errors.map(Math.abs)) };
}
