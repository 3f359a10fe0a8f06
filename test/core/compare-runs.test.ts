import { describe, expect, it } from 'vitest';
import { compareRuns, type MetricValue, type RunSide } from '../../core/compare-runs.ts';
import { metricsIn } from '../../runs/compare.ts';
import { readTable } from '../../runs/published.ts';
import type { Plan, PlannedTask } from '../../schemas/plan.ts';
import type { Environment, TaskRecord } from '../../schemas/run.ts';

type Outputs = Record<string, string>;

/** Tasks in a row, each of which needs the one before; outputs by task. */
function side(run: string, outputs: Outputs, more: Partial<RunSide> & { readonly key?: string } = {}): RunSide {
  const names = Object.keys(outputs);
  const tasks = names.map(
    (step, i) =>
      ({
        id: `${step}-${run}`,
        step,
        label: '',
        inputs: i === 0 ? {} : { in: { task: `${names[i - 1]}-${run}`, port: 'out' } },
      }) as unknown as PlannedTask,
  );
  const records = new Map(
    tasks.flatMap(({ id, step }): [string, TaskRecord][] =>
      outputs[step] === ''
        ? []
        : [
            [
              id,
              {
                task: id,
                status: 'COMPLETED',
                key: `${more.key ?? ''}${step}`,
                outputs: { out: { sha256: outputs[step], bytes: 1, type: 'x' } },
              } as unknown as TaskRecord,
            ],
          ],
    ),
  );
  return { run, plan: { tasks, plugins: {} } as unknown as Plan, records, hosts: [], metrics: new Map(), ...more };
}

const values = (...rows: [seed: number, value: number][]): Map<string, MetricValue> =>
  new Map(rows.map(([seed, value]) => [`k=8 seed=${seed} metric=accuracy`, { metric: 'accuracy', group: 'k=8 metric=accuracy', value }]));
const none = new Map<string, string>();
const same = { read: 'a', select: 'b', judge: 'c' };

describe('two runs', () => {
  it('are identical when every output is', () => {
    const found = compareRuns(side('one', same), side('two', same), { keyText: none });
    expect(found).toMatchObject({ verdict: 'identical', tasks: { same: 3, differ: 0, missing: 0, extra: 0, undone: 0 }, roots: [] });
  });

  it('differ first where the inputs are still the same, and later steps are not blamed', () => {
    const keyText = new Map([
      ['select', JSON.stringify({ uses: 'selector/x', version: 1, params: { k: 8 }, seed: 0, inputs: {} })],
      ['newselect', JSON.stringify({ uses: 'selector/x', version: 2, params: { k: 9 }, seed: 0, inputs: {} })],
    ]);
    const found = compareRuns(side('one', same), side('two', { read: 'a', select: 'B', judge: 'C' }, { key: 'new' }), { keyText });
    expect(found.roots).toEqual([{ task: 'select', step: 'select', why: ['version 1 -> 2', 'params.k: 8 -> 9'] }]);
    expect(found.verdict).toBe('drifted');
    expect(found.summary).toContain('The first step whose output differs is select: version 1 -> 2; params.k: 8 -> 9.');
  });

  it('are within tolerance when every metric lies within two deviations over the seeds of the baseline', () => {
    const other = { ...same, judge: 'C' };
    const baseline = side('one', same, { metrics: values([0, 0.9], [1, 0.92]) });
    const judge = (metrics: RunSide['metrics'], tolerances?: object): string =>
      compareRuns(baseline, side('two', other, { metrics }), { keyText: none, ...(tolerances ? { tolerances: tolerances as never } : {}) })
        .verdict;
    // The deviation of 0.90 and 0.92 is 0.0141.
    expect(judge(values([0, 0.9 + 0.028], [1, 0.92]))).toBe('within tolerance');
    expect(judge(values([0, 0.9 + 0.029], [1, 0.92]))).toBe('drifted');
    expect(judge(values([0, 0.905], [1, 0.92]), { deviations: 2, least: 0.005, metrics: { accuracy: 0.004 } })).toBe('drifted');
    expect(judge(values([0, 0.9]))).toBe('drifted');
    expect(judge(values([0, Number.NaN], [1, 0.92]))).toBe('drifted');
  });

  it('have drifted when something of the baseline is missing or was not done, whatever the metrics say', () => {
    expect(compareRuns(side('one', same), side('two', { read: 'a', select: 'b' }), { keyText: none })).toMatchObject({
      verdict: 'drifted',
      tasks: { missing: 1 },
    });
    const failed = compareRuns(side('one', same), side('two', { ...same, judge: '' }), { keyText: none });
    expect(failed).toMatchObject({ verdict: 'drifted', tasks: { undone: 1 }, roots: [{ task: 'judge' }] });
  });

  it('are shown with what differs around them', () => {
    const host = {
      panelflow: '1',
      node: 'v20',
      tensorflow: '2.18',
      system: 's',
      cpu: 'c',
      cores: 2,
      memory_bytes: 1,
      gpus: 'none',
    } satisfies Environment;
    const found = compareRuns(side('one', same, { hosts: [host] }), side('two', same, { hosts: [{ ...host, tensorflow: '2.19' }, host] }), {
      keyText: none,
    });
    expect(found.surroundings).toEqual([{ what: 'tensorflow', baseline: '2.18', run: '2.18 and 2.19' }]);
  });

  it('are compared by the values of their metrics table', () => {
    const read = metricsIn(readTable('selector,k,seed,task,evaluator,metric,value\nyoto,8,0,,knn,accuracy,0.9\nyoto,8,1,,knn,accuracy,\n'));
    expect([...read]).toEqual([
      [
        'selector=yoto k=8 seed=0 evaluator=knn metric=accuracy',
        { metric: 'accuracy', group: 'selector=yoto k=8 evaluator=knn metric=accuracy', value: 0.9 },
      ],
      [
        'selector=yoto k=8 seed=1 evaluator=knn metric=accuracy',
        { metric: 'accuracy', group: 'selector=yoto k=8 evaluator=knn metric=accuracy', value: Number.NaN },
      ],
    ]);
  });
});
