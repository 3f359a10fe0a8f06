import { get, post, runPath } from './api.ts';
import { charts } from './curves.ts';
import { announce, mistake } from './dialog.ts';
import { duration, h, number, put, size, when } from './dom.ts';
import type { Model } from './model.ts';
import { type CurvesOf, STATE, STATES, type TaskDetail } from './shapes.ts';

/** Curves of a training that goes on are looked at so often. */
const CURVES_MS = 4_000;

/** One task at the side: what it is, what became of it, its log, its error, its curves. */
export class TaskPanel {
  readonly element: HTMLElement;
  readonly #model: Model;
  readonly #title = h('h2', { tabindex: -1 });
  readonly #body = h('div');
  readonly #curves = h('div', { class: 'curves' });
  #task = -1;
  #state = -1;
  #timer = 0;
  #back: Element | null = null;

  constructor(model: Model, close: () => void) {
    this.#model = model;
    this.element = h(
      'aside',
      { class: 'panel', 'aria-label': 'Task', hidden: true },
      h('button', { type: 'button', class: 'close', 'aria-label': 'Close the task', onclick: close }, '×'),
      this.#title,
      this.#body,
      this.#curves,
    );
  }

  get isOpen(): boolean {
    return !this.element.hidden;
  }

  open(task: number): void {
    if (this.element.hidden) this.#back = document.activeElement;
    this.#task = task;
    this.element.hidden = false;
    this.#title.textContent = this.#model.name(task);
    put(this.#body, h('p', { class: 'muted' }, 'Reading…'));
    put(this.#curves);
    this.#title.focus();
    void this.#load();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.element.hidden = true;
    this.#task = -1;
    if (this.#back instanceof HTMLElement && this.#back.isConnected) this.#back.focus();
  }

  /** Reads the task again when its state has changed. */
  update(): void {
    if (this.#task >= 0 && this.#model.states[this.#task] !== this.#state) void this.#load();
  }

  async #load(): Promise<void> {
    const task = this.#task;
    const id = this.#model.plan.tasks[task][0];
    this.#state = this.#model.states[task];
    clearTimeout(this.#timer);
    try {
      const detail = await get<TaskDetail>(runPath(this.#model.run, 'tasks', id));
      if (task !== this.#task) return;
      put(this.#body, ...this.#parts(detail));
      await this.#watch(task, id);
    } catch (error) {
      if (task === this.#task) put(this.#body, h('p', { class: 'problem' }, mistake(error)));
    }
  }

  async #watch(task: number, id: string): Promise<void> {
    const curves = await get<CurvesOf>(runPath(this.#model.run, 'curves', id)).catch((): CurvesOf => ({ from: 'none', curves: {} }));
    if (task !== this.#task) return;
    const found = charts(curves);
    const from = curves.from === 'checkpoint' ? ', as far as its last checkpoint' : '';
    put(this.#curves, ...(found.length > 0 ? [h('h3', {}, `Curves${from}`), h('div', { class: 'charts' }, ...found)] : []));
    if (this.#model.states[task] === STATE.running) this.#timer = setTimeout(() => void this.#watch(task, id), CURVES_MS);
  }

  #parts(detail: TaskDetail): Node[] {
    const { record } = detail;
    const { run } = this.#model;
    const state = STATES[this.#model.states[this.#task]];
    const command = `panelflow explain ${run} "${detail.name}"`;
    return [
      h(
        'p',
        {},
        h('i', { class: `chip ${state}` }),
        h('strong', {}, state),
        ` ${detail.uses}`,
        detail.seed === null ? '' : `, seed ${detail.seed}`,
      ),
      ...(record?.error ? [this.#error(record.error)] : []),
      ...(state === 'failed' ? [h('p', {}, h('button', { type: 'button', onclick: () => this.#retry(detail) }, 'Try it again'))] : []),
      ...(record ? [times(record)] : []),
      ...(record && record.log.length > 0
        ? [h('h3', {}, 'Log'), h('pre', { tabindex: 0, 'aria-label': 'Log' }, record.log.join('\n'))]
        : []),
      ...(record && record.failures.length > 0
        ? [h('h3', {}, 'Attempts before'), list(record.failures.map((f) => `${f.code} after ${duration(f.ms)} at ${f.worker}`))]
        : []),
      ...(record && Object.keys(record.facts).length > 0
        ? [h('h3', {}, 'Facts'), pairs(Object.entries(record.facts).map(([k, v]) => [k, typeof v === 'number' ? number(v) : String(v)]))]
        : []),
      ...(record && record.outputs.length > 0
        ? [h('h3', {}, 'Outputs'), pairs(record.outputs.map((o) => [o.port, `${o.type}, ${size(o.bytes)}, ${o.sha256.slice(0, 12)}`]))]
        : []),
      ...(record?.outputs.some((o) => o.type === 'panel')
        ? [h('p', {}, h('a', { href: `#/panels/${encodeURIComponent(run)}/${encodeURIComponent(detail.id)}` }, 'The genes of its panel'))]
        : []),
      ...(detail.inputs.length > 0 ? [h('h3', {}, 'Inputs'), this.#inputs(detail.inputs)] : []),
      fold('Params', h('pre', { tabindex: 0, 'aria-label': 'Params' }, JSON.stringify(detail.params, null, 1))),
      ...(detail.fields.length > 0 ? [fold('What its cache key is made of', pairs(detail.fields))] : []),
      h('p', { class: 'muted' }, 'Where it came from: ', h('code', {}, command)),
    ];
  }

  #error({ code, message, mend, context }: NonNullable<NonNullable<TaskDetail['record']>['error']>): Node {
    const facts = Object.entries(context).map(([k, v]) => `${k}=${v}`);
    return h(
      'div',
      { class: 'problem' },
      h('strong', {}, code),
      ` ${message}`,
      facts.length > 0 ? h('p', {}, facts.join(', ')) : null,
      mend ? h('p', {}, mend) : null,
    );
  }

  #inputs(inputs: TaskDetail['inputs']): Node {
    const link = ([at, name]: readonly [number, string]): Node =>
      h('a', { href: `#/run/${encodeURIComponent(this.#model.run)}/${encodeURIComponent(this.#model.plan.tasks[at][0])}` }, name);
    return h(
      'dl',
      {},
      ...inputs.flatMap(({ port, from, more }) => [
        h('dt', {}, port),
        h('dd', {}, ...from.flatMap((source, i) => [i > 0 ? ', ' : '', link(source)]), more > 0 ? ` and ${more} more` : ''),
      ]),
    );
  }

  #retry({ id }: TaskDetail): void {
    void post(runPath(this.#model.run, 'retry'), { tasks: [id] }).then(
      ({ said }) => announce(said),
      (error: unknown) => announce(mistake(error)),
    );
  }
}

function times({
  worker,
  queue,
  device,
  submit,
  start,
  complete,
  cpuMs,
  peakRssBytes,
  attempt,
  key,
  made,
  status,
}: NonNullable<TaskDetail['record']>): Node {
  const isCached = status === 'CACHED';
  const rows: [string, string][] = isCached
    ? [['found', when(complete)], ...(made ? ([['computed by', made.run]] as [string, string][]) : [])]
    : [
        ['took', duration(complete - start)],
        ['waited', duration(Math.max(0, start - submit))],
        ['started', when(start)],
        ['ended', when(complete)],
        ['worker', worker],
        ['queue', device === null ? queue : `${queue}, ${device}`],
        ['attempt', String(attempt)],
        ...(cpuMs === null ? [] : ([['processor', duration(cpuMs)]] as [string, string][])),
        ...(peakRssBytes === null ? [] : ([['memory', size(peakRssBytes)]] as [string, string][])),
      ];
  return pairs([...rows, ...(key === '' ? [] : ([['key', key]] as [string, string][]))]);
}

const pairs = (rows: readonly (readonly [string, string])[]): HTMLElement =>
  h('dl', {}, ...rows.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
const list = (rows: readonly string[]): HTMLElement => h('ul', {}, ...rows.map((row) => h('li', {}, row)));
const fold = (title: string, body: Node): HTMLElement => h('details', {}, h('summary', {}, title), body);
