import { describe, expect, it } from 'vitest';
import { adapt } from '../../core/adaptive.ts';
import { PipelineDefinition } from '../../schemas/pipeline.ts';
import type { PlannedTask } from '../../schemas/plan.ts';

const task = (id: string, cell: PlannedTask['cell'], uses: string, from?: string): PlannedTask =>
  ({ id, step: id.split('-')[0], cell, uses, inputs: from ? { panel: { task: from, port: 'panel' } } : {} }) as unknown as PlannedTask;

const methods = ['a', 'b', 'c'];
const seeds = [5, 6, 7, 8];
const trials = seeds.flatMap((seed) => methods.map((selector) => task(`select-${selector}${seed}`, { seed, selector, k: 8 }, 's/x')));
const plan = [
  ...trials,
  ...trials.map((t) => task(t.id.replace('select', 'evaluate'), { ...t.cell, evaluator: 'forest' }, 'evaluator/forest', t.id)),
  ...trials.map((t) => task(t.id.replace('select', 'evaluate-knn'), { ...t.cell, evaluator: 'knn' }, 'evaluator/knn', t.id)),
];
const scope = { names: { params: {} }, has: () => false, about: () => ({ summary: '', cites: [] }) };
const adapted = (rules: unknown, more: object = {}): PlannedTask[] =>
  adapt(
    plan,
    PipelineDefinition.parse({
      name: 'p',
      steps: {},
      adaptive: { when: true, step: 'select', along: 'selector', over: 'seed', judge: 'evaluate', metric: 'accuracy', rules },
      ...more,
    }),
    scope,
  );

describe('adaptive seeds', () => {
  it('make a task at a further seed depend on the judges of all rivals at the seeds before', () => {
    const tasks = adapted({ after: 2, by: { uses: 'evaluator/forest' } });
    const of = (id: string): PlannedTask => tasks.find((t) => t.id === id)!;
    expect(of('select-b6').undecided).toBeUndefined();
    expect(of('select-b8').undecided).toEqual({
      own: 1,
      rivals: methods.map((m) => [5, 6, 7].map((seed) => [`evaluate-${m}${seed}`])),
      critical: [12.706, 4.303],
      bracket: 'evaluate-a5',
    });
    expect(of('evaluate-a5').score).toBe('accuracy');
    expect(of('evaluate-knn-a5').score).toBeUndefined();
  });

  it('change nothing where there are no further seeds, and refuse what makes no sense', () => {
    expect(adapted({ after: 4 })).toEqual(plan);
    expect(() => adapted({ after: 1 })).toThrow(/adaptive.after is 1/);
    const halving = { when: true, step: 'select', along: 'selector', judge: 'judge', metric: 'accuracy', rules: {} };
    expect(() => adapted({ after: 2 }, { halving })).toThrow(/either a halving or adaptive seeds/);
  });
});
