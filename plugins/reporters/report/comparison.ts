import { hedgesGz, pairsNeeded } from '../../../stats/inference-effects.ts';
import { holm, pairedTest, type PairedTest } from '../../../stats/inference.ts';
import { type Dataset, labels } from '../../contract.ts';
import { isLowerBetter } from './metric-facts.ts';
import { inOrder, type MetricRow, type Rows } from './rows.ts';

/** What the pairs say of `a` against `b`; `unsure`: they can't be told apart; `same`: equal in each pair; `untested`: fewer than two pairs. */
export type Verdict = 'better' | 'worse' | 'unsure' | 'same' | 'untested';

/** Two selectors at one place, paired over the seeds that both have. */
export interface Comparison extends Pick<MetricRow, 'task' | 'evaluator' | 'metric' | 'k' | 'others'> {
  readonly a: string;
  readonly b: string;
  /** Values of `a` and of `b`, seed by seed. */
  readonly values: readonly (readonly [number, number])[];
  /** Of the differences a - b; t, p and interval are NaN where they do not vary. */
  readonly test: PairedTest;
  /** After Holm, over all pairs of selectors at this place. */
  readonly pHolm: number;
  /** Hedges' g of the paired differences; NaN below three pairs and where differences do not vary. */
  readonly effect: number;
  readonly verdict: Verdict;
  /** What Holm holds this pair's p-value against. */
  readonly alpha: number;
  readonly testToLearning: number;
}

/** What `compare` needs to know beside the values. */
export interface Terms {
  readonly lowerIsBetter: (metric: string) => boolean;
  /** Test cells over learning cells of a task's divisions. */
  readonly testToLearning: (task: string) => number;
}

/** Chance of a false find among all pairs at one place. */
export const ALPHA = 0.05;

/** The chance that enough seeds should have to tell two selectors apart. */
export const POWER = 0.8;

/** Every pair of selectors at each task, evaluator, metric, k and further axis, in the order of these. */
export function compare({ axes, metrics }: Rows, terms: Terms): Comparison[] {
  const places = new Map<string, MetricRow[]>();
  for (const row of inOrder(axes, metrics, ['task', 'evaluator', 'metric', 'k', 'selector', 'seed'])) {
    const key = JSON.stringify([row.task, row.evaluator, row.metric, row.k, row.others]);
    const place = places.get(key);
    if (place) place.push(row);
    else places.set(key, [row]);
  }
  return [...places.values()].flatMap((place) => comparePlace(place, terms));
}

const UNKNOWN = { t: Number.NaN, p: Number.NaN, low: Number.NaN, high: Number.NaN };

type Untold = Omit<Comparison, 'pHolm' | 'verdict' | 'alpha'>;

function comparePlace(rows: readonly MetricRow[], terms: Terms): Comparison[] {
  const { task, evaluator, metric, k, others } = rows[0];
  const testToLearning = terms.testToLearning(task);
  const place = { task, evaluator, metric, k, others, testToLearning };
  const selectors = new Map<string, Map<MetricRow['seed'], number>>();
  for (const { selector, seed, value } of rows) {
    const seeds = selectors.get(selector) ?? new Map<MetricRow['seed'], number>();
    if (!Number.isNaN(value)) seeds.set(seed, value);
    selectors.set(selector, seeds);
  }
  const untold = [...selectors].flatMap(([a, own], at) =>
    [...selectors].slice(at + 1).map(([b, theirs]): Untold => {
      const values = [...own].filter(([seed]) => theirs.has(seed)).map(([seed, x]) => [x, theirs.get(seed)!] as const);
      const differences = values.map(([x, y]) => x - y);
      const test = pairedTest(differences, { testToLearning });
      // Differences that are alike by chance, as on few test cells, are no measure of how much they vary.
      if (test.sd <= 1e-9 * Math.abs(test.mean)) return { ...place, a, b, values, test: { ...test, ...UNKNOWN }, effect: Number.NaN };
      return { ...place, a, b, values, test, effect: hedgesGz(differences) };
    }),
  );
  const adjusted = holm(untold.map(({ test }) => test.p));
  const sign = terms.lowerIsBetter(metric) ? -1 : 1;
  return untold.map((pair, i) => {
    const left = untold.filter(({ test }) => test.p >= pair.test.p).length;
    return { ...pair, alpha: ALPHA / left, pHolm: adjusted[i], verdict: verdictOf(pair, adjusted[i], sign) };
  });
}

function verdictOf({ test, values }: Untold, pHolm: number, sign: number): Verdict {
  if (values.length < 2) return 'untested';
  if (values.every(([x, y]) => x === y)) return 'same';
  if (!(pHolm < ALPHA)) return 'unsure';
  return sign * test.mean > 0 ? 'better' : 'worse';
}

/**
 * How many seeds beyond those there are would tell two selectors apart with a chance of `POWER`, were the difference as it looks now. The pair keeps
 * its step of Holm, since pairs of as many seeds stay in the order of their effects. Infinity where no number would; NaN where the
 * pairs do not say.
 */
export function moreSeeds({ test, alpha, testToLearning }: Comparison): number {
  if (test.n < 3 || Number.isNaN(test.p)) return Number.NaN;
  return Math.max(1, Math.ceil(pairsNeeded(test.mean / test.sd, { alpha, power: POWER, testToLearning })) - test.n);
}

/** What the reporters are told about comparisons. */
export interface ComparisonParams {
  readonly lower_is_better: readonly string[];
  readonly test_share?: number;
}

/** Share of the cells that is tested, where nothing tells. */
const USUAL_SHARE = 0.2;

/** The terms of a run: the share of test cells as told, else as the confusion tables count them, else as in the run's other tasks. */
export function termsOf({ confusions }: Rows, data: Dataset | undefined, params: ComparisonParams): Terms {
  const shares = new Map<string, number>();
  for (const { task, confusion } of confusions) {
    if (shares.has(task) || !data?.obs.columns[task]) continue;
    const labelled = labels(data.obs, task).codes.reduce((sum, code) => sum + Number(code >= 0), 0);
    const share = confusion.counts.reduce((sum, n) => sum + n, 0) / labelled;
    if (share > 0 && share < 1) shares.set(task, share);
  }
  const usual = [...shares.values()][0] ?? USUAL_SHARE;
  return {
    lowerIsBetter: (metric) => isLowerBetter(metric, params.lower_is_better),
    testToLearning: (task) => {
      const share = params.test_share ?? shares.get(task) ?? usual;
      return share / (1 - share);
    },
  };
}
