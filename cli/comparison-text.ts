import type { Comparison } from '../core/compare-runs.ts';
import { bold, green, red, table } from './print.ts';

const shown = (value: number | null): string => (value === null ? 'none' : String(Number(value.toPrecision(4))));

/** A comparison for a terminal. */
export function comparisonText(c: Comparison): string {
  const colour = c.verdict === 'drifted' ? red : green;
  const lines = [`${bold(colour(c.verdict))}, compared with ${c.baseline}. ${c.summary}`];
  const more = c.roots.slice(1);
  if (more.length > 0) lines.push(`Others that differ by themselves: ${more.map(({ task }) => task).join(', ')}`);
  if (c.metrics.worst.length > 0) {
    const changes = c.metrics.worst
      .slice(0, 5)
      .map(({ of, baseline, run, tolerance }) => [of, shown(baseline), shown(run), tolerance.toPrecision(3)]);
    lines.push(table(changes, ['largest changes', 'baseline', 'this run', 'tolerance']));
  }
  if (c.surroundings.length > 0)
    lines.push(
      table(
        c.surroundings.map(({ what, baseline, run }) => [what, baseline, run]),
        ['what differs around them', 'baseline', 'this run'],
      ),
    );
  return lines.join('\n');
}
