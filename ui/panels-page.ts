import { get, runPath } from './api.ts';
import { mistake } from './dialog.ts';
import { count, h, number, put, say } from './dom.ts';
import { axesOf } from './grid.ts';
import { Model } from './model.ts';
import type { Page } from './page.ts';
import { type PanelOf, STATE } from './shapes.ts';

/** The genes of a panel, and what two panels share. */
export function panelsPage(run: string, taskId: string | undefined): Page {
  const body = h('div', { class: 'two' });
  const told = h('p', { class: 'summary', role: 'status' }, 'Reading…');
  const element = h(
    'div',
    {},
    h('div', { class: 'title' }, h('h1', {}, `Panels of ${run}`)),
    h('p', {}, h('a', { href: `#/run/${encodeURIComponent(run)}` }, 'Back to the run')),
    told,
    body,
  );
  void begin(run, taskId, { body, told }).catch((error: unknown) => say(told, mistake(error)));
  return { title: `Panels of ${run}`, element, close: () => {} };
}

interface Parts {
  readonly body: HTMLElement;
  readonly told: HTMLElement;
}

async function begin(run: string, taskId: string | undefined, { body, told }: Parts): Promise<void> {
  const model = await Model.load(run);
  await model.refresh();
  const { plan, states } = model;
  const hasPanel = (task: number): boolean =>
    model.panels.includes(plan.tasks[task][1]) && (states[task] === STATE.done || states[task] === STATE.cached);
  const tasks = plan.tasks.flatMap((_, i) => (hasPanel(i) ? [i] : []));
  if (tasks.length === 0) return say(told, 'No panel has been chosen yet.');
  const wanted = taskId === undefined ? -1 : (model.at(taskId) ?? -1);
  const first = tasks.includes(wanted) ? wanted : tasks[0];
  const second = tasks.find((task) => task !== first) ?? first;
  const panels: (PanelOf | undefined)[] = [undefined, undefined];
  const most = h('input', { type: 'number', min: 1, max: 1000, 'aria-label': 'Genes', oninput: () => paint() });
  const sizeOf = (panel: PanelOf | undefined): number => Math.max(1, Math.min(Number(most.value) || 0, panel?.genes.length ?? 0));
  const sides = [first, second].map((task, side) => {
    const genes = h('div');
    const show = async (chosen: number): Promise<void> => {
      const panel = await get<PanelOf>(runPath(run, 'panels', plan.tasks[chosen][0]));
      panels[side] = panel;
      if (side === 0 || most.value === '') most.value = String(panel.k);
      paint();
    };
    const chooser = choosers(
      model,
      tasks,
      task,
      side === 0 ? 'A' : 'B',
      (chosen) => void show(chosen).catch((error: unknown) => say(told, mistake(error))),
    );
    return {
      genes,
      show,
      task,
      element: h('section', { 'aria-label': `Panel ${side === 0 ? 'A' : 'B'}` }, h('h2', {}, side === 0 ? 'A' : 'B'), chooser, genes),
    };
  });
  const paint = (): void => {
    const [a, b] = panels.map((panel) => new Set(panel?.genes.slice(0, sizeOf(panel)).map(([gene]) => gene)));
    for (const [side, { genes }] of sides.entries())
      if (panels[side]) put(genes, ...list(panels[side], sizeOf(panels[side]), side === 0 ? b : a));
    const shared = [...a].filter((gene) => b.has(gene)).length;
    const all = a.size + b.size - shared;
    if (panels[0] && panels[1])
      say(told, `${count(shared)} genes in both, ${count(all)} in either: overlap (Jaccard) ${number(all === 0 ? 0 : shared / all)}`);
  };
  body.before(h('label', { class: 'choice' }, h('span', {}, 'First genes'), most));
  put(body, ...sides.map((side) => side.element));
  await Promise.all(sides.map((side) => side.show(side.task)));
}

/** A choice for each axis; what the sweep has not is not offered. */
function choosers(model: Model, tasks: readonly number[], first: number, side: string, change: (task: number) => void): HTMLElement {
  const { plan } = model;
  const step = plan.tasks[first][1];
  const place = plan.tasks[first].slice(2) as number[];
  const axes = axesOf(model, step);
  const own = tasks.filter((task) => plan.tasks[task][1] === step);
  const boxes = axes.map((axis) => {
    const values = [...new Set(own.map((task) => plan.tasks[task][axis + 2] as number))].toSorted((a, b) => a - b);
    const { name, values: labels } = plan.axes[axis];
    const box = h(
      'select',
      { 'aria-label': `${name} of ${side}` },
      ...values.map((value) => h('option', { value }, value < 0 ? '-' : String(labels[value]))),
    );
    box.value = String(place[axis]);
    box.addEventListener('change', () => {
      place[axis] = Number(box.value);
      // Where there is no such cell, the nearest that has this value.
      const fits = (task: number): number => axes.filter((other) => (plan.tasks[task][other + 2] as number) === place[other]).length;
      const best = own.filter((task) => (plan.tasks[task][axis + 2] as number) === place[axis]).toSorted((x, y) => fits(y) - fits(x))[0];
      for (const [i, other] of axes.entries()) boxes[i].value = String((place[other] = plan.tasks[best][other + 2] as number));
      change(best);
    });
    return box;
  });
  return h(
    'div',
    { class: 'choices' },
    ...boxes.map((box, i) => h('label', { class: 'choice' }, h('span', {}, plan.axes[axes[i]].name), box)),
  );
}

function list({ name, genes }: PanelOf, k: number, others: ReadonlySet<string>): Node[] {
  const most = Math.max(...genes.slice(0, k).map(([, score]) => Math.abs(score ?? 0)), 1e-12);
  return [
    h('h3', {}, name),
    h(
      'p',
      { class: 'muted' },
      `${count(k)} genes${genes.length > k ? `, of a ranking of ${count(genes.length)}${genes.length === 1000 ? ' or more' : ''}` : ''}`,
    ),
    h(
      'ol',
      { class: 'genes' },
      ...genes.slice(0, k).map(([gene, score]) => {
        const bar = h('i', { 'aria-hidden': 'true' });
        bar.style.width = `${(100 * Math.abs(score ?? 0)) / most}%`;
        return h(
          'li',
          {},
          h('b', {}, gene),
          others.has(gene) ? h('span', { class: 'both' }, 'both') : null,
          score === null ? null : h('span', { class: 'muted' }, number(score)),
          h('div', { class: 'score' }, bar),
        );
      }),
    ),
  ];
}
