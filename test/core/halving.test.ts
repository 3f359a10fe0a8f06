import { describe, expect, it } from 'vitest';
import { halve } from '../../core/halving.ts';
import { PipelineDefinition } from '../../schemas/pipeline.ts';
import type { PlannedTask } from '../../schemas/plan.ts';

const task = (id: string, cell: PlannedTask['cell'], uses: string, from?: string): PlannedTask =>
  ({
    id,
    step: id.split('-')[0],
    label: id,
    cell,
    uses,
    version: 1,
    params: {},
    inputs: from ? { panel: { task: from, port: 'panel' } } : {},
  }) as unknown as PlannedTask;

const methods = ['swift', 'slow', 'plain', 'third'];
const trials = [0, 1].flatMap((seed) =>
  methods.map((selector) => task(`select-${selector}${seed}`, { seed, selector }, `selector/${selector}`)),
);
const plan = [
  ...trials,
  ...trials.map((t) => task(t.id.replace('select', 'judge'), t.cell, 'evaluator/knn', t.id)),
  ...trials.map((t) => task(t.id.replace('select', 'evaluate'), t.cell, 'evaluator/forest', t.id)),
];
const world = {
  scope: { names: { params: {} }, has: () => false, about: () => ({ summary: '', cites: [] }) },
  definitionOf: (uses: string) => ({ traits: uses === 'selector/plain' ? [] : ['anytime'] }) as never,
  sha256: (text: string) => Buffer.from(text).toString('hex').padEnd(12, '0').split('').toReversed().join(''),
};
const halved = (rules: unknown, when = true): PlannedTask[] =>
  halve(
    plan,
    PipelineDefinition.parse({
      name: 'p',
      steps: {},
      halving: { when, step: 'select', along: 'selector', judge: 'judge', metric: 'accuracy', rules },
    }),
    world,
  );

describe('a halving', () => {
  const tasks = halved({ eta: 3, fractions: [0.1, 0.3] });
  const of = (id: string): PlannedTask => tasks.find((t) => t.id === id)!;

  it('trains each rival to each fraction, judged there, and then to the end', () => {
    const own = tasks.filter((t) => t.step === 'select' && t.cell.selector === 'swift' && t.cell.seed === 0);
    expect(own.map((t) => t.until)).toEqual([0.1, 0.3, undefined]);
    expect(own.at(-1)!.id).toBe('select-swift0');
    const judges = tasks.filter((t) => t.step === 'judge' && t.cell.seed === 0);
    expect(judges).toHaveLength(6);
    expect(judges.every((j) => j.score === 'accuracy')).toBe(true);
    expect(new Set(tasks.map((t) => t.id)).size).toBe(tasks.length);
  });

  it('opens the way to the next rung to the best of those that differ along the axis alone', () => {
    const { gate } = of('select-swift1');
    const rivals = gate!.rivals.map((id) => of(id));
    expect(rivals.map((r) => [r.cell.seed, r.cell.selector])).toEqual([
      [1, 'swift'],
      [1, 'slow'],
      [1, 'third'],
    ]);
    expect(rivals.every((r) => r.label.endsWith('to=0.3'))).toBe(true);
    expect(of(gate!.own).cell.selector).toBe('swift');
    expect(gate!.eta).toBe(3);
  });

  it('leaves alone what cannot stop on the way, and a plan that asks for none', () => {
    expect(of('select-plain0')).toEqual(plan.find((t) => t.id === 'select-plain0'));
    expect(halved({}, false)).toBe(plan);
  });

  it('refuses rules that make no sense', () => {
    expect(() => halved({ eta: 1, fractions: [0.5] })).toThrow(/halving.eta is 1/);
    expect(() => halved({ eta: 3, fractions: [0.5, 0.2] })).toThrow(/halving.fractions/);
    expect(() => halved({ eta: 3, fractions: [] })).toThrow(/halving.fractions/);
  });
});
