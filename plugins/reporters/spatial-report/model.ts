import type { Gathered, Metrics } from '../../contract.ts';
import type { Prediction, SpatialReporterInputs } from '../../spatial-contract.ts';
import { interval, mean, standardDeviation } from '../../../stats/bootstrap.ts';
import { compare, type Comparison } from '../report/comparison.ts';
import { isLowerBetter } from '../report/metric-facts.ts';
import { type SeriesStyle, styleOf } from '../report/palette.ts';
import { type Beside, beside, type Published } from '../report/published.ts';
import { rowsOf, type SummaryRow } from '../report/rows.ts';

type Cell = Gathered['cell'];

/** Where one result stands. */
export interface Place {
  readonly predictor: string;
  readonly primary: number;
  readonly order: string;
  readonly fold: string;
  readonly seed: string;
}

/** One fold of one way to predict. */
export interface Result extends Place {
  /** The predictor, and the order of its auxiliary genes where that is not the first of the run. */
  readonly way: string;
  readonly values: Metrics['values'];
  readonly genes: Metrics['genes'];
}

/** A prediction with its place. */
export interface Predicted extends Place {
  readonly way: string;
  readonly prediction: Prediction;
}

/** One metric of one way over the folds (and seeds); values that are missing do not count. */
export interface Summary {
  readonly way: string;
  readonly predictor: string;
  readonly order: string;
  readonly primary: number;
  readonly metric: string;
  readonly n: number;
  readonly mean: number;
  readonly sd: number;
  readonly low: number;
  readonly high: number;
  readonly values: readonly number[];
}

/** Everything gathered, in a fixed order. */
export interface SpatialModel {
  readonly results: readonly Result[];
  readonly predicted: readonly Predicted[];
  readonly summary: readonly Summary[];
  /** Published numbers that this run has a result for. */
  readonly published: readonly Beside[];
  readonly ways: readonly string[];
  readonly primaries: readonly number[];
  readonly orders: readonly string[];
  readonly folds: readonly string[];
  readonly style: (way: string) => SeriesStyle;
  readonly find: (way: string, primary: number, metric: string) => Summary | undefined;
  /** The ways that have a value there, best first. */
  readonly ranking: (primary: number, metric: string) => Summary[];
  /** Every pair of ways by a metric, fold by fold, after Holm. */
  readonly pairs: (primary: number, metric: string) => Comparison[];
}

/** The metrics, the one that the report leads with first. */
export const METRICS = ['pcc', 'spearman', 'mse', 'mae'] as const;
/** Drawn in grey. */
const BASELINE = 'mean';

const word = (cell: Cell, axis: string): string => String(cell[axis] ?? '');

const placeOf = (cell: Cell): Place => ({
  predictor: word(cell, 'predictor'),
  primary: Number(cell.primary ?? 0),
  order: word(cell, 'order'),
  fold: word(cell, 'fold'),
  seed: word(cell, 'seed'),
});

const distinct = <T>(values: Iterable<T>): T[] => [...new Set(values)];

/** As the charts of scores take it. */
export const rowOf = (s: Summary): SummaryRow => ({
  ...{ selector: s.way, k: s.primary, task: '', evaluator: 'expression', metric: s.metric, others: {} },
  ...{ n: s.n, mean: s.mean, std: s.sd, low: s.low, high: s.high, values: s.values },
});

/** Orders everything gathered, whatever is missing from it. */
export function spatialModel(
  { metrics, predictions, data }: SpatialReporterInputs,
  papers: { readonly known: readonly Published[]; readonly dataset: string },
): SpatialModel {
  const judged = metrics.filter((g) => g?.value?.values);
  const cells = judged.map((g) => placeOf(g.cell));
  const orders = distinct(cells.map((c) => c.order));
  const wayOf = ({ predictor, order }: Place): string => (order === orders[0] ? predictor : `${predictor}, ${order} order`);
  const results = judged.map(({ cell, value }): Result => {
    const place = placeOf(cell);
    return { ...place, way: wayOf(place), values: value.values, genes: value.genes };
  });
  const predicted = predictions.flatMap(({ cell, value }): Predicted[] => {
    const place = placeOf(cell);
    return value?.values ? [{ ...place, way: wayOf(place), prediction: value }] : [];
  });
  const ways = distinct(results.map((r) => r.way));
  const primaries = distinct(results.map((r) => r.primary)).sort((a, b) => a - b);
  const summary = primaries.flatMap((primary) =>
    ways.flatMap((way) =>
      METRICS.map((metric): Summary => {
        const own = results.filter((r) => r.way === way && r.primary === primary);
        const values = own.map((r) => r.values[metric] ?? Number.NaN).filter((x) => !Number.isNaN(x));
        const { predictor, order } = own[0] ?? { predictor: way, order: '' };
        const { low, high } = interval(values);
        return {
          ...{ way, predictor, order, primary, metric, n: values.length },
          ...{ mean: mean(values), sd: standardDeviation(values), low, high, values },
        };
      }),
    ),
  );
  const others = ways.filter((way) => way !== BASELINE);
  const find: SpatialModel['find'] = (way, primary, metric) =>
    summary.find((s) => s.way === way && s.primary === primary && s.metric === metric);
  const ranking: SpatialModel['ranking'] = (primary, metric) => {
    const sign = isLowerBetter(metric) ? 1 : -1;
    return ways
      .flatMap((way) => find(way, primary, metric) ?? [])
      .filter((s) => s.n > 0)
      .sort((a, b) => sign * (a.mean - b.mean));
  };
  return {
    ...{ results, predicted, summary, ways, primaries, orders, find, ranking },
    published: beside(
      papers.known,
      summary.map((s) => ({ ...rowOf(s), others: { dataset: papers.dataset } })),
    ),
    folds: distinct(results.map((r) => r.fold)),
    style: (way) => styleOf(others.indexOf(way), way === BASELINE),
    pairs: (primary, metric) => {
      const own = results.filter((r) => r.primary === primary);
      const share = mean(predicted.filter((p) => p.primary === primary).map((p) => p.prediction.rows.length)) / data.obs.index.length;
      const cell = (r: Result): Cell => ({ selector: r.way, k: primary, seed: `${r.fold} ${r.seed}`, task: '', evaluator: '' });
      const rows = rowsOf({ metrics: own.map((r) => ({ cell: cell(r), value: { values: { [metric]: r.values[metric] } } })), panels: [] });
      return compare(rows, { lowerIsBetter: (m) => isLowerBetter(m), testToLearning: () => share / (1 - share) });
    },
  };
}
