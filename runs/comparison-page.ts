import type { Comparison } from '../core/compare-runs.ts';
import { publisher } from './publish.ts';
import { type Cell, escapeHtml, page, table } from './markup.ts';

/** Writes a comparison as a page and as JSON; gives their names. */
export async function publishComparison(comparison: Comparison, out: string): Promise<string[]> {
  const publish = publisher(out);
  await publish('comparison.html', comparisonPage(comparison));
  await publish('comparison.json', `${JSON.stringify(comparison, null, 1)}\n`);
  return ['comparison.html', 'comparison.json'];
}

/** A page, complete in itself, that says whether a run came out like its baseline, and if not where it begins to differ. */
function comparisonPage(c: Comparison): string {
  const { same, differ, missing, extra, undone } = c.tasks;
  const shown = (value: number | null): Cell => value ?? 'none';
  return page(
    `${c.run}: ${c.verdict}`,
    `<h1>Reproducibility: <span class="verdict ${c.verdict.split(' ')[0]}">${c.verdict}</span></h1>
<p>${escapeHtml(c.summary)}</p>
${table(
  'Runs',
  ['', 'run'],
  [
    ['baseline', c.baseline],
    ['compared', c.run],
  ],
)}
${table(
  'Where it begins to differ',
  ['task', 'why'],
  c.roots.map(({ task, why }) => [task, why.join('; ')]),
)}
${table(
  'Outputs of tasks',
  ['', 'tasks'],
  [
    ['the same, byte by byte', same],
    ['different', differ],
    ['only in the baseline', missing],
    ['only in this run', extra],
    ['done in the baseline alone', undone],
  ],
)}
${table(
  'Metric values',
  ['', 'values'],
  [
    ['the same', c.metrics.same],
    ['within tolerance', c.metrics.within],
    ['beyond tolerance', c.metrics.beyond],
  ],
)}
${table(
  'The largest changes of a metric',
  ['value', 'baseline', 'this run', 'tolerance'],
  c.metrics.worst.map(({ of, baseline, run, tolerance }) => [of, shown(baseline), shown(run), tolerance]),
)}
${table(
  'Versions and hardware that differ',
  ['', 'baseline', 'this run'],
  c.surroundings.map(({ what, baseline, run }) => [what, baseline, run]),
)}
`,
  );
}
