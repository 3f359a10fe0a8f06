import type { Plan } from '../schemas/plan.ts';
import type { Change, TaskRecord } from '../schemas/run.ts';
import { escapeHtml } from './markup.ts';

/** Where a report leaves room for what only the engine knows. */
const ROOM = '<div id="run-story"></div>';
const MOST = 60;

function table(caption: string, header: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, row: readonly string[]): string =>
    row.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag.split(' ')[0]}>`).join('');
  const more = rows.length > MOST ? `<p class="note">${rows.length - MOST} more are not listed; trace.tsv has them.</p>` : '';
  const body = rows.slice(0, MOST).map((row) => `<tr>${cells('td', row)}</tr>`);
  return `<div class="scroll" role="region" tabindex="0" aria-label="${caption}"><table class="plain"><caption>${caption}</caption><thead><tr>${cells('th scope="col"', header)}</tr></thead><tbody>${body.join('')}</tbody></table></div>${more}`;
}

/** A report with the story of its run: who changed it and when, what failed and why, what a halving left out. */
export function tellStory(
  report: string,
  {
    plan,
    records,
    changes,
    dropped,
  }: { plan: Plan; records: ReadonlyMap<string, TaskRecord>; changes: readonly Change[]; dropped: ReadonlySet<string> },
): string {
  const parts: string[] = [];
  if (changes.length > 0) {
    const rows = changes.map(({ at, by, what, note }) => [new Date(at).toISOString().slice(0, 19).replace('T', ' '), by, what, note]);
    parts.push('<h3>Changes while it ran</h3>', table('Changes', ['when (UTC)', 'who', 'what', 'note'], rows));
  }
  const failed = plan.tasks.flatMap(({ id, step, label }) => {
    const record = records.get(id);
    return record?.status === 'FAILED' ? [[`${step} ${label}`, record.error?.code ?? '', record.error?.message ?? '']] : [];
  });
  if (failed.length > 0) parts.push('<h3>What failed</h3>', table('Failed tasks', ['task', 'cause', 'message'], failed));
  const halved = plan.tasks.filter((task) => task.gate && dropped.has(task.id)).map(({ step, label }) => [`${step} ${label}`]);
  if (halved.length > 0)
    parts.push(
      '<h3>Trainings that were not gone on with</h3><p>Others of the same seed and size were better on the validation cells (successive halving).</p>',
      table('Left out by the halving', ['task'], halved),
    );
  const spared = plan.tasks.filter((task) => task.undecided && dropped.has(task.id)).map(({ step, label }) => [`${step} ${label}`]);
  if (spared.length > 0)
    parts.push(
      '<h3>Seeds that were not needed</h3><p>The seeds before told these apart from all others (adaptive seeds).</p>',
      table('Seeds that were not needed', ['task'], spared),
    );
  parts.push(
    '<p><a href="execution.html">How the run went</a>: what each way costs and what it is worth, steps, timeline, resources, retries.</p>',
  );
  return report.replace(ROOM, () => parts.join('\n'));
}
