import { ConfigError } from '../../core/errors.ts';
import { didYouMean } from '../../core/problem.ts';
import type { ArtifactStore } from '../../core/store.ts';
import { hostsOf } from '../../runs/compare.ts';
import { planOf, recordOf } from '../../runs/records.ts';
import type { Plan } from '../../schemas/plan.ts';
import type { Progress, RunRecord } from '../../schemas/run.ts';
import type { CompactPlan, Live, RunDetail, RunItem, States, StepCounts } from '../../ui/shapes.ts';
import type { Connected } from '../connect.ts';
import { unlessOurs, whole } from '../follow.ts';
import { timeLeft } from '../pace.ts';
import { type RunRow, runsOf } from '../runs.ts';
import type { Settings } from '../settings.ts';
import { resultFiles } from './files.ts';
import { RunStates, stepsOf } from './states.ts';
import { Activities } from './under-way.ts';

/** What the server is asked for is asked at most so often, however many pages look. */
const FRESH_MS = 1_000;
/** A worker that is there answers within this time. */
const QUERY_MS = 3_000;
/** Once none has answered, one is waited for beside all else, for so long at a time. */
const PATIENCE_MS = 30_000;
/** What a busy worker said last counts for so long. */
const KNOWN_MS = 20_000;
/** Runs that are asked or read at a time for the list. */
const LISTED = 12;
/** Runs whose records are kept in memory. */
const KEPT = 6;

/** Reads runs out of Temporal and the store. What it remembers is only what it can read again. */
export class Reader {
  readonly connected: Connected;
  readonly store: ArtifactStore;
  readonly set: Settings;
  readonly #activities: Activities;
  readonly #ends = new Map<string, RunItem['counts']>();
  readonly #states = new Map<string, Promise<RunStates>>();
  /** Executions for which no worker answered, and whether one is being asked again. */
  readonly #last = new Map<string, { readonly at: number; readonly progress: Progress }>();
  readonly #deaf = new Map<string, boolean>();
  readonly #lives = new Map<string, { readonly at: number; readonly live: Promise<Live> }>();
  #rows: { readonly at: number; readonly rows: Promise<RunRow[]> } | undefined;

  constructor(connected: Connected, store: ArtifactStore, set: Settings) {
    this.connected = connected;
    this.store = store;
    this.set = set;
    this.#activities = new Activities(connected);
  }

