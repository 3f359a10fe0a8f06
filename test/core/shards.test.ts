import { describe, expect, it } from 'vitest';
import { shard } from '../../core/shards.ts';
import type { Plan, PlannedTask } from '../../schemas/plan.ts';

const task = (id: string, needs: string[], gather: string[] = []): PlannedTask =>
  ({
    id,
    step: id.split('-')[0],
    label: '',
    uses: 'n/x',
    queue: 'cpu',
    timeoutMs: 1,
    inputs: {
      ...Object.fromEntries(needs.map((t, i) => [`i${i}`, { task: t, port: 'out' }])),
      ...(gather.length > 0 ? { all: { gather: gather.map((t) => ({ task: t, port: 'out', cell: {} })) } } : {}),
    },
  }) as unknown as PlannedTask;

/** load → 50 selects → 4 judges each → report. */
function sweep(): PlannedTask[] {
  const selects = Array.from({ length: 50 }, (_, i) => task(`select-${i}`, ['load-0']));
  const judges = selects.flatMap((s) => Array.from({ length: 4 }, (_, i) => task(`judge-${s.id}-${i}`, ['load-0', s.id])));
  return [
    task('load-0', []),
    ...selects,
    ...judges,
    task(
      'report-0',
      ['load-0'],
      judges.map((j) => j.id),
    ),
    task('after-0', ['report-0']),
  ];
}
const plan = (tasks: PlannedTask[]): Plan => ({ tasks }) as unknown as Plan;

describe('sharding', () => {
  it('leaves a small plan whole', () => {
    expect(shard(plan(sweep()), 1000)).toMatchObject({ shards: [], sinks: [] });
  });

  it('keeps chains together, hubs and sinks apart, and loses no task', () => {
    const tasks = sweep();
    const { hubs, shards, sinks } = shard(plan(tasks), 20);
    expect(hubs).toEqual(['load-0']);
    expect(sinks).toEqual(['report-0', 'after-0']);
    expect([...hubs, ...shards.flat(), ...sinks].toSorted()).toEqual(tasks.map((t) => t.id).toSorted());
    for (const s of shards) {
      expect(s.length).toBeLessThanOrEqual(20);
      for (const id of s) if (id.startsWith('judge')) expect(s).toContain(id.split('-').slice(1, 3).join('-'));
    }
  });

  it('breaks groups that are too large at their widest tasks', () => {
    const wide = Array.from({ length: 60 }, (_, i) => task(`leaf-${i}`, ['mid-0']));
    const { hubs, shards } = shard(plan([task('load-0', []), task('mid-0', ['load-0']), ...wide]), 10);
    expect(hubs).toEqual(['load-0', 'mid-0']);
    expect(shards).toHaveLength(6);
  });
});
