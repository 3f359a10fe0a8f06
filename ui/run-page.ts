import { follow, get, runPath } from './api.ts';
import { Dag } from './dag.ts';
import { announce, mistake } from './dialog.ts';
import { count, duration, h, put, say, when } from './dom.ts';
import { Model } from './model.ts';
import { amend, order, possible, titleOf } from './orders.ts';
import type { Page } from './page.ts';
import { paintBar } from './runs-page.ts';
import type { Live, RunDetail, RunFacts } from './shapes.ts';
import { Sweep } from './sweep.ts';
import { TaskPanel } from './task-panel.ts';
import { UnderWayList } from './under-way.ts';

/** One run: how far it is, its steps, its sweep, what fails, and orders to it. */
export function runPage(run: string, taskId: string | undefined): Page {
  const view = new RunView(run, taskId);
  return {
    title: run,
    element: view.element,
    keys: [
      ['arrows', 'move in the sweep, when it has the focus'],
      ['Enter', 'open the task'],
      ['Esc', 'close the task'],
      ['p', 'pause or resume'],
      ['s', 'go to the sweep'],
    ],
    turn: ([kind, other, task]) => {
      if (kind !== 'run' || other !== run) return false;
      view.show(task);
      return true;
    },
    key: (event) => view.key(event),
    close: () => view.close(),
  };
}

class RunView {
  readonly element: HTMLElement;
  readonly #run: string;
  readonly #state = h('span', { class: 'badge' });
  readonly #told = h('span', {});
  readonly #bar = h('div', { class: 'progress wide', 'aria-hidden': 'true' });
  readonly #links = h('span', { class: 'links' });
  readonly #orders = h('div', { class: 'buttons', role: 'group', 'aria-label': 'Orders' });
  readonly #notice = h('p', { class: 'notice', role: 'status', hidden: true });
  readonly #steps = h('div', { class: 'dag scroll', tabindex: 0, role: 'region', 'aria-label': 'Steps' });
  readonly #sweep = h('div');
  readonly #under = h('div');
  readonly #failures = h('section', { 'aria-labelledby': 'failures', hidden: true });
  readonly #story = h('section', { 'aria-labelledby': 'story' });
  #model: Model | undefined;
  #panel: TaskPanel | undefined;
  #grid: Sweep | undefined;
  #dag: Dag | undefined;
  #underWay: UnderWayList | undefined;
  #live: Live | undefined;
  #facts: RunFacts | undefined;
  #wanted: string | undefined;
  #plan = '';
  #version = -1;
  #possible = '';
  #leave: () => void = () => {};
  #isClosed = false;

