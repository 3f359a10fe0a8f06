import type { PlannedTask } from '../schemas/plan.ts';

/** One task as the workflow sees it: what to call, where, and after what. */
export interface TaskNode {
  readonly id: string;
  readonly step: string;
  readonly label: string;
  readonly uses: string;
  readonly queue: 'cpu' | 'gpu';
  readonly timeoutMs: number;
  /** What must have succeeded: tasks that the same workflow holds. */
  readonly needs: readonly string[];
  /** What must have ended, well or not: tasks, and slices (by name) that hold some. */
  readonly waits: readonly string[];
  /** It takes a list of what there is: it runs also where that has holes, and in a run that is stopped. */
  readonly gathers?: true;
  /** Tasks of one halving stay together. */
  readonly bracket?: string;
  readonly gate?: NonNullable<PlannedTask['gate']>;
  readonly undecided?: NonNullable<PlannedTask['undecided']>;
}

/** A slice of a plan: it runs in a workflow of its own, after what is named. */
export interface Slice {
  readonly name: string;
  readonly tasks: readonly string[];
  readonly after: readonly string[];
}

/** How the new tasks of a plan are dealt out. */
export interface Deal {
  /** Tasks that the run's own workflow holds: those that many need, and those that gather. */
  readonly own: readonly string[];
  readonly slices: readonly Slice[];
}

type Tasks = ReadonlyMap<string, PlannedTask>;

export function nodeOf(task: PlannedTask): TaskNode {
  const { id, step, label, uses, queue, retries } = task;
  // Each time that it takes too long, it may take twice as long.
  const timeoutMs = task.timeoutMs * 2 ** retries.timeout;
  const needs: string[] = [];
  const waits: string[] = [];
  for (const input of Object.values(task.inputs)) {
    if ('gather' in input) waits.push(...input.gather.map((s) => s.task));
    else needs.push(input.task);
  }
  const gathers = waits.length > 0;
  const { gate, undecided, bracket = gate?.bracket ?? undecided?.bracket } = task;
  if (gate) waits.push(...gate.rivals.flat());
  if (undecided) waits.push(...undecided.rivals.flat(2));
  return {
    ...{ id, step, label, uses, queue, timeoutMs, needs: [...new Set(needs)], waits: [...new Set(waits)] },
    ...(gathers ? { gathers } : {}),
    ...(bracket === undefined ? {} : { bracket }),
    ...(gate === undefined ? {} : { gate }),
    ...(undecided === undefined ? {} : { undecided }),
  };
}

/**
 * Deals out a plan and its amendments, each the tasks that the plan before it has not. Slices are named by plan and number. `holder` tells
 * the slice that holds a task, undefined for the run's own workflow.
 */
export function dealOut(plans: readonly Tasks[], size: number): { deals: Deal[]; holder: ReadonlyMap<string, string> } {
  const holder = new Map<string, string>();
  const deals = plans.map((tasks, at): Deal => {
    const fresh = [...tasks.values()].filter((task) => at === 0 || !plans[at - 1].has(task.id)).map(nodeOf);
    const { own, groups } = split(fresh, size);
    for (const id of own) holder.delete(id);
    const slices = groups.map((ids, i) => ({ name: `${at}-${i}`, tasks: ids }));
    for (const { name, tasks: ids } of slices) for (const id of ids) holder.set(id, name);
    const needsOf = new Map(fresh.map((node) => [node.id, node.needs]));
    const after = (slice: { name: string; tasks: readonly string[] }): string[] => {
      const places = slice.tasks.flatMap((id) => needsOf.get(id)!.map((need) => holder.get(need) ?? need));
      return [...new Set(places)].filter((place) => place !== slice.name);
    };
    return { own, slices: slices.map((slice) => ({ ...slice, after: after(slice) })) };
  });
  return { deals, holder };
}

/** What the run's own workflow keeps, and slices of about `size` tasks. At most `size` tasks stay whole. */
function split(nodes: readonly TaskNode[], size: number): { own: string[]; groups: string[][] } {
  if (nodes.length <= size) return { own: nodes.map((n) => n.id), groups: [] };
  const sinks = new Set<string>();
  for (const n of nodes) if (n.gathers || n.needs.some((id) => sinks.has(id))) sinks.add(n.id);
  const rest = nodes.filter((n) => !sinks.has(n.id));
  for (let widest = size; ; widest = Math.floor(widest / 2)) {
    const hubs = hubsOf(rest, widest);
    const groups = groupsOf(rest.filter((n) => !hubs.has(n.id)));
    if (widest < 2 || groups.every((g) => g.length <= size))
      return { own: nodes.filter((n) => hubs.has(n.id) || sinks.has(n.id)).map((n) => n.id), groups: pack(groups, size) };
  }
}

/** Tasks with more than `widest` dependents, and all that they need. */
function hubsOf(nodes: readonly TaskNode[], widest: number): Set<string> {
  const dependents = new Map<string, number>();
  for (const n of nodes) for (const id of n.needs) dependents.set(id, (dependents.get(id) ?? 0) + 1);
  const hubs = new Set<string>();
  for (const n of nodes.toReversed()) {
    if ((dependents.get(n.id) ?? 0) > widest) hubs.add(n.id);
    if (hubs.has(n.id)) for (const id of n.needs) hubs.add(id);
  }
  return hubs;
}

/** Connected groups, in the order of their first task. */
function groupsOf(nodes: readonly TaskNode[]): string[][] {
  const parent = new Map(nodes.map((n) => [n.id, n.id]));
  const root = (id: string): string => {
    let r = id;
    while (parent.get(r) !== r) r = parent.get(r)!;
    for (let at = id; at !== r;) {
      const next = parent.get(at)!;
      parent.set(at, r);
      at = next;
    }
    return r;
  };
  for (const n of nodes) for (const id of n.needs) if (parent.has(id)) parent.set(root(n.id), root(id));
  const firsts = new Map<string, string>();
  for (const { id, bracket } of nodes) {
    if (bracket === undefined) continue;
    const first = firsts.get(bracket);
    if (first === undefined) firsts.set(bracket, id);
    else parent.set(root(id), root(first));
  }
  const groups = new Map<string, string[]>();
  for (const n of nodes) {
    const r = root(n.id);
    const group = groups.get(r);
    if (group) group.push(n.id);
    else groups.set(r, [n.id]);
  }
  return [...groups.values()];
}

function pack(groups: readonly string[][], size: number): string[][] {
  const packed: string[][] = [];
  for (const group of groups) {
    const last = packed.at(-1);
    if (last && last.length + group.length <= size) last.push(...group);
    else packed.push([...group]);
  }
  return packed;
}
