import { count, duration, h, number, plural, put, say } from './dom.ts';
import { axesOf, bestRows, type Grid, layOut, widest } from './grid.ts';
import { Heat, type Scale } from './heat.ts';
import type { Model } from './model.ts';
import { STATES } from './shapes.ts';

/** Rows of a page of the table. */
const PAGE = 50;

interface Choice {
  readonly value: string;
  readonly text: string;
}

function select(
  label: string,
  change: (value: string) => void,
): { readonly element: HTMLElement; readonly offer: (choices: readonly Choice[], value: string) => void } {
  const box = h('select', { 'aria-label': label, onchange: () => change(box.value) });
  let shown = '';
  return {
    element: h('label', { class: 'choice' }, h('span', {}, label), box),
    offer: (choices, value) => {
      const key = JSON.stringify(choices);
      if (key !== shown) put(box, ...choices.map((c) => h('option', { value: c.value }, c.text)));
      shown = key;
      box.value = value;
    },
  };
}

/** The sweep of a run: a heat map, and the same as a table. */
export class Sweep {
  readonly element: HTMLElement;
  readonly #model: Model;
  readonly #heat: Heat;
  readonly #legend = h('div', { class: 'legend' });
  readonly #caption = h('p', { class: 'muted' });
  readonly #filters = h('div', { class: 'choices' });
  readonly #table: TaskTable;
  readonly #told: (step: number) => void;
  readonly #boxes: Record<'step' | 'rows' | 'columns' | 'colour', ReturnType<typeof select>>;
  #step: number;
  #rows = -1;
  #columns = -1;
  #colour = 'state';
  readonly #only = new Map<number, number>();
  #grid: Grid | undefined;

