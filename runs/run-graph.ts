import type { Plan } from '../schemas/plan.ts';
import type { TaskRecord } from '../schemas/run.ts';
import { escapeHtml } from './markup.ts';

const BOX = { width: 150, height: 42, across: 42, down: 16 };

/** The steps of a plan and what flows between them, left to right, as an SVG, with how many tasks of each were computed, cached and failed. */
export function graph(plan: Plan, records: ReadonlyMap<string, TaskRecord>, colourOf: (step: string) => string): string {
  const stepOf = new Map(plan.tasks.map(({ id, step }) => [id, step]));
  const needs = new Map<string, Set<string>>();
  const counts = new Map<string, Record<string, number>>();
  for (const task of plan.tasks) {
    const before = needs.get(task.step) ?? new Set<string>();
    needs.set(task.step, before);
    for (const input of Object.values(task.inputs))
      for (const id of 'gather' in input ? input.gather.map((s) => s.task) : [input.task]) {
        const step = stepOf.get(id);
        if (step !== undefined && step !== task.step) before.add(step);
      }
    const own = counts.get(task.step) ?? { all: 0 };
    counts.set(task.step, own);
    own.all++;
    const status = records.get(task.id)?.status ?? 'WAITING';
    own[status] = (own[status] ?? 0) + 1;
  }
  const depth = new Map<string, number>();
  // Plans list tasks after all they need, so that a few passes settle every depth.
  for (const _ of needs)
    for (const [step, before] of needs) depth.set(step, Math.max(0, ...[...before].map((b) => (depth.get(b) ?? 0) + 1)));
  const columns = new Map<number, string[]>();
  for (const [step, d] of depth) columns.set(d, [...(columns.get(d) ?? []), step]);
  const rows = Math.max(...[...columns.values()].map((steps) => steps.length));
  const height = rows * (BOX.height + BOX.down);
  const place = new Map<string, { readonly x: number; readonly y: number }>();
  for (const [d, steps] of columns) {
    const top = (height - steps.length * (BOX.height + BOX.down)) / 2;
    steps.forEach((step, i) => place.set(step, { x: d * (BOX.width + BOX.across), y: top + i * (BOX.height + BOX.down) + BOX.down / 2 }));
  }
  const width = columns.size * (BOX.width + BOX.across) - BOX.across;
  const lines = [...needs].flatMap(([step, before]) =>
    [...before].map((b) => {
      const [from, to] = [place.get(b)!, place.get(step)!];
      const [x1, y1, x2, y2] = [from.x + BOX.width, from.y + BOX.height / 2, to.x, to.y + BOX.height / 2];
      const bend = (x2 - x1) / 2;
      return `<path d="M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}" fill="none" stroke="var(--edge)"/>`;
    }),
  );
  const boxes = [...place].map(([step, { x, y }]) => {
    const own = counts.get(step)!;
    const said = [
      [own.COMPLETED, 'computed'],
      [own.CACHED, 'cached'],
      [own.FAILED, 'failed'],
    ].flatMap(([n, word]) => (n ? [`${n} ${word}`] : []));
    const text = said.join(', ') || `${own.all} not run`;
    return `<g><rect x="${x}" y="${y}" width="${BOX.width}" height="${BOX.height}" rx="5" fill="var(--soft)" stroke="${own.FAILED ? 'var(--warn)' : 'var(--edge)'}"/><rect x="${x}" y="${y}" width="5" height="${BOX.height}" fill="${colourOf(step)}"/><text x="${x + 14}" y="${y + 18}" fill="var(--ink)" font-size="13" font-weight="600">${escapeHtml(step)}</text><text x="${x + 14}" y="${y + 34}" fill="var(--muted)" font-size="11">${escapeHtml(text)}</text></g>`;
  });
  return `<figure class="wide"><div class="plot"><svg viewBox="-1 0 ${width + 2} ${height}" style="max-width:${width}px" role="img" aria-label="Steps of the pipeline: ${escapeHtml([...place.keys()].join(', '))}">${lines.join('')}${boxes.join('')}</svg></div></figure>`;
}
