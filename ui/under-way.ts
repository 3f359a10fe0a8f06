import { get, runPath } from './api.ts';
import { charts } from './curves.ts';
import { duration, h, put, say } from './dom.ts';
import type { Model } from './model.ts';
import type { CurvesOf, UnderWay } from './shapes.ts';

/** So many are shown, and of so many the curves are looked at, so often. */
const SHOWN = 40;
const CURVES = 8;
const CURVES_MS = 5_000;

interface Row {
  readonly element: HTMLElement;
  readonly bar: HTMLElement;
  readonly told: HTMLElement;
  readonly curves: HTMLElement;
}

/** What workers are at, how far each is, and the curves of trainings as far as their last checkpoint. */
export class UnderWayList {
  readonly element: HTMLElement;
  readonly #list = h('ul', { class: 'under-way' });
  readonly #model: Model;
  readonly #address: (task: number) => string;
  #rows = new Map<string, Row>();
  #alone: readonly number[] = [];
  readonly #timer: number;

  constructor(model: Model, address: (task: number) => string) {
    this.#model = model;
    this.#address = address;
    this.element = h('section', { 'aria-labelledby': 'under-way', hidden: true }, h('h2', { id: 'under-way' }, 'Under way'), this.#list);
    this.#timer = setInterval(() => void this.#look(), CURVES_MS);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  update(told: readonly UnderWay[]): void {
    // After an amendment the page may hear of tasks before it has the plan that they are of.
    const underWay = told.filter(({ tasks }) => tasks.every((task) => task < this.#model.plan.tasks.length));
    this.element.hidden = underWay.length === 0;
    const rows = new Map<string, Row>();
    for (const one of underWay.slice(0, SHOWN)) {
      const key = `${one.uses} ${one.tasks.join(' ')}`;
      const row = this.#rows.get(key) ?? this.#make(one);
      rows.set(key, row);
      const { fraction, note, attempt, started } = one;
      row.bar.style.width = `${100 * fraction}%`;
      const again = attempt > 1 ? [`attempt ${attempt}`] : [];
      say(row.told, [note, ...again, duration(Math.max(0, Date.now() - started))].filter(Boolean).join(', '));
    }
    const isSame = rows.size === this.#rows.size && [...rows.keys()].every((key) => this.#rows.has(key));
    this.#rows = rows;
    this.#alone = underWay.flatMap(({ tasks }) => (tasks.length === 1 ? tasks : [])).slice(0, CURVES);
    if (!isSame) put(this.#list, ...[...rows.values()].map(({ element }) => element));
  }

  #make({ tasks, uses }: UnderWay): Row {
    const bar = h('i', { class: 'running' });
    const told = h('span', { class: 'muted' });
    const curves = h('div', { class: 'charts' });
    if (tasks.length === 1) curves.dataset.task = String(tasks[0]);
    const name =
      tasks.length === 1
        ? h('a', { href: this.#address(tasks[0]) }, this.#model.name(tasks[0]))
        : h('span', {}, tasks.length > 1 ? `${tasks.length} tasks of ${uses}` : uses);
    const element = h('li', {}, name, h('div', { class: 'progress', 'aria-hidden': 'true' }, bar), told, curves);
    return { element, bar, told, curves };
  }

  async #look(): Promise<void> {
    if (document.hidden || this.element.hidden) return;
    for (const task of this.#alone) {
      // An amendment may just have dropped it.
      const id = this.#model.plan.tasks.at(task)?.[0];
      if (id === undefined) continue;
      const curves = await get<CurvesOf>(runPath(this.#model.run, 'curves', id)).catch(() => undefined);
      const box = this.#list.querySelector(`[data-task="${task}"]`);
      if (curves && box) put(box, ...charts(curves));
    }
  }
}
