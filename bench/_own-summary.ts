import { criticalDifference, rankTest } from '../stats/inference-ranks.ts';
import { holm, signedRankTest } from '../stats/inference.ts';
import { OURS } from './_own-cases.ts';
import { markdown } from './_selector-table.ts';

/** One panel judged; `said` in place of figures where the method failed. */
export interface Result {
  readonly part: 'tuning' | 'report';
  readonly data: string;
  readonly method: string;
  readonly k: number;
  readonly seed: number;
  /** Accuracies and weighted F1, means over the tasks. */
  readonly forest?: number;
  readonly forest_f1?: number;
  readonly knn?: number;
  readonly knn_f1?: number;
  readonly cpu_s?: number;
  readonly said?: string;
}

type Figure = 'forest' | 'forest_f1' | 'knn' | 'knn_f1';
const FIGURES = { accuracy: ['forest', 'knn'], f1: ['forest_f1', 'knn_f1'] } as const;

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const digits = (x: number, n = 3): number => Number(x.toFixed(n));
const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)];

/** Means over seeds by block (dataset, k, figure); a method that failed anywhere in a block has none there. */
function blocksOf(results: readonly Result[], figures: readonly Figure[]): Map<string, Map<string, number>> {
  const values = new Map<string, Map<string, number[]>>();
  for (const result of results) {
    for (const figure of figures) {
      const block = `${result.data}|${result.k}|${figure}`;
      const by = values.get(block) ?? values.set(block, new Map()).get(block)!;
      by.set(result.method, [...(by.get(result.method) ?? []), result[figure] ?? Number.NaN]);
    }
  }
  const means = (by: Map<string, number[]>): Map<string, number> =>
    new Map([...by].map(([method, all]) => [method, mean(all)] as const).filter(([, value]) => !Number.isNaN(value)));
  return new Map([...values].map(([block, by]) => [block, means(by)]));
}

/** Mean ranks of the methods that have every block, and ours against each other one on the blocks that both have. */
export function summarise(part: string, results: readonly Result[]): string {
  const methods = distinct(results.map((r) => r.method));
  if (!methods.includes(OURS)) return `\n${part}: no results of ${OURS}`;
  const blocks = blocksOf(results, FIGURES.accuracy);
  const f1 = blocksOf(results, FIGURES.f1);
  const whole = methods.filter((m) => [...blocks.values()].every((by) => by.has(m)));
  const ranks = rankingOf(blocks, whole);
  const ranksF1 = rankingOf(f1, whole);
  const others = methods.filter((m) => m !== OURS);
  const tests = others.map((m) => ({ ...against(blocks, m), f1: against(f1, m).p }));
  const adjusted = holm(tests.map(({ p }) => p));
  const rows = methods.map((method) => {
    const at = others.indexOf(method);
    const test = tests[at];
    const own = results.filter((r) => r.method === method);
    return {
      data: part,
      method,
      accuracy: digits(mean([...blocks.values()].flatMap((by) => by.get(method) ?? []))),
      ...(ranks.of.has(method) ? { rank: digits(ranks.of.get(method)!, 2), rank_f1: digits(ranksF1.of.get(method)!, 2) } : {}),
      best: [...blocks.values()].filter((by) => by.has(method) && by.get(method)! >= Math.max(...by.values())).length,
      ...(test === undefined
        ? {}
        : {
            difference: digits(test.difference, 4),
            won_tied_lost: `${test.won} ${test.tied} ${test.lost}`,
            p: test.p.toPrecision(2),
            p_holm: adjusted[at].toPrecision(2),
            p_f1: test.f1.toPrecision(2),
            datasets_won: `${test.setsWon} of ${test.sets}`,
            p_datasets: test.pSets.toPrecision(2),
          }),
      cpu_s: digits(mean(own.flatMap((r) => r.cpu_s ?? [])), 2),
    };
  });
  rows.sort((a, b) => (a.rank ?? 1e9) - (b.rank ?? 1e9) || b.accuracy - a.accuracy);
  const columns = [
    'method',
    'rank',
    'rank_f1',
    'best',
    'accuracy',
    'difference',
    'won_tied_lost',
    'p',
    'p_holm',
    'p_f1',
    'datasets_won',
    'p_datasets',
    'cpu_s',
  ];
  const failed = distinct(results.filter((r) => r.said !== undefined).map((r) => `${r.method} on ${r.data}: ${r.said}`));
  return [
    `\n${part}: ${blocks.size} blocks (dataset, k, evaluator; mean over seeds). Friedman F = ${ranks.f.toPrecision(3)}, p = ${ranks.p.toPrecision(2)} over ${whole.length} methods with every block; Nemenyi's critical difference ${criticalDifference(whole.length, blocks.size).toFixed(2)}.\n`,
    markdown(rows, columns),
    ...[
      ...byData(
        results,
        methods,
        rows.map((r) => r.method),
      ),
    ],
    ...failed,
  ].join('\n');
}

