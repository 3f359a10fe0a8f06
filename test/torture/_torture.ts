import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../../stats/random.ts';
import { end, processes, stepsOf } from '../engine/_processes.ts';
import { CacheWatch, type Kept, keptIn, notesOf, trainersIn, type Work, workIn } from './_account.ts';
import { SLOTS, Stage } from './_stage.ts';

export const KINDS = ['worker', 'step', 'Temporal', 'versitygw', 'client'] as const;
export type Kind = (typeof KINDS)[number];

export interface TortureOptions {
  readonly cells: number;
  readonly kills: number;
  readonly seed: number;
  /** The whole may take so long. */
  readonly seconds: number;
  readonly tell: (line: string) => void;
}

export interface Account extends Work, Kept {
  readonly kills: Readonly<Record<Kind, number>>;
  readonly tasks: number;
  /** More tasks than these cannot have been under way when something was killed. */
  readonly allowedRepeats: number;
  /** `panelflow cache verify` finds nothing damaged. */
  readonly isSound: boolean;
  /** Ends of programs that were not killed: a worker or client that began while a server was down. */
  readonly gaveUp: readonly string[];
  readonly clientStarts: number;
  /** How long step processes lived on after their worker, at most, in milliseconds; those alive after ten seconds are orphans. */
  readonly outlivedMs: number;
  readonly orphans: number;
  /** The results are the same, byte for byte, as those of a run that nobody disturbed. */
  readonly isSame: boolean;
  /** Times that the run ended with failed tasks, and the client began anew. */
  readonly failedRuns: number;
  readonly runMs: number;
  /** Promises that were broken. */
  readonly faults: readonly string[];
}

const PATIENCE_MS = 10_000;
/** A step process ends within this time after its worker. */
const OUTLIVED_MS = 5_000;
/** When nothing ends for so long, the next kill comes all the same. */
const STALL_MS = 20_000;

/** A step that has trained for so long has a checkpoint, and is the first to be killed. */
const TRAINED_MS = 1_500;

const alive = (pids: ReadonlySet<number>): number => processes().filter(({ pid }) => pids.has(pid)).length;

/** Kills on a stage, and what came of them. */
class Killer {
  readonly kills: Record<Kind, number> = { worker: 0, step: 0, Temporal: 0, versitygw: 0, client: 0 };
  outlivedMs = 0;
  orphans = 0;
  /** Every step process that was seen. */
  readonly steps = new Set<number>();
  readonly #stage: Stage;
  readonly #random: Random;
  readonly #watches: Promise<void>[] = [];
  #kinds: Kind[] = [];

  constructor(stage: Stage, random: Random) {
    this.#stage = stage;
    this.#random = random;
  }

