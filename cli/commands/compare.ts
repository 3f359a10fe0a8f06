import { compare as compareIn } from '../../runs/compare.ts';
import { publishComparison } from '../../runs/comparison-page.ts';
import { comparisonText } from '../comparison-text.ts';
import { print } from '../print.ts';
import { findRun, type RunsFlags, withServer } from '../runs.ts';
import { tolerancesOf } from '../subscriptions.ts';
import { placeOf } from './run.ts';

/** `panelflow compare BASELINE RUN`: says whether the second came out like the first; exit code 1 where it drifted. */
export function compare(
  baseline: string,
  run: string,
  flags: RunsFlags & { readonly tolerance?: string[]; readonly out?: string },
): Promise<number> {
  return withServer(flags, async (connected, store) => {
    const [a, b] = [await findRun(baseline, connected), await findRun(run, connected)];
    const comparison = await compareIn(store, a.run, b.run, tolerancesOf(flags.tolerance ?? []));
    if (flags.out !== undefined) await publishComparison(comparison, placeOf(flags.out, b.name));
    print(flags.json ? JSON.stringify(comparison) : comparisonText(comparison));
    return comparison.verdict === 'drifted' ? 1 : 0;
  });
}
