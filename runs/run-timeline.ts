import { taskName } from '../core/task-name.ts';
import type { Plan } from '../schemas/plan.ts';
import type { TaskRecord } from '../schemas/run.ts';
import { escapeHtml } from './markup.ts';

const WIDTH = 1000;
const LEFT = 90;
const BAR = 12;
const GAP = 3;
const MOST_LANES = 48;

interface Span {
  readonly step: string;
  readonly name: string;
  readonly start: number;
  end: number;
  count: number;
}

/** One after the other in a lane of a worker; what is too near to be told apart becomes one bar. */
interface Lane {
  readonly worker: string;
  readonly spans: Span[];
}

/** When each computed task ran, and on which worker, as an SVG; empty where nothing was computed. */
export function timeline(plan: Plan, records: ReadonlyMap<string, TaskRecord>, colourOf: (step: string) => string): string {
  const ran = plan.tasks.flatMap((task) => {
    const r = records.get(task.id);
    return r && (r.status === 'COMPLETED' || r.status === 'FAILED') && r.start > 0 ? [{ task, r }] : [];
  });
  if (ran.length === 0) return '';
  const first = Math.min(...ran.map(({ r }) => r.start));
  const last = Math.max(...ran.map(({ r }) => r.complete));
  const scale = (WIDTH - LEFT) / Math.max(1, last - first);
  const lanes = lanesOf(
    ran.map(({ task, r }) => ({
      worker: r.worker,
      span: { step: task.step, name: taskName(task), start: r.start, end: r.complete, count: 1 },
    })),
    1 / scale,
  );
  const shown = lanes.slice(0, MOST_LANES);
  const height = shown.length * (BAR + GAP) + 26;
  const bars = shown.flatMap(({ spans }, at) =>
    spans.map((span) => {
      const x = LEFT + (span.start - first) * scale;
      const width = Math.max(0.6, (span.end - span.start) * scale);
      const said = `${span.count > 1 ? `${span.count} tasks of ${span.step}` : span.name}: ${seconds(span.end - span.start)}`;
      return `<rect x="${x.toFixed(1)}" y="${at * (BAR + GAP)}" width="${width.toFixed(1)}" height="${BAR}" fill="${colourOf(span.step)}"><title>${escapeHtml(said)}</title></rect>`;
    }),
  );
  const names = shown.flatMap(({ worker }, at) =>
    at > 0 && shown[at - 1].worker === worker
      ? []
      : [
          `<text x="0" y="${at * (BAR + GAP) + BAR - 2}" fill="var(--muted)" font-size="10">${escapeHtml(worker.replace(/@.*/, ''))}</text>`,
        ],
  );
  const ticks = Array.from({ length: 6 }, (_, i) => {
    const x = LEFT + ((WIDTH - LEFT) * i) / 5;
    const anchor = i === 0 ? 'start' : i === 5 ? 'end' : 'middle';
    return `<line x1="${x}" x2="${x}" y1="0" y2="${height - 18}" stroke="var(--rule)"/><text x="${x}" y="${height - 4}" text-anchor="${anchor}" fill="var(--muted)" font-size="11">${seconds(((last - first) * i) / 5)}</text>`;
  });
  const more =
    lanes.length > shown.length
      ? `<p class="note">${lanes.length - shown.length} more lanes are not drawn; trace.tsv has all times.</p>`
      : '';
  return `<figure class="wide"><div class="plot"><svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Timeline: ${ran.length} computed tasks on ${new Set(lanes.map((l) => l.worker)).size} workers in ${seconds(last - first)}">${ticks.join('')}${names.join('')}${bars.join('')}</svg></div></figure>${more}`;
}

function lanesOf(all: readonly { readonly worker: string; readonly span: Span }[], nearMs: number): Lane[] {
  const byWorker = new Map<string, Lane[]>();
  for (const { worker, span } of all.toSorted((a, b) => a.span.start - b.span.start)) {
    const lanes = byWorker.get(worker) ?? [];
    byWorker.set(worker, lanes);
    const free = lanes.find(({ spans }) => spans.at(-1)!.end <= span.start);
    const before = free?.spans.at(-1);
    if (!free) lanes.push({ worker, spans: [span] });
    else if (
      before &&
      before.step === span.step &&
      span.start - before.end < nearMs &&
      before.end - before.start < 4 * nearMs * before.count
    ) {
      before.end = span.end;
      before.count++;
    } else free.spans.push(span);
  }
  return [...byWorker.values()].flat();
}

export const seconds = (ms: number): string => {
  const s = ms / 1000;
  if (s < 1) return `${Math.round(ms)} ms`;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 100) return `${s.toFixed(0)} s`;
  const m = Math.floor(s / 60);
  return m < 100 ? `${m} min ${Math.round(s - 60 * m)} s` : `${Math.floor(m / 60)} h ${m % 60} min`;
};
