import type { Plan } from '../schemas/plan.ts';
import type { TaskRecord } from '../schemas/run.ts';
import { COLOURS, escapeHtml, page, table } from './markup.ts';
import { costs } from './run-cost.ts';
import { graph } from './run-graph.ts';
import { seconds, timeline } from './run-timeline.ts';

/** execution.html: how a run went, for those who care for machines: steps, timeline, resources, retries, costs. */
export function executionPage(run: string, plan: Plan, records: ReadonlyMap<string, TaskRecord>): string {
  const steps = [...new Set(plan.tasks.map(({ step }) => step))];
  const colourOf = (step: string): string => `var(--s${steps.indexOf(step) % COLOURS})`;
  const drawn = timeline(plan, records, colourOf);
  const rows = steps.map((step) => resourcesOf(step, plan, records));
  const header = ['step', 'tasks', 'computed', 'cached', 'time', 'longest', 'processor', 'peak memory', 'tried again'];
  return page(
    `${run}: how it went`,
    [
      `<h1>How the run went</h1><p>${escapeHtml(run)}. trace.tsv has a row for each task.</p>`,
      '<h2>Steps</h2>',
      graph(plan, records, colourOf),
      ...(drawn === '' ? [] : ['<h2>Timeline</h2><p class="note">Computed tasks by worker; colours as above.</p>', drawn]),
      table('What each step took', header, rows),
      costs(plan, records),
    ].join('\n'),
  );
}

function resourcesOf(step: string, plan: Plan, records: ReadonlyMap<string, TaskRecord>): string[] {
  const own = plan.tasks.filter((task) => task.step === step);
  const done = own.flatMap(({ id }) => records.get(id) ?? []);
  const computed = done.filter((r) => r.status === 'COMPLETED');
  const times = computed.map((r) => r.complete - r.start);
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const peak = Math.max(0, ...computed.map((r) => r.peakRssBytes ?? 0));
  const causes = new Map<string, number>();
  for (const { code } of done.flatMap((r) => r.failures)) causes.set(code, (causes.get(code) ?? 0) + 1);
  return [
    step,
    String(own.length),
    String(computed.length),
    String(done.filter((r) => r.status === 'CACHED').length),
    computed.length > 0 ? seconds(sum(times)) : '-',
    computed.length > 0 ? seconds(Math.max(...times)) : '-',
    computed.length > 0 ? seconds(sum(computed.map((r) => r.cpuMs ?? 0))) : '-',
    peak > 0 ? `${Math.round(peak / 2 ** 20)} MB` : '-',
    [...causes].map(([code, n]) => `${n} ${code}`).join(', ') || '-',
  ];
}