  constructor(model: Model, { open, told }: { readonly open: (task: number) => void; readonly told: (step: number) => void }) {
    this.#model = model;
    this.#told = told;
    this.#step = widest(model);
    this.#table = new TaskTable(model, open);
    this.#heat = new Heat(model, (tasks) => {
      if (tasks.length === 1) open(tasks[0]);
      else this.#table.show(tasks, 'the cell');
    });
    this.#boxes = {
      step: select('Step', (value) => this.choose(Number(value))),
      rows: select('Rows', (value) => this.#set(() => (this.#rows = Number(value)))),
      columns: select('Columns', (value) => this.#set(() => (this.#columns = Number(value)))),
      colour: select('Colour', (value) => void this.#paint(value)),
    };
    const { step, rows, columns, colour } = this.#boxes;
    this.element = h(
      'section',
      { id: 'sweep', 'aria-labelledby': 'sweep-title' },
      h('h2', { id: 'sweep-title' }, 'Sweep'),
      h('div', { class: 'choices' }, step.element, rows.element, columns.element, colour.element),
      this.#filters,
      this.#heat.element,
      this.#caption,
      this.#legend,
      this.#table.element,
    );
    this.choose(this.#step);
  }

  /** Number of the step that is shown. */
  get step(): number {
    return this.#step;
  }

  /** Shows another step. */
  choose(step: number): void {
    this.#step = step;
    this.#only.clear();
    this.#rows = bestRows(this.#model, axesOf(this.#model, step));
    this.#columns = -1;
    if (this.#colour.startsWith('fact:')) void this.#paint('state');
    this.arrange();
    this.#told(step);
  }

  /** Lays the grid out anew: another choice, or another plan. */
  arrange(): void {
    const model = this.#model;
    const { axes, steps } = model.plan;
    if (this.#step >= steps.length) this.#step = widest(model);
    const own = axesOf(model, this.#step);
    this.#grid = layOut(model, { step: this.#step, rows: this.#rows, columns: this.#columns, only: this.#only });
    const named = (axis: number): Choice => ({ value: String(axis), text: axes[axis].name });
    const isFlat = own.length < 2;
    this.#boxes.step.offer(
      steps.map(({ id }, i) => ({ value: String(i), text: id })),
      String(this.#step),
    );
    this.#boxes.rows.offer(own.map(named), String(this.#rows));
    this.#boxes.columns.offer(
      [{ value: '-1', text: 'all other axes' }, ...own.filter((a) => a !== this.#rows).map(named)],
      String(this.#columns),
    );
    this.#boxes.rows.element.hidden = isFlat;
    this.#boxes.columns.element.hidden = isFlat;
    this.#colours();
    const rest = own.filter((axis) => axes[axis].values.length <= 200);
    put(
      this.#filters,
      ...(isFlat
        ? []
        : rest.map((axis) => {
            const box = select(`Only ${axes[axis].name}`, (value) =>
              this.#set(() => (value === '' ? this.#only.delete(axis) : this.#only.set(axis, Number(value)))),
            );
            const all = { value: '', text: 'all' };
            box.offer(
              [all, ...axes[axis].values.map((value, i) => ({ value: String(i), text: String(value) }))],
              String(this.#only.get(axis) ?? ''),
            );
            return box.element;
          })),
    );
    this.#table.show(this.#grid.tasks, '');
    this.update();
  }

  /** Draws what has changed. */
  update(): void {
    const grid = this.#grid!;
    this.#colours();
    const scale = this.#scale();
    const across = grid.levels.map(({ axis }) => axis).join(', ');
    const shape = grid.rowAxis === '' ? '' : `: ${grid.rowAxis} down${across === '' ? '' : `, ${across} across`}`;
    const label = `${plural(grid.tasks.length, 'task')} of ${this.#model.plan.steps[this.#step].id}${shape}`;
    say(this.#caption, label);
    this.#heat.show(grid, scale, label);
    this.#describe(grid, scale);
    this.#table.update();
  }

  #colours(): void {
    const facts = this.#model.facts[this.#step] ?? [];
    const choices = [
      { value: 'state', text: 'state' },
      { value: 'time', text: 'time taken' },
      ...facts.map((name) => ({ value: `fact:${name}`, text: name.replaceAll('_', ' ') })),
    ];
    this.#boxes.colour.offer(choices, this.#colour);
  }

  async #paint(colour: string): Promise<void> {
    this.#colour = colour;
    await this.#model.choose(colour.startsWith('fact:') ? colour.slice(5) : '').catch(() => {});
    this.update();
  }

  #set(change: () => void): void {
    change();
    if (this.#columns === this.#rows) this.#columns = -1;
    this.arrange();
  }

  #scale(): Scale {
    const { ms, values } = this.#model;
    if (this.#colour === 'state') return { values: undefined, format: String };
    if (this.#colour === 'time') return { values: Float64Array.from(ms, (t) => (t < 0 ? Number.NaN : t)), format: duration };
    return { values, format: (value) => `${this.#colour.slice(5)} ${number(value)}` };
  }

  #describe({ tasks }: Grid, { values, format }: Scale): void {
    const { states } = this.#model;
    if (values) {
      const known = tasks.flatMap((task) => (Number.isNaN(values[task]) ? [] : [values[task]]));
      const ends = known.reduce(([low, high], v) => [Math.min(low, v), Math.max(high, v)], [Infinity, -Infinity]);
      put(
        this.#legend,
        ...(known.length === 0
          ? ['Nothing has such a number yet.']
          : [
              h('span', {}, format(ends[0])),
              h('i', { class: 'ramp' }),
              h('span', {}, format(ends[1])),
              h('small', {}, ` ${plural(known.length, 'task')}`),
            ]),
      );
      return;
    }
    const counts = STATES.map(() => 0);
    for (const task of tasks) counts[states[task]]++;
    put(
      this.#legend,
      ...STATES.flatMap((name, state) =>
        counts[state] > 0 ? [h('span', {}, h('i', { class: `chip ${name}` }), `${name} ${count(counts[state])}`)] : [],
      ),
    );
  }
}

/** The same tasks as rows: for keys, readers, and those who look for one. */
class TaskTable {
  readonly element: HTMLDetailsElement;
  readonly #model: Model;
  readonly #body = h('tbody');
  readonly #where = h('span', { class: 'muted', role: 'status' });
  readonly #filter: HTMLInputElement;
  readonly #state: HTMLSelectElement;
  readonly #before: HTMLButtonElement;
  readonly #after: HTMLButtonElement;
  readonly #open: (task: number) => void;
  #tasks: readonly number[] = [];
  #of = '';
  #page = 0;

  constructor(model: Model, open: (task: number) => void) {
    this.#model = model;
    this.#open = open;
    const again = (): void => {
      this.#page = 0;
      this.update();
    };
    this.#filter = h('input', { type: 'search', placeholder: 'seed=0 selector=yoto', 'aria-label': 'Filter tasks', oninput: again });
    this.#state = h(
      'select',
      { 'aria-label': 'State', onchange: again },
      h('option', { value: '' }, 'any state'),
      ...STATES.map((name) => h('option', { value: name }, name)),
    );
    this.#before = h('button', { type: 'button', onclick: () => this.#turn(-1) }, 'Before');
    this.#after = h('button', { type: 'button', onclick: () => this.#turn(1) }, 'After');
    this.element = h(
      'details',
      { id: 'tasks', ontoggle: () => this.update() },
      h('summary', {}, 'As a table'),
      h('div', { class: 'choices' }, this.#filter, this.#state, this.#before, this.#after, this.#where),
      h(
        'div',
        { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Tasks' },
        h(
          'table',
          {},
          h('thead', {}, h('tr', {}, ...['Task', 'State', 'Took', 'Value'].map((name) => h('th', { scope: 'col' }, name)))),
          this.#body,
        ),
      ),
    );
  }

  show(tasks: readonly number[], of: string): void {
    this.#tasks = tasks;
    this.#of = of;
    this.#page = 0;
    if (of !== '') {
      this.element.open = true;
      this.element.scrollIntoView({ block: 'nearest' });
    }
    this.update();
  }

  update(): void {
    if (!this.element.open) return;
    const { states, ms, values } = this.#model;
    const words = this.#filter.value.trim().split(/\s+/).filter(Boolean);
    const found = this.#tasks.filter(
      (task) =>
        (this.#state.value === '' || STATES[states[task]] === this.#state.value) &&
        words.every((word) => this.#model.name(task).includes(word)),
    );
    const pages = Math.max(1, Math.ceil(found.length / PAGE));
    this.#page = Math.min(this.#page, pages - 1);
    const shown = found.slice(this.#page * PAGE, (this.#page + 1) * PAGE);
    const focused = (document.activeElement as HTMLElement | null)?.dataset.task;
    put(
      this.#body,
      ...shown.map((task) =>
        h(
          'tr',
          {},
          h(
            'td',
            {},
            h('button', { type: 'button', class: 'link', 'data-task': task, onclick: () => this.#open(task) }, this.#model.name(task)),
          ),
          h('td', {}, h('i', { class: `chip ${STATES[states[task]]}` }), STATES[states[task]]),
          h('td', { class: 'number' }, ms[task] < 0 ? '-' : duration(ms[task])),
          h('td', { class: 'number' }, Number.isNaN(values[task]) ? '-' : number(values[task])),
        ),
      ),
    );
    if (focused !== undefined) this.#body.querySelector<HTMLElement>(`[data-task="${focused}"]`)?.focus();
    const text = `${plural(found.length, 'task')}${this.#of === '' ? '' : ` of ${this.#of}`}, page ${this.#page + 1} of ${pages}`;
    if (this.#where.textContent !== text) this.#where.textContent = text;
    this.#before.disabled = this.#page === 0;
    this.#after.disabled = this.#page >= pages - 1;
  }

  #turn(by: number): void {
    this.#page += by;
    this.update();
  }
}
