import type { Plan, PlannedTask } from '../schemas/plan.ts';

/** One task as the workflow sees it: what to call, where, and after what. */
export interface TaskNode {
  readonly id: string;
  readonly step: string;
  readonly label: string;
  readonly uses: string;
  readonly queue: 'cpu' | 'gpu';
  readonly timeoutMs: number;
  /** Tasks that must have succeeded. */
  readonly needs: readonly string[];
  /** Tasks that must have ended, well or not. */
  readonly waits: readonly string[];
}

/** How a plan is dealt out: tasks that many depend on, slices that can run apart, and tasks that gather the slices. */
export interface Sharding {
  readonly hubs: readonly string[];
  readonly shards: readonly (readonly string[])[];
  readonly sinks: readonly string[];
}

export function nodeOf(task: PlannedTask): TaskNode {
  const { id, step, label, uses, queue, timeoutMs } = task;
  const needs: string[] = [];
  const waits: string[] = [];
  for (const input of Object.values(task.inputs)) {
    if ('gather' in input) waits.push(...input.gather.map((s) => s.task));
    else needs.push(input.task);
  }
  return { id, step, label, uses, queue, timeoutMs, needs: [...new Set(needs)], waits: [...new Set(waits)] };
}

/** Deals a plan out into slices of about `size` tasks. A plan of at most `size` tasks stays whole. */
export function shard(plan: Plan, size: number): Sharding {
  const nodes = plan.tasks.map(nodeOf);
  if (nodes.length <= size) return { hubs: nodes.map((n) => n.id), shards: [], sinks: [] };
  const sinks = new Set<string>();
  for (const n of nodes) if (n.waits.length > 0 || n.needs.some((id) => sinks.has(id))) sinks.add(n.id);
  const rest = nodes.filter((n) => !sinks.has(n.id));
  for (let widest = size; ; widest = Math.floor(widest / 2)) {
    const hubs = hubsOf(rest, widest);
    const groups = groupsOf(rest.filter((n) => !hubs.has(n.id)));
    if (widest < 2 || groups.every((g) => g.length <= size)) {
      return { hubs: rest.filter((n) => hubs.has(n.id)).map((n) => n.id), shards: pack(groups, size), sinks: [...sinks] };
    }
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
  const groups = new Map<string, string[]>();
  for (const n of nodes) {
    const r = root(n.id);
    groups.set(r, [...(groups.get(r) ?? []), n.id]);
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