/** Mean rank of each method over the blocks, and Friedman's test (Iman and Davenport's F). */
function rankingOf(blocks: ReadonlyMap<string, ReadonlyMap<string, number>>, methods: readonly string[]) {
  const scores = Float64Array.from([...blocks.values()].flatMap((by) => methods.map((m) => by.get(m)!)));
  const { ranks, f, pF } = rankTest(scores, methods.length);
  return { of: new Map(methods.map((m, at) => [m, ranks[at]])), f, p: pF };
}

/** Ours less another's: Wilcoxon's signed-rank test over datasets and sizes (mean of the evaluators), and over datasets alone. */
function against(blocks: ReadonlyMap<string, ReadonlyMap<string, number>>, method: string) {
  const pairs = [...blocks].flatMap(([block, by]) =>
    by.has(method) && by.has(OURS) ? [{ block, difference: Math.round(1e8 * (by.get(OURS)! - by.get(method)!)) / 1e8 }] : [],
  );
  const grouped = (parts: number): number[] => {
    const keys = distinct(pairs.map(({ block }) => block.split('|').slice(0, parts).join('|')));
    return keys.map((key) => mean(pairs.filter(({ block }) => block.startsWith(`${key}|`)).map(({ difference }) => difference)));
  };
  const differences = pairs.map(({ difference }) => difference);
  const sets = grouped(1);
  return {
    difference: mean(differences),
    won: differences.filter((d) => d > 0).length,
    tied: differences.filter((d) => d === 0).length,
    lost: differences.filter((d) => d < 0).length,
    p: signedRankTest(grouped(2)).p,
    sets: sets.length,
    setsWon: sets.filter((d) => d > 0).length,
    pSets: signedRankTest(sets).p,
  };
}

/** Accuracy by dataset and k, mean of seeds and evaluators. */
function* byData(results: readonly Result[], methods: readonly string[], order: readonly string[]): Generator<string> {
  const sizes = distinct(results.map((r) => r.k));
  const rows = methods
    .toSorted((a, b) => order.indexOf(a) - order.indexOf(b))
    .map((method) => {
      const cells = distinct(results.map((r) => r.data)).map((data) => {
        const own = results.filter((r) => r.method === method && r.data === data && r.forest !== undefined);
        const of = (k: number): string => {
          const at = own.filter((r) => r.k === k);
          return at.length === 0 ? '-' : (50 * (mean(at.map((r) => r.forest!)) + mean(at.map((r) => r.knn!)))).toFixed(1);
        };
        return [data, sizes.map(of).join(' / ')] as const;
      });
      return { ...Object.fromEntries(cells), data: '', method };
    });
  yield `\nAccuracy in per cent at k = ${sizes.join(' / ')}, mean of forest and nearest neighbours and of the seeds.\n`;
  yield markdown(rows, ['method', ...distinct(results.map((r) => r.data))]);
}