  /** Every run, newest first. Counts of older ones come with later calls. */
  async list(): Promise<RunItem[]> {
    const rows = await this.#listed();
    const open = rows.filter(({ status }) => status === 'RUNNING');
    const ended = rows.filter(({ status, execution }) => status !== 'RUNNING' && !this.#ends.has(execution));
    const unknown = [...open.slice(0, LISTED), ...ended.slice(0, LISTED)];
    const progress = new Map<string, Progress | undefined>();
    await Promise.all(unknown.map(async (row) => progress.set(row.execution, await this.#progressOf(row))));
    for (const { status, execution } of unknown) if (status !== 'RUNNING') this.#ends.set(execution, totalOf(progress.get(execution)));
    return rows.map(({ run, name, status, started, closed, execution }) => ({
      ...{ run, name, started: started.getTime(), closed: closed?.getTime() ?? null },
      state: stateName(status, progress.get(execution)),
      counts: this.#ends.get(execution) ?? totalOf(progress.get(execution)),
    }));
  }

  /** The run of that very name; ConfigError when there is none. */
  async row(run: string): Promise<RunRow> {
    const rows = await this.#listed();
    const row = rows.find((r) => r.run === run);
    if (row) return row;
    const names = rows.slice(0, 10).map((r) => r.run);
    throw new ConfigError(`There is no run "${run}"`, { mend: didYouMean(run, names) ?? 'It may have been dropped meanwhile.' });
  }

  async detail(run: string): Promise<RunDetail> {
    const [row, record, live] = await Promise.all([this.row(run), recordOf(this.store, run), this.live(run)]);
    const { plugins } = (await this.#statesOf(run, record)).plan;
    const hosts = await hostsOf(this.store, run);
    const about: [string, string][] = Object.entries(plugins).map(([name, version]) => [`plugin ${name}`, version]);
    for (const host of hosts)
      for (const [name, value] of Object.entries(host)) if (value !== '') about.push([name.replaceAll('_', ' '), String(value)]);
    const { ui } = this.connected;
    const path = `namespaces/${encodeURIComponent(this.set.namespace)}/workflows/${encodeURIComponent(row.workflow)}`;
    const facts = {
      ...{
        run,
        name: record.name,
        workflow: row.workflow,
        out: record.out,
        about: [...new Map(about.map((a) => [a.join('='), a])).values()],
      },
      temporal: ui === undefined ? null : `${ui}/${path}`,
      results: await resultFiles(record.out),
    };
    return { facts, live };
  }

  /** How far a run is; asked once for all who want to know at about the same time. */
  live(run: string): Promise<Live> {
    const known = this.#lives.get(run);
    if (known && Date.now() - known.at < FRESH_MS / 2) return known.live;
    const live = this.#look(run);
    this.#lives.set(run, { at: Date.now(), live });
    if (this.#lives.size > KEPT) this.#lives.delete(this.#lives.keys().next().value!);
    return live;
  }

  async plan(run: string): Promise<CompactPlan> {
    const record = await recordOf(this.store, run);
    return compact((await this.#statesOf(run, record)).plan, planHash(record));
  }

  /** What became of tasks since an earlier answer about the same plan. */
  async states(run: string, plan: string, since: number, fact: string | undefined): Promise<States> {
    await this.live(run);
    const record = await recordOf(this.store, run);
    const hash = planHash(record);
    return (await this.#statesOf(run, record)).since(hash, hash === plan ? since : 0, fact);
  }

  /** The index of a run's tasks, with its record. */
  async index(run: string): Promise<{ readonly record: RunRecord; readonly states: RunStates }> {
    await this.row(run);
    const record = await recordOf(this.store, run);
    return { record, states: await this.#statesOf(run, record) };
  }

  /** Forgets what was asked lately, after something was changed. */
  refresh(): void {
    this.#rows = undefined;
    this.#lives.clear();
  }

  async #look(run: string): Promise<Live> {
    const [row, record] = await Promise.all([this.row(run), recordOf(this.store, run)]);
    const states = await this.#statesOf(run, record);
    const handle = this.connected.client.workflow.getHandle(row.workflow, row.execution);
    const described = await this.#activities.describe(handle, states.at);
    // In that order: of a run that ends meanwhile, the end counts.
    const progress = await this.#progressOf({ ...row, status: described.status });
    const isOpen = described.status === 'RUNNING';
    const children = isOpen ? (progress?.children ?? []) : [];
    const parts = await Promise.all(
      children.map((id) =>
        this.#activities.describe(this.connected.client.workflow.getHandle(id), states.at).catch(() => ({ underWay: [] })),
      ),
    );
    const underWay = [described, ...parts].flatMap((part) => part.underWay);
    await states.look(progress && JSON.stringify(progress.steps));
    states.settle(new Set(isOpen ? underWay.flatMap((u) => u.tasks) : []), isOpen);
    return {
      ...{ run, isOpen, started: described.started, closed: described.closed, underWay },
      state: stateName(described.status, progress),
      isServed: progress !== undefined,
      steps: stepsOfRun(progress, states.counts()),
      changes: progress?.changes ?? record.changes,
      failures: progress?.failures ?? states.failures(),
      spent: progress?.spent ?? { tasks: 0, ms: 0 },
      stopped: progress?.stopped ?? '',
      left: (isOpen && progress && timeLeft(states.plan, progress, described.started)) || null,
      plan: planHash(record),
    };
  }

  #listed(): Promise<RunRow[]> {
    if (this.#rows && Date.now() - this.#rows.at < FRESH_MS) return this.#rows.rows;
    const rows = runsOf(this.connected);
    this.#rows = { at: Date.now(), rows };
    return rows;
  }

  /** What the workflow says; undefined where it ended otherwise than by itself, or where no worker answers for it. */
  async #progressOf({ workflow, execution, status }: RunRow): Promise<Progress | undefined> {
    const { client } = this.connected;
    const handle = client.workflow.getHandle(workflow, execution);
    if (status === 'COMPLETED') return handle.result().catch(unlessOurs) as Promise<Progress | undefined>;
    if (status !== 'RUNNING') return undefined;
    const ask = async (ms: number): Promise<Progress> => {
      const progress = await client.withDeadline(Date.now() + ms, async () =>
        whole(await handle.query<Progress>('progress'), this.connected),
      );
      this.#last.set(execution, { at: Date.now(), progress });
      return progress;
    };
    const lately = (): Progress | undefined => {
      const last = this.#last.get(execution);
      return last && Date.now() - last.at < KNOWN_MS ? last.progress : undefined;
    };
    const isAsked = this.#deaf.get(execution);
    if (isAsked === undefined)
      return ask(QUERY_MS).catch((error: unknown) => {
        unlessOurs(error);
        this.#deaf.set(execution, false);
        return lately();
      });
    if (!isAsked) {
      this.#deaf.set(execution, true);
      void ask(PATIENCE_MS).then(
        () => this.#deaf.delete(execution),
        () => this.#deaf.set(execution, false),
      );
    }
    return lately();
  }

  #statesOf(run: string, record: RunRecord): Promise<RunStates> {
    const key = `${run}@${planHash(record)}`;
    const known = this.#states.get(key);
    if (known) return known;
    const states = planOf(this.store, record.plans.at(-1)!).then((plan) => new RunStates(this.store, run, plan));
    states.catch(() => this.#states.delete(key));
    this.#states.set(key, states);
    if (this.#states.size > KEPT) this.#states.delete(this.#states.keys().next().value!);
    return states;
  }
}

/** The counts of the workflow, but for what is running: it counts what waits for a worker, too. */
function stepsOfRun(progress: Progress | undefined, known: readonly StepCounts[]): readonly StepCounts[] {
  const running = new Map(known.map((s) => [s.step, s.running]));
  return progress?.steps.map((s) => ({ ...s, running: running.get(s.step) ?? 0 })) ?? known;
}

const planHash = ({ plans }: RunRecord): string => plans.at(-1)!.sha256;

function stateName(status: string, progress: Progress | undefined): string {
  if (status !== 'RUNNING') return progress && progress.stopped !== '' && status === 'COMPLETED' ? 'stopped' : status.toLowerCase();
  return progress && progress.state !== 'ended' ? progress.state : 'running';
}

function totalOf(progress: Progress | undefined): RunItem['counts'] {
  if (!progress) return null;
  const total = { total: 0, running: 0, done: 0, cached: 0, failed: 0, skipped: 0, dropped: 0 };
  for (const { step: _, ...counts } of progress.steps as StepCounts[])
    for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += counts[key];
  return total;
}

function compact(plan: Plan, hash: string): CompactPlan {
  const steps = stepsOf(plan);
  const axes = Object.entries(plan.axes).map(([name, values]) => ({ name, values }));
  const places = axes.map(({ values }) => new Map(values.map((value, i) => [value, i])));
  const stepOf = new Map(plan.tasks.map(({ id, step }) => [id, steps.get(step)!]));
  const boxes = [...steps.keys()].map((id) => ({ id, uses: new Set<string>(), needs: new Set<number>() }));
  const tasks = plan.tasks.map(({ id, step, uses, cell, inputs }): CompactPlan['tasks'][number] => {
    const box = boxes[steps.get(step)!];
    box.uses.add(uses);
    for (const input of Object.values(inputs))
      for (const { task } of 'gather' in input ? input.gather : [input]) box.needs.add(stepOf.get(task)!);
    return [id, steps.get(step)!, ...axes.map(({ name }, i) => places[i].get(cell[name]) ?? -1)];
  });
  return {
    ...{ plan: hash, name: plan.name, pipeline: plan.pipeline, cells: plan.cells, axes, tasks },
    steps: boxes.map(({ id, uses, needs }) => ({ id, uses: [...uses], needs: [...needs] })),
  };
}
