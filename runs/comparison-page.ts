import type { Comparison } from '../core/compare-runs.ts';
import { publisher } from './publish.ts';
import { escapeHtml } from './run-story.ts';

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2430;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #d5dae1;vertical-align:top}
td.n{font-variant-numeric:tabular-nums}.verdict{display:inline-block;padding:.1rem .6rem;border-radius:.3rem;color:#fff}.identical{background:#1a7f4b}.within{background:#8a6100}.drifted{background:#b3261e}.scroll{overflow-x:auto}
@media (prefers-color-scheme:dark){body{color:#e4e8ee;background:#14181f}th,td{border-color:#39414d}}`;

type Cell = string | number;

function table(caption: string, header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  if (rows.length === 0) return '';
  const cell = (value: Cell): string =>
    typeof value === 'number' ? `<td class="n">${Number(value.toPrecision(4))}</td>` : `<td>${escapeHtml(value)}</td>`;
  const head = header.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join('');
  const body = rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('\n');
  return `<h2>${escapeHtml(caption)}</h2>\n<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

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
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(c.run)}: ${c.verdict}</title><style>${STYLE}</style></head>
<body><main><h1>Reproducibility: <span class="verdict ${c.verdict.split(' ')[0]}">${c.verdict}</span></h1>
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
</main></body></html>
`;
}
