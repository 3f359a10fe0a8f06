import type { Plan, PlannedTask } from '../schemas/plan.ts';
import type { TaskRecord } from '../schemas/run.ts';
import { escapeHtml, table } from './markup.ts';
import { seconds } from './run-timeline.ts';

/** The inputs by which judges take what they judge. */
const JUDGED = ['panel', 'prediction'];

interface Cost {
  readonly name: string;
  readonly computed: number;
  /** Means over the computed tasks, in milliseconds. */
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly peakBytes: number;
  readonly score: number;
}

interface Judged {
  readonly maker: PlannedTask;
  /** How many genes were judged; undefined where there is no such number. */
  readonly k: unknown;
  readonly score: number;
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** The metric that costs are held against: the first that the first judge gives. */
function judgedOf(plan: Plan, records: ReadonlyMap<string, TaskRecord>): { metric: string; by: string; found: Judged[] } | undefined {
  const tasks = new Map(plan.tasks.map((task) => [task.id, task]));
  let [metric, by] = ['', ''];
  const found = plan.tasks.flatMap((task): Judged[] => {
    const input = JUDGED.flatMap((port) => task.inputs[port] ?? [])[0];
    const facts = records.get(task.id)?.facts;
    if (!input || !('task' in input) || !facts) return [];
    metric ||= Object.keys(facts).find((name) => typeof facts[name] === 'number') ?? '';
    by ||= task.uses;
    const score = facts[metric];
    const maker = tasks.get(input.task);
    return maker && task.uses === by && typeof score === 'number' ? [{ maker, k: task.cell.k, score }] : [];
  });
  return found.length > 0 ? { metric, by: by.slice(by.indexOf('/') + 1), found } : undefined;
}

function costsOf(found: readonly Judged[], records: ReadonlyMap<string, TaskRecord>): { all: Cost[]; k: number | undefined } {
  const ks = found.flatMap((judged) => (typeof judged.k === 'number' ? [judged.k] : []));
  const k = ks.length > 0 ? Math.max(...ks) : undefined;
  const groups = new Map<string, Judged[]>();
  for (const judged of found) {
    const { cell, uses } = judged.maker;
    if (judged.k !== k) continue;
    const name = String(cell.selector ?? cell.predictor ?? uses);
    groups.set(name, [...(groups.get(name) ?? []), judged]);
  }
  const all = [...groups].flatMap(([name, own]): Cost[] => {
    const makers = new Map(own.map(({ maker }) => [maker.id, records.get(maker.id)]));
    const computed = [...makers.values()].filter((r) => r?.status === 'COMPLETED') as TaskRecord[];
    if (computed.length === 0) return [];
    return [
      {
        name,
        computed: computed.length,
        cpuMs: mean(computed.map((r) => r.cpuMs ?? r.complete - r.start)),
        wallMs: mean(computed.map((r) => r.complete - r.start)),
        peakBytes: Math.max(...computed.map((r) => r.peakRssBytes ?? 0)),
        score: mean(own.map(({ score }) => score)),
      },
    ];
  });
  return { all, k };
}

const WIDTH = 640;
const HEIGHT = 300;
const LEFT = 56;
const FOOT = 44;

/** Processor time (logarithmic) against the metric, a named dot each. */
function picture(costs: readonly Cost[], metric: string): string {
  const logs = costs.map(({ cpuMs }) => Math.log10(Math.max(1, cpuMs)));
  const scores = costs.map(({ score }) => score);
  const [first, last] = [Math.floor(Math.min(...logs)), Math.ceil(Math.max(...logs) + 1e-9)];
  const air = 0.08 * (Math.max(...scores) - Math.min(...scores)) || 0.05;
  const [low, high] = [Math.min(...scores) - air, Math.max(...scores) + air];
  const x = (log: number): number => LEFT + ((log - first) / Math.max(1, last - first)) * (WIDTH - LEFT - 120);
  const y = (score: number): number => (HEIGHT - FOOT) * (1 - (score - low) / (high - low)) + 6;
  const text = (at: readonly [number, number], words: string, look = 'fill="var(--muted)" font-size="11"'): string =>
    `<text x="${at[0].toFixed(1)}" y="${at[1].toFixed(1)}" ${look}>${escapeHtml(words)}</text>`;
  const columns = Array.from({ length: last - first + 1 }, (_, i) => first + i).map(
    (log) =>
      `<path d="M${x(log).toFixed(1)} 6V${HEIGHT - FOOT + 6}" stroke="var(--rule)"/>${text([x(log), HEIGHT - FOOT + 22], seconds(10 ** log), 'fill="var(--muted)" font-size="11" text-anchor="middle"')}`,
  );
  const rows = Array.from({ length: 5 }, (_, i) => low + ((i + 0.5) / 5) * (high - low)).map(
    (score) =>
      `<path d="M${LEFT} ${y(score).toFixed(1)}H${WIDTH - 120}" stroke="var(--rule)"/>${text([LEFT - 8, y(score) + 4], score.toFixed(3), 'fill="var(--muted)" font-size="11" text-anchor="end"')}`,
  );
  // Names that would lie on one another move down.
  let lowest = -Infinity;
  const dots = costs
    .map((cost, i) => ({ ...cost, px: x(logs[i]), py: y(cost.score) }))
    .sort((a, b) => a.py - b.py)
    .map(({ name, px, py, cpuMs, score }) => {
      const line = Math.max(py + 4, lowest + 12);
      lowest = line;
      const said = `${name}: ${seconds(cpuMs)}, ${score.toPrecision(4)}`;
      return `<circle cx="${px.toFixed(1)}" cy="${py.toFixed(1)}" r="4.5" fill="var(--s0)"><title>${escapeHtml(said)}</title></circle>${text([px + 9, line], name, 'fill="var(--ink)" font-size="11"')}`;
    });
  const titles = [
    text(
      [LEFT + (WIDTH - LEFT - 120) / 2, HEIGHT - 4],
      'processor time of one',
      'fill="var(--muted)" font-size="11.5" text-anchor="middle"',
    ),
    `<text transform="translate(12 ${(HEIGHT - FOOT) / 2}) rotate(-90)" fill="var(--muted)" font-size="11.5" text-anchor="middle">${escapeHtml(metric)}</text>`,
  ];
  return `<svg aria-hidden="true" focusable="false" style="max-width:${WIDTH}px" viewBox="0 0 ${WIDTH} ${HEIGHT}">${[...columns, ...rows, ...dots, ...titles].join('')}</svg>`;
}

/** What each way costs and what it is worth; empty where nothing was computed, or by one way alone. */
export function costs(plan: Plan, records: ReadonlyMap<string, TaskRecord>): string {
  const judged = judgedOf(plan, records);
  if (!judged) return '';
  const { by, found } = judged;
  const metric = judged.metric.replaceAll('_', ' ');
  const { all, k } = costsOf(found, records);
  if (all.length < 2) return '';
  const rows = all.map(({ name, computed, cpuMs, wallMs, peakBytes, score }) => [
    name,
    computed,
    seconds(cpuMs),
    seconds(wallMs),
    peakBytes > 0 ? `${Math.round(peakBytes / 2 ** 20)} MB` : '-',
    score,
  ]);
  const where = k === undefined ? '' : ` at k = ${k}`;
  const note = `Means of the tasks that this run computed${where}; ${metric} by ${by}. Up and to the left is better.`;
  const drawn = `<figure><div class="plot" role="img" aria-label="${escapeHtml(`Processor time of ${all.length} ways against ${metric} by ${by}${where}.`)}">${picture(all, metric)}</div></figure>`;
  const header = ['', 'computed', 'processor time of one', 'time of one', 'peak memory', metric];
  return `<h2 id="cost">What it costs, and what it is worth</h2><p class="note">${escapeHtml(note)}</p>${drawn}${table(`Costs${where}`, header, rows)}`;
}