  look(): void {
    for (const { pid } of this.#stage.workers) if (pid !== undefined) for (const step of stepsOf(pid)) this.steps.add(step);
  }

  /** Kills the next one, each kind in turn in a random order; gives what it was, or undefined where that was down. */
  async kill(): Promise<Kind | undefined> {
    if (this.#kinds.length === 0) this.#kinds = [...this.#random.permutation(KINDS.length)].map((i) => KINDS[i]);
    const kind = this.#kinds.pop()!;
    const { temporal, gateway, client, workers } = this.#stage;
    const done =
      kind === 'worker'
        ? await this.#killWorker(workers)
        : kind === 'step'
          ? this.#killStep()
          : await { Temporal: temporal, versitygw: gateway, client }[kind].kill();
    if (!done) return undefined;
    this.kills[kind]++;
    return kind;
  }

  async ended(): Promise<void> {
    await Promise.all(this.#watches);
    for (let waited = 0; waited < PATIENCE_MS && alive(this.steps) > 0; waited += 100) await sleep(100);
    this.orphans += alive(this.steps);
  }

  async #killWorker(workers: Stage['workers']): Promise<boolean> {
    const worker = workers[this.#random.below(workers.length)];
    const steps = worker.pid === undefined ? [] : stepsOf(worker.pid);
    if (!(await worker.kill())) return false;
    this.#watches.push(this.#watch(new Set(steps)));
    return true;
  }

  async #watch(steps: ReadonlySet<number>): Promise<void> {
    const start = Date.now();
    while (alive(steps) > 0 && Date.now() - start < PATIENCE_MS) await sleep(50);
    this.outlivedMs = Math.max(this.outlivedMs, Date.now() - start);
  }

  #killStep(): boolean {
    const steps = this.#stage.workers.flatMap(({ pid }) => (pid === undefined ? [] : stepsOf(pid)));
    if (steps.length === 0) return false;
    const trainers = trainersIn(notesOf(this.#stage.log), TRAINED_MS).filter((pid) => steps.includes(pid));
    const among = trainers.length > 0 ? trainers : steps;
    return end(among[this.#random.below(among.length)]);
  }
}

/** Servers are down for up to four seconds, each fifth time long enough for heartbeats to be missed. */
const outage = (random: Random) => (): number => (random.uniform() < 0.2 ? 12_000 : 300) + 3_700 * random.uniform();

/** Runs a sweep while its parts are killed at random, then once more in peace, and compares. */
export async function torture({ cells, kills, seed, seconds, tell }: TortureOptions): Promise<Account> {
  const random = new Random(seed);
  const stage = await Stage.open(cells, {
    server: outage(random),
    worker: () => 500 + 2_500 * random.uniform(),
    client: () => 200 + 1_800 * random.uniform(),
  });
  try {
    const watch = new CacheWatch(join(stage.bucket, 'tortured'));
    const killer = new Killer(stage, random);
    const start = Date.now();
    const endedAt = await disturb(stage, { killer, watch, random, tasks: 3 * cells, kills, until: start + 1_000 * seconds, tell });
    return await settle(stage, { killer, watch, tasks: 3 * cells, runMs: endedAt - start, tell });
  } finally {
    await stage.close();
  }
}

/** Runs the same once more in peace, and looks through what there is in the end. */
async function settle(
  stage: Stage,
  { killer, watch, tasks, runMs, tell }: Pick<Course, 'killer' | 'watch' | 'tasks' | 'tell'> & { readonly runMs: number },
): Promise<Account> {
  const gaveUp = [stage.client, stage.temporal, stage.gateway, ...stage.workers].flatMap((program) =>
    program.failures.map(({ name, code, at }) => `${name} ended with code ${code} at ${new Date(at).toISOString()}`),
  );
  const clientStarts = stage.client.starts;
  const notes = notesOf(stage.log);
  const code = await stage.quietRun();
  const isSound = await stage.isSound();
  await stage.close();
  await killer.ended();
  const [kept, quiet] = ['tortured', 'quiet'].map((part) => keptIn(join(stage.bucket, part)));
  const listOf = (part: string): string => readFileSync(join(stage.folder, part, 'list.txt'), 'latin1');
  const account = {
    ...workIn(notes, watch.seen),
    ...kept,
    isSound,
    kills: killer.kills,
    tasks,
    allowedRepeats: Object.values(killer.kills).reduce((a, b) => a + b, 0) * SLOTS.reduce((a, b) => a + b, 0),
    gaveUp,
    clientStarts,
    outlivedMs: killer.outlivedMs,
    orphans: killer.orphans,
    isSame: code === 0 && listOf('tortured') === listOf('quiet') && JSON.stringify(kept.results) === JSON.stringify(quiet.results),
    failedRuns: readFileSync(join(stage.folder, 'client.log'), 'utf8').split('✘').length - 1,
    runMs,
  };
  const faults = faultsOf(account);
  if (faults.length === 0) stage.remove();
  else tell(`Logs: ${stage.folder}`);
  return { ...account, faults };
}

/** What a run that was disturbed promises, and did not keep. */
function faultsOf(account: Omit<Account, 'faults'>): string[] {
  const promises: readonly [boolean, string][] = [
    [account.isSame, 'the results differ from those of a run in peace'],
    [account.failedRuns === 0, 'tasks failed for what was killed'],
    [account.repeats <= account.allowedRepeats, 'more was computed twice than was under way at a kill'],
    [account.late.length === 0, `computed again though the result was there: ${account.late.join(', ')}`],
    [account.isSound, '`panelflow cache verify` finds damaged objects'],
    [account.openClaims.length === 0, `claims of tasks that are not done: ${account.openClaims.join(', ')}`],
    [account.orphans === 0 && account.outlivedMs < OUTLIVED_MS, 'step processes lived on after their worker'],
  ];
  return promises.flatMap(([isKept, fault]) => (isKept ? [] : [fault]));
}

interface Course {
  readonly killer: Killer;
  readonly watch: CacheWatch;
  readonly random: Random;
  readonly tasks: number;
  readonly kills: number;
  /** Epoch milliseconds. */
  readonly until: number;
  readonly tell: (line: string) => void;
}

/** Kills so often while a run goes on, spread over its tasks; gives the time of its end. */
async function disturb(stage: Stage, { killer, watch, random, tasks, kills, until, tell }: Course): Promise<number> {
  const run: { end?: number } = {};
  void stage.client.finished.then((at) => (run.end = at));
  const start = Date.now();
  let killed = 0;
  let [before, changed, next] = [0, Date.now(), random.uniform()];
  for (let turn = 0; run.end === undefined; turn++) {
    await sleep(100);
    const now = Date.now();
    if (now > until) throw new Error(`The run had not ended in time; its logs lie in ${stage.folder}`);
    if (turn % 3 === 0) watch.look();
    killer.look();
    const done = new Set(notesOf(stage.log).flatMap(({ what, tag }) => (what === 'done' ? [tag] : []))).size;
    if (done > before) [before, changed] = [done, now];
    if (killed === kills || (done < (0.95 * tasks * next) / kills && now - changed < STALL_MS)) continue;
    const kind = await killer.kill();
    if (kind === undefined) continue;
    changed = now;
    next = ++killed + random.uniform();
    tell(`${((now - start) / 1_000).toFixed(1)} s: ${kind} killed, ${done} of ${tasks} tasks done`);
  }
  return run.end;
}
