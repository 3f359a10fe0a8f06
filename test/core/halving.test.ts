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
const halved = (rules: unknown, when = true, over = ['seed']): PlannedTask[] =>
  halve(
    plan,
    PipelineDefinition.parse({
      name: 'p',
      steps: {},
      halving: { when, step: 'select', along: 'selector', over, judge: 'judge', metric: 'accuracy', rules },
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

  it('opens the way to the next rung to the best, by the mean over the axes that it is told', () => {
    const { gate } = of('select-swift1');
    const cells = gate!.rivals.map((judges) =>
      judges.map((id) => [of(id).cell.selector, of(id).cell.seed, of(id).label.endsWith('to=0.3')]),
    );
    expect(cells).toEqual([
      [
        ['swift', 0, true],
        ['swift', 1, true],
      ],
      [
        ['slow', 0, true],
        ['slow', 1, true],
      ],
      [
        ['third', 0, true],
        ['third', 1, true],
      ],
    ]);
    expect(gate).toMatchObject({ own: 0, eta: 3 });
    const apart = halved({ eta: 3, fractions: [0.1] }, true, []).find((t) => t.id === 'select-swift1')!.gate!;
    expect(apart.rivals.map((judges) => judges.length)).toEqual([1, 1, 1]);
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
