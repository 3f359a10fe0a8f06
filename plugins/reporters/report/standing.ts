import type { Comparison, Verdict } from './comparison.ts';
import type { Model, Place } from './model.ts';
import type { SummaryRow } from './rows.ts';

/** One that is not the best, with what is known of the best against it. */
export interface Rival {
  readonly row: SummaryRow;
  readonly pair: Comparison;
  /** Of the best against this one. */
  readonly verdict: Verdict;
}

/** How the selectors stand at one place, the best by mean first. */
export interface Standing extends Place {
  readonly best: SummaryRow;
  readonly rivals: readonly Rival[];
}

const TURNED: Readonly<Record<Verdict, Verdict>> = {
  better: 'worse',
  worse: 'better',
  unsure: 'unsure',
  same: 'same',
  untested: 'untested',
};

/** What a pair says of `a`, whichever of the two it is. */
export const verdictFor = (pair: Comparison, a: string): Verdict => (pair.a === a ? pair.verdict : TURNED[pair.verdict]);

/** The best at a place and its rivals; undefined where nothing was measured. */
export function standingOf(model: Model, at: Place): Standing | undefined {
  const [best, ...rest] = model.ranking(at);
  if (!best) return undefined;
  const pairs = new Map(
    model.pairs(at).flatMap((pair) => (pair.a === best.selector ? [[pair.b, pair]] : pair.b === best.selector ? [[pair.a, pair]] : [])),
  );
  const rivals = rest.flatMap((row): Rival[] => {
    const pair = pairs.get(row.selector);
    return pair ? [{ row, pair, verdict: verdictFor(pair, best.selector) }] : [];
  });
  return { ...at, best, rivals };
}
