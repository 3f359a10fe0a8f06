import { get } from './api.ts';
import { mistake } from './dialog.ts';
import { count, h, number, put, when } from './dom.ts';
import type { Page } from './page.ts';
import type { RunItem } from './shapes.ts';

/** What `panelflow compare --json` gives, as far as it is shown. */
interface Comparison {
  readonly verdict: string;
  readonly summary: string;
  readonly tasks: Readonly<Record<'same' | 'differ' | 'missing' | 'extra' | 'undone', number>>;
  readonly roots: readonly { readonly task: string; readonly why: readonly string[] }[];
  readonly metrics: {
    readonly values: number;
    readonly same: number;
    readonly within: number;
    readonly beyond: number;
    readonly worst: readonly {
      readonly of: string;
      readonly baseline: number | null;
      readonly run: number | null;
      readonly tolerance: number;
    }[];
  };
  readonly surroundings: readonly { readonly what: string; readonly baseline: string; readonly run: string }[];
}

/** Two runs beside each other: has anything changed, where does it begin, by how much. */
export function comparePage(run: string | undefined, baseline: string | undefined): Page {
  const [left, right] = [h('select', { 'aria-label': 'Baseline' }), h('select', { 'aria-label': 'Run' })];
  const body = h('div', { 'aria-live': 'polite' });
  const button = h('button', { type: 'button', class: 'primary', onclick: () => void show() }, 'Compare');
  const choice = (label: string, box: HTMLElement): Node => h('label', { class: 'choice' }, h('span', {}, label), box);
  const element = h(
    'div',
    {},
    h('div', { class: 'title' }, h('h1', {}, 'Compare runs')),
    h('div', { class: 'choices' }, choice('Baseline', left), choice('Run', right), button),
    body,
  );
  const show = async (): Promise<void> => {
    button.disabled = true;
    put(body, h('p', { class: 'muted' }, 'Comparing…'));
    const query = new URLSearchParams({ baseline: left.value, run: right.value });
    await get<Comparison>(`/api/compare?${query.toString()}`).then(
      (comparison) => put(body, ...parts(comparison)),
      (error: unknown) => put(body, h('p', { class: 'problem' }, mistake(error))),
    );
    button.disabled = false;
  };
  const begin = async (): Promise<void> => {
    const runs = await get<RunItem[]>('/api/runs');
    if (runs.length < 2) {
      button.disabled = true;
      return put(body, h('p', { class: 'muted' }, 'There are no two runs to compare yet.'));
    }
    for (const box of [left, right]) put(box, ...runs.map((r) => h('option', { value: r.run }, `${r.run} (${when(r.started)})`)));
    const at = Math.max(
      0,
      runs.findIndex((r) => r.run === run),
    );
    // An earlier run of that name is what one most likely wants.
    const earlier = runs.slice(at + 1).find((r) => r.name === runs[at].name) ?? runs.find((_, i) => i !== at)!;
    right.value = runs[at].run;
    left.value = baseline ?? earlier.run;
    if (run !== undefined) await show();
  };
  void begin().catch((error: unknown) => put(body, h('p', { class: 'problem' }, mistake(error))));
  return { title: 'Compare runs', element, close: () => {} };
}

const shown = (value: number | null): string => (value === null ? '-' : number(value));

function parts({ verdict, summary, tasks, roots, metrics, surroundings }: Comparison): Node[] {
  const counted = Object.entries(tasks).flatMap(([name, n]) => (n > 0 ? [`${count(n)} ${name}`] : []));
  return [
    h('h2', {}, h('span', { class: `badge ${verdict.replaceAll(' ', '-')}` }, verdict)),
    h('p', { class: 'summary' }, summary),
    h(
      'p',
      { class: 'muted' },
      `Tasks: ${counted.join(', ')}. Metric values: ${count(metrics.same)} the same, ${count(metrics.within)} within tolerance, ${count(metrics.beyond)} beyond.`,
    ),
    ...(roots.length === 0
      ? []
      : [
          h('h3', {}, 'Where it begins'),
          h('ul', {}, ...roots.map(({ task, why }) => h('li', {}, h('strong', {}, task), ` ${why.join('; ')}`))),
        ]),
    ...(metrics.worst.length === 0
      ? []
      : [
          h('h3', {}, 'Metrics that changed most'),
          table(
            ['Value', 'Baseline', 'Run', 'Difference', 'Tolerance'],
            metrics.worst.map((m) => [
              m.of,
              shown(m.baseline),
              shown(m.run),
              m.baseline === null || m.run === null ? '-' : number(m.run - m.baseline),
              number(m.tolerance),
            ]),
          ),
        ]),
    ...(surroundings.length === 0
      ? []
      : [
          h('h3', {}, 'Versions and hardware that differ'),
          table(
            ['What', 'Baseline', 'Run'],
            surroundings.map((s) => [s.what, s.baseline, s.run]),
          ),
        ]),
  ];
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): HTMLElement =>
  h(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': head[0] },
    h(
      'table',
      {},
      h('thead', {}, h('tr', {}, ...head.map((name) => h('th', { scope: 'col' }, name)))),
      h('tbody', {}, ...rows.map((row) => h('tr', {}, ...row.map((cell, i) => h('td', i === 0 ? {} : { class: 'number' }, cell))))),
    ),
  );
