import { describe, expect, it } from 'vitest';
import { classificationMetrics, mostProbable } from '../../stats/metrics.ts';
import { averageRanks, orderDescending, pearson, spearman } from '../../stats/ranks.ts';
import { regressionMetrics } from '../../stats/regression-metrics.ts';
import { golden, hasShared } from '../kit/shared-data.ts';

describe('classificationMetrics', () => {
  it.skipIf(!hasShared)('gives what scikit-learn gives', () => {
    const { proba, y_true: truth, y_pred: predicted, metrics } = golden('unit/metric_units.json');
    const own = classificationMetrics({ truth, predicted, probabilities: proba.flat(), classCount: 4 });
    expect(own.accuracy).toBeCloseTo(metrics.accuracy, 9);
    expect(own.balanced_accuracy).toBeCloseTo(metrics.balanced_accuracy, 9);
    expect(own.f1_weighted).toBeCloseTo(metrics.f1_weighted, 9);
    expect(own.f1_macro).toBeCloseTo(metrics.f1_macro, 9);
    expect(own.auroc_macro).toBeCloseTo(metrics.auroc_ovr_macro, 9);
    expect(own.auprc_macro).toBeCloseTo(metrics.auprc_macro, 9);
  });

  it('leaves a class that no cell has out of the macro areas', () => {
    const probabilities = [0.8, 0.2, 0, 0.1, 0.9, 0, 0.6, 0.4, 0];
    const own = classificationMetrics({ truth: [0, 1, 0], predicted: [0, 1, 0], probabilities, classCount: 3 });
    expect(own).toEqual({ accuracy: 1, balanced_accuracy: 1, f1_weighted: 1, f1_macro: 1, auroc_macro: 1, auprc_macro: 1 });
  });

  it('counts a class that is predicted but never true as an F1 of zero', () => {
    const own = classificationMetrics({ truth: [0, 0], predicted: [0, 1], probabilities: [1, 0, 0, 1], classCount: 2 });
    expect(own.f1_macro).toBeCloseTo(1 / 3, 12);
  });

  it('gives ties to the lowest class', () => {
    expect([...mostProbable([0.4, 0.4, 0.2], 3)]).toEqual([0]);
  });
});

describe('ranks', () => {
  it('puts NaN last and keeps ties in order', () => {
    expect([...orderDescending([1, Number.NaN, 3, 1, Number.NEGATIVE_INFINITY])]).toEqual([2, 0, 3, 4, 1]);
  });

  it('shares the rank of ties', () => {
    expect([...averageRanks([2, 1, 2, 5])]).toEqual([2.5, 1, 2.5, 4]);
  });

  it('correlates by values and by ranks', () => {
    expect(pearson([1, 2, 3], [2, 4, 6.5])).toBeCloseTo(0.99795, 5);
    expect(spearman([1, 2, 3], [2, 4, 600])).toBeCloseTo(1, 12);
  });
});

describe('regressionMetrics', () => {
  it('gives r2, mse and correlations', () => {
    const own = regressionMetrics([1, 2, 3, 4], [1, 2, 3, 5]);
    expect(own.mse).toBeCloseTo(0.25, 12);
    expect(own.r2).toBeCloseTo(0.8, 12);
    expect(own.spearman).toBeCloseTo(1, 12);
  });
});