  constructor(run: string, taskId: string | undefined) {
    this.#run = run;
    this.#wanted = taskId;
    this.element = h(
      'div',
      { class: 'run' },
      h('div', { class: 'title' }, h('h1', {}, run), this.#state),
      h('p', { class: 'summary' }, this.#told, this.#links),
      this.#bar,
      this.#orders,
      this.#notice,
      h('section', { 'aria-label': 'Steps' }, this.#steps),
      this.#sweep,
      this.#under,
      this.#failures,
      this.#story,
    );
    void this.#begin();
  }

  close(): void {
    this.#isClosed = true;
    this.#underWay?.close();
    this.#leave();
  }

  /** Opens the task of that id at the side; none closes it. */
  show(id: string | undefined): void {
    this.#wanted = id;
    const task = id === undefined ? undefined : this.#model?.at(id);
    if (task !== undefined) this.#panel?.open(task);
    else if (this.#panel?.isOpen) this.#panel.close();
  }

  key({ key }: KeyboardEvent): boolean {
    if (key === 'Escape' && this.#panel?.isOpen) location.hash = this.#address();
    else if (key === 'p' && this.#live?.isOpen) order(this.#run, this.#live.state === 'paused' ? 'resume' : 'pause');
    else if (key === 's') this.element.querySelector<HTMLElement>('.heat')?.focus();
    else return false;
    return true;
  }

  readonly #address = (task?: number): string =>
    ['#/run', encodeURIComponent(this.#run), ...(task === undefined ? [] : [encodeURIComponent(this.#model!.plan.tasks[task][0])])].join(
      '/',
    );

  async #begin(): Promise<void> {
    try {
      const asked = get<RunDetail>(runPath(this.#run));
      asked.catch(() => {});
      // The sweep is there as soon as the plan is, before a busy run has answered.
      const model = await Model.load(this.#run);
      if (this.#isClosed) return;
      this.#model = model;
      this.#build(model);
      const { facts, live } = await asked;
      if (this.#isClosed) return;
      this.#facts = facts;
      this.#take(live);
      this.#tellFacts();
      if (this.#wanted !== undefined) this.show(this.#wanted);
      this.#leave = follow(
        `/api/events?run=${encodeURIComponent(this.#run)}`,
        (live) => this.#take(live as Live),
        (holds) => this.#notify(holds ? undefined : 'The dashboard does not answer; waiting…'),
      );
    } catch (error) {
      put(this.element, h('h1', {}, this.#run), h('p', { class: 'problem', role: 'alert' }, mistake(error)));
    }
  }

  #build(model: Model): void {
    this.#plan = model.plan.plan;
    this.#panel = new TaskPanel(model, () => (location.hash = this.#address()));
    this.#draw(model);
    this.#grid = new Sweep(model, {
      open: (task) => (location.hash = this.#address(task)),
      told: (step) => this.#dag?.mark(model.plan.steps[step].id),
    });
    this.#underWay = new UnderWayList(model, this.#address);
    put(this.#under, this.#underWay.element);
    put(this.#sweep, this.#grid.element);
    this.element.append(this.#panel.element);
  }

  #draw(model: Model): void {
    this.#dag = new Dag(model.plan, (step) => {
      this.#grid?.choose(step);
      this.element.querySelector('#sweep')?.scrollIntoView({ block: 'nearest' });
    });
    if (this.#grid) this.#dag.mark(model.plan.steps[this.#grid.step].id);
    put(this.#steps, this.#dag.element);
  }

  /** Shows how far the run is, and gets what that means for its tasks. */
  #take(live: Live): void {
    const before = this.#live;
    this.#live = live;
    if (before && before.state !== live.state) announce(`${this.#run} is ${live.state}`);
    if (before?.isOpen && !live.isOpen) void this.#again();
    this.#summary(live);
    this.#dag?.update(live.steps);
    this.#buttons(live);
    this.#underWay?.update(live.isOpen ? live.underWay : []);
    this.#failed(live);
    if (before?.changes.length !== live.changes.length) this.#tellFacts();
    void this.#model?.refresh(() => this.#painted()).catch(() => {});
  }

  #painted(): void {
    const model = this.#model!;
    if (model.version === this.#version) return;
    this.#version = model.version;
    if (model.plan.plan === this.#plan) this.#grid!.update();
    else {
      // The sweep was amended.
      this.#plan = model.plan.plan;
      this.#grid!.arrange();
      this.#draw(model);
      this.#dag!.update(this.#live?.steps ?? []);
    }
    this.#panel!.update();
  }

  /** Reads what a run leaves at its end. */
  async #again(): Promise<void> {
    const detail = await get<RunDetail>(runPath(this.#run)).catch(() => undefined);
    if (!detail) return;
    this.#facts = detail.facts;
    this.#tellFacts();
  }

  #summary({ state, steps, started, closed, stopped, left, spent }: Live): void {
    this.#state.className = `badge ${state}`;
    say(this.#state, state);
    const total = { total: 0, running: 0, done: 0, cached: 0, failed: 0, skipped: 0, dropped: 0 };
    for (const { step: _, ...counts } of steps) for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += counts[key];
    paintBar(this.#bar, total);
    const parts = [
      `${count(total.done + total.cached)} of ${count(total.total)} tasks`,
      ...(total.cached > 0 ? [`${count(total.cached)} cached`] : []),
      ...(total.running > 0 ? [`${total.running} running`] : []),
      ...(total.failed > 0 ? [`${count(total.failed)} failed`] : []),
      ...(total.skipped > 0 ? [`${count(total.skipped)} skipped`] : []),
      ...(total.dropped > 0 ? [`${count(total.dropped)} dropped`] : []),
      closed === null ? `since ${when(started)}` : `took ${duration(closed - started)}`,
      ...(spent.ms > 0 ? [`${duration(spent.ms)} of work`] : []),
      ...(left ? [`about ${duration(left.ms)}${left.open ? ' or more' : ''} left`] : []),
      ...(stopped === '' ? [] : [`stopped: ${stopped}`]),
    ];
    say(this.#told, parts.join(' · '));
  }

  #buttons(live: Live): void {
    const verbs = possible(live);
    this.#notify(live.isOpen && !live.isServed ? 'No worker answers for this run: it waits until one serves it.' : undefined);
    if (verbs.join() === this.#possible) return;
    this.#possible = verbs.join();
    const focused = (document.activeElement as HTMLElement | null)?.dataset.verb;
    put(
      this.#orders,
      ...verbs.map((verb) =>
        h(
          'button',
          { type: 'button', 'data-verb': verb, onclick: () => (verb === 'amend' ? amend(this.#run) : order(this.#run, verb)) },
          titleOf(verb),
        ),
      ),
    );
    if (focused !== undefined) this.#orders.querySelector<HTMLElement>(`[data-verb=${focused}], button`)?.focus();
  }

  #notify(text: string | undefined): void {
    this.#notice.hidden = text === undefined;
    say(this.#notice, text ?? '');
  }

  #failed({ failures }: Live): void {
    this.#failures.hidden = failures.length === 0;
    if (failures.length === Number(this.#failures.dataset.count ?? -1)) return;
    this.#failures.dataset.count = String(failures.length);
    put(
      this.#failures,
      h('h2', { id: 'failures' }, 'Failed'),
      h(
        'ul',
        {},
        ...failures.map(({ task, step, label, code, message }) => {
          const at = this.#model!.at(task);
          const name = label === '' ? step : `${step} (${label})`;
          const told = at === undefined ? name : h('a', { href: this.#address(at) }, name);
          return h('li', {}, told, ' ', h('code', {}, code), ` ${message}`);
        }),
      ),
    );
  }

  #tellFacts(): void {
    const facts = this.#facts;
    if (!facts) return;
    const path = (name: string): string => `/results/${encodeURIComponent(this.#run)}/${encodeURIComponent(name)}`;
    const link = (name: string): Node =>
      h('a', { href: path(name), ...(name.endsWith('.html') ? { target: '_blank', rel: 'noopener' } : { download: name }) }, name);
    const isReport = facts.results.includes('report.html');
    put(
      this.#links,
      ...[
        ...(isReport ? [link('report.html')] : []),
        h('a', { href: `#/panels/${encodeURIComponent(this.#run)}` }, 'Panels'),
        h('a', { href: `#/compare/${encodeURIComponent(this.#run)}` }, 'Compare'),
        ...(facts.temporal === null ? [] : [h('a', { href: facts.temporal, target: '_blank', rel: 'noopener noreferrer' }, 'Temporal')]),
      ].flatMap((node) => [' · ', node]),
    );
    const changes = this.#live?.changes ?? [];
    put(
      this.#story,
      h('h2', { id: 'story' }, 'About'),
      ...(changes.length === 0
        ? []
        : [
            h('h3', {}, 'Changes'),
            h(
              'ul',
              {},
              ...changes.map(({ what, by, at, note }) => h('li', {}, `${when(at)} ${what} by ${by}${note === '' ? '' : `: ${note}`}`)),
            ),
          ]),
      ...(facts.results.length === 0
        ? []
        : [h('p', {}, 'Results: ', ...facts.results.flatMap((name, i) => [i > 0 ? ', ' : '', link(name)]))]),
      h('p', { class: 'muted' }, `Folder of results: ${facts.out}`),
      h(
        'details',
        {},
        h('summary', {}, 'Versions and hardware'),
        h('dl', {}, ...facts.about.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])),
      ),
    );
  }
}
