import { get, runPath } from './api.ts';
import { type CompactPlan, STATE, type States } from './shapes.ts';

/** A run's tasks as the page knows them: numbers in flat arrays, since there may be tens of thousands. */
export class Model {
  readonly run: string;
  plan: CompactPlan;
  states: Uint8Array;
  /** Milliseconds that each took; -1 where that is not known. */
  ms: Float64Array;
  /** The fact that is looked at, of each task; NaN where it has none. */
  values: Float64Array;
  /** Names of facts by step. */
  facts: States['facts'] = {};
  panels: States['panels'] = [];
  fact = '';
  /** Grows with every change. */
  version = 0;
  #seq = 0;
  #busy: Promise<void> | undefined;
  #isStale = false;
  readonly #at = new Map<string, number>();

  private constructor(run: string, plan: CompactPlan) {
    this.run = run;
    this.plan = plan;
    [this.states, this.ms, this.values] = blank(plan);
    this.#number();
  }

  static async load(run: string): Promise<Model> {
    return new Model(run, await get<CompactPlan>(runPath(run, 'plan')));
  }

  /** The number of a task, by its id. */
  at(id: string): number | undefined {
    return this.#at.get(id);
  }

  /** "select (seed=0 k=32)" */
  name(task: number): string {
    const label = this.label(task);
    const step = this.plan.steps[this.plan.tasks[task][1]].id;
    return label === '' ? step : `${step} (${label})`;
  }

  label(task: number): string {
    const [, , ...places] = this.plan.tasks[task];
    return places.flatMap((at, i) => (at < 0 ? [] : [`${this.plan.axes[i].name}=${this.plan.axes[i].values[at]}`])).join(' ');
  }

  /** Looks at another fact of each task. */
  async choose(fact: string): Promise<void> {
    this.fact = fact;
    this.#seq = 0;
    await this.refresh();
  }

  /** Gets what has changed; calls while it is at it come to one more. */
  async refresh(told: () => void = () => {}): Promise<void> {
    if (this.#busy) {
      this.#isStale = true;
      return this.#busy;
    }
    this.#busy = (async () => {
      do {
        this.#isStale = false;
        for (let more = true; more;) {
          more = await this.#take();
          told();
        }
      } while (this.#isStale);
    })().finally(() => (this.#busy = undefined));
    return this.#busy;
  }

  async #take(): Promise<boolean> {
    const { fact } = this;
    const query = new URLSearchParams({ plan: this.plan.plan, since: String(this.#seq) });
    if (fact !== '') query.set('fact', fact);
    const answer = await get<States>(`${runPath(this.run, 'states')}?${query.toString()}`);
    if (fact !== this.fact) {
      this.#seq = 0;
      return true;
    }
    if (answer.plan !== this.plan.plan) {
      this.plan = await get<CompactPlan>(runPath(this.run, 'plan'));
      [this.states, this.ms, this.values] = blank(this.plan);
      this.#seq = 0;
      this.version++;
      this.#number();
      return true;
    }
    if (this.#seq === 0) this.values.fill(Number.NaN);
    this.#seq = answer.seq;
    if (answer.changes.length > 0) this.version++;
    this.facts = answer.facts;
    this.panels = answer.panels;
    for (const [task, state, ms, value] of answer.changes) {
      this.states[task] = state;
      this.ms[task] = ms;
      this.values[task] = value ?? Number.NaN;
    }
    // What is still to be read takes the server a moment.
    if (answer.more && answer.changes.length === 0) await new Promise((wake) => setTimeout(wake, 200));
    return answer.more;
  }

  #number(): void {
    this.#at.clear();
    for (const [i, [id]] of this.plan.tasks.entries()) this.#at.set(id, i);
  }
}

const blank = ({ tasks }: CompactPlan): [Uint8Array, Float64Array, Float64Array] => [
  new Uint8Array(tasks.length).fill(STATE.waiting),
  new Float64Array(tasks.length).fill(-1),
  new Float64Array(tasks.length).fill(Number.NaN),
];
