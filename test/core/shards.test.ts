import { describe, expect, it } from 'vitest';
import { dealOut } from '../../core/shards.ts';
import type { PlannedTask } from '../../schemas/plan.ts';

const task = (id: string, needs: string[], gather: string[] = []): PlannedTask =>
  ({
    id,
    step: id.split('-')[0],
    label: '',
    uses: 'n/x',
    queue: 'cpu',
    timeoutMs: 1,
    retries: { timeout: 0 },
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
const plan = (tasks: PlannedTask[]): Map<string, PlannedTask> => new Map(tasks.map((t) => [t.id, t]));
const deal = (tasks: PlannedTask[], size: number) => dealOut([plan(tasks)], size).deals[0];

describe('dealing out', () => {
  it('leaves a small plan whole', () => {
    expect(deal(sweep(), 1000)).toMatchObject({ slices: [], own: sweep().map((t) => t.id) });
  });

  it('keeps chains together, hubs and sinks apart, and loses no task', () => {
    const tasks = sweep();
    const { own, slices } = deal(tasks, 20);
    expect(own).toEqual(['load-0', 'report-0', 'after-0']);
    expect([...own, ...slices.flatMap((s) => s.tasks)].toSorted()).toEqual(tasks.map((t) => t.id).toSorted());
    for (const { tasks: s, after } of slices) {
      expect(after).toEqual(['load-0']);
      expect(s.length).toBeLessThanOrEqual(20);
      for (const id of s) if (id.startsWith('judge')) expect(s).toContain(id.split('-').slice(1, 3).join('-'));
    }
  });

  it('breaks groups that are too large at their widest tasks', () => {
    const wide = Array.from({ length: 60 }, (_, i) => task(`leaf-${i}`, ['mid-0']));
    const { own, slices } = deal([task('load-0', []), task('mid-0', ['load-0']), ...wide], 10);
    expect(own).toEqual(['load-0', 'mid-0']);
    expect(slices).toHaveLength(6);
  });

  it('gives the new tasks of an amendment slices of their own, after those that hold what they need', () => {
    const before = sweep();
    const judges = Array.from({ length: 50 }, (_, i) => task(`judge-new-${i}`, ['load-0', `select-${i}`]));
    const report = task(
      'report-1',
      ['load-0'],
      judges.map((j) => j.id),
    );
    const kept = before.filter((t) => !t.id.startsWith('report') && !t.id.startsWith('after'));
    const { deals, holder } = dealOut([plan(before), plan([...kept, ...judges, report])], 20);
    expect(deals[1].own).toEqual(['report-1']);
    expect(deals[1].slices.flatMap((s) => s.tasks)).toEqual(judges.map((j) => j.id));
    for (const slice of deals[1].slices) {
      const places = new Set(slice.tasks.map((id) => holder.get(`select-${id.split('-').at(-1)}`)));
      expect(new Set(slice.after)).toEqual(new Set(['load-0', ...places]));
    }
  });

  it('deals out again what an amendment dropped and a later one takes back', () => {
    const [load, one, two] = [task('load-0', []), task('a-1', ['load-0']), task('a-2', ['load-0'])];
    const { deals } = dealOut([plan([load, one, two]), plan([load, one]), plan([load, one, two])], 20);
    expect(deals.map((d) => d.own)).toEqual([['load-0', 'a-1', 'a-2'], [], ['a-2']]);
  });
});
