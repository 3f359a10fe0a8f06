import { type ArtifactStore, recordPath } from '../core/store.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import type { Plan } from '../schemas/plan.ts';
import type { RunRecord, TaskRecord } from '../schemas/run.ts';
import { abreast } from '../runs/abreast.ts';
import { reachable } from './forecast.ts';
import { planOf } from '../runs/records.ts';

/** What runs need of a store to report again and to be taken up; built run by run. */
export class Needs {
  /** SHA-256 of objects. */
  readonly objects = new Set<string>();
  /** Keys of cache entries. */
  readonly keys = new Set<string>();
  /** Names of checkpoints. */
  readonly checkpoints = new Set<string>();
  /** Objects that only steps of runs that ended well read, with the records that name each. */
  readonly intermediates = new Map<string, string[]>();
  readonly #store: ArtifactStore;

  constructor(store: ArtifactStore) {
    this.#store = store;
  }

  /** Takes in a run. Of one that ended well, outputs of at least `smallest` bytes that only other steps read count as intermediates. */
  async add(run: string, smallest = Infinity): Promise<void> {
    const text = await this.#store.readRecord(recordPath.run(run));
    const record = text === undefined ? undefined : (JSON.parse(text) as RunRecord);
    for (const { sha256 } of record ? [...record.plans, record.source] : []) this.objects.add(sha256);
    // A run whose plan is missing or damaged keeps all that its records name.
    const plan = record && (await planOf(this.#store, record.plans.at(-1)!).catch(() => undefined));
    const done = new Set<string>();
    const between = plan && smallest < Infinity ? onlyRead(plan) : new Set<string>();
    const outputs: { path: string; sha256: string }[] = [];
    await this.#records(run, (path, { task, status, key, ...rest }) => {
      if (key !== '') this.keys.add(key);
      if (status === 'COMPLETED' || status === 'CACHED') done.add(task);
      for (const [port, { sha256, bytes }] of Object.entries(rest.outputs))
        if (between.has(`${task} ${port}`) && bytes >= smallest) outputs.push({ path, sha256 });
        else this.objects.add(sha256);
    });
    const isDone = plan?.tasks.every(({ id }) => done.has(id)) ?? false;
    for (const { path, sha256 } of outputs)
      if (isDone) this.intermediates.set(sha256, [...(this.intermediates.get(sha256) ?? []), path]);
      else this.objects.add(sha256);
    if (plan && !isDone) await this.#addReachable(plan);
  }

  addObjects(refs: Iterable<ArtifactRef>): void {
    for (const { sha256 } of refs) this.objects.add(sha256);
  }

  async #records(run: string, take: (path: string, record: TaskRecord) => void): Promise<void> {
    for await (const page of this.#store.walkRecords(recordPath.tasks(run)))
      await abreast(page, async ({ path }) => {
        const text = await this.#store.readRecord(path);
        if (text !== undefined) take(path, JSON.parse(text) as TaskRecord);
      });
  }

  async #addReachable(plan: Plan): Promise<void> {
    for (const { key, checkpoint, outputs } of await reachable(plan, this.#store)) {
      this.keys.add(key);
      this.checkpoints.add(checkpoint);
      this.addObjects(outputs);
    }
  }
}

/** Outputs that other steps read and that are not published, as "task port". */
function onlyRead(plan: Plan): Set<string> {
  const name = ({ task, port }: { task: string; port: string }): string => `${task} ${port}`;
  const read = new Set<string>();
  for (const { inputs } of plan.tasks)
    for (const input of Object.values(inputs))
      if ('gather' in input) input.gather.forEach((source) => read.add(name(source)));
      else read.add(name(input));
  for (const source of plan.publish) read.delete(name(source));
  return read;
}
