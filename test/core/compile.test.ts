import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { keyText } from '../../core/cache-key.ts';
import { compile } from '../../core/compile.ts';
import type { StepDefinition } from '../../core/plugin.ts';
import { CompileError, Origins } from '../../core/problem.ts';
import { Registry } from '../../core/registry.ts';
import { PipelineDefinition } from '../../schemas/pipeline.ts';
import { Plan } from '../../schemas/plan.ts';

const step = (id: string, rest: Partial<StepDefinition>): StepDefinition => ({
  kind: 'n',
  id,
  version: 1,
  summary: '',
  params: z.strictObject({}),
  inputs: {},
  outputs: { out: 'number' },
  queue: 'cpu',
  seeded: false,
  run: async () => ({ outputs: {} }),
  ...rest,
});
const definitions = [
  step('file', { params: z.strictObject({ path: z.string() }), files: (p) => [p.path as string] }),
  step('files', {
    params: z.strictObject({ pairs: z.array(z.strictObject({ a: z.string(), b: z.string() })) }),
    files: (p) => (p.pairs as { a: string; b: string }[]).flatMap(({ a, b }) => [a, b]),
  }),
  step('plain', { inputs: { in: { type: 'number' } } }),
  step('sized', {
    inputs: { in: { type: 'number' } },
    params: z.strictObject({ k: z.number(), scale: z.number().default(2) }),
    traits: ['sized'],
  }),
  step('seeded', { inputs: { in: { type: 'number' } }, seeded: true }),
  step('sum', { inputs: { all: { type: 'number', many: true } } }),
  step('report', { inputs: { all: { type: 'number', many: true } }, outputs: { files: 'files' } }),
];
const registry = new Registry([
  {
    api: 1,
    name: 'test',
    version: '1',
    contributions: { n: Object.fromEntries(definitions.map((d) => [d.id, async () => ({ default: d })])) },
  },
]);

async function plan(
  definition: unknown,
  params: Record<string, unknown> = {},
  rest: { include?: any[]; exclude?: any[]; resources?: any } = {},
): Promise<Plan> {
  const parsed = PipelineDefinition.parse({ name: 'p', ...(definition as object) });
  const made = await compile({
    definition: parsed,
    run: { name: 'r', params, include: [], exclude: [], resources: {}, ...rest },
    registry,
    origins: new Origins(),
    hashFile: async (path) => ({ path: `/abs/${path}`, sha256: 'a'.repeat(64) }),
    sha256: (text) => createHash('sha256').update(text).digest('hex'),
  });
  expect(Plan.parse(JSON.parse(JSON.stringify(made)))).toEqual(made);
  return made;
}
const count = (made: Plan, name: string): number => made.tasks.filter((t) => t.step === name).length;

const benchmark = {
  params: {
    ks: { type: 'list', of: { type: 'integer' }, default: [1, 2] },
    methods: { type: 'list', of: { type: 'use', kind: 'n' }, default: ['plain', 'sized', 'seeded'] },
  },
  axes: { seed: [0, 1, 2], method: '${{ params.methods }}', k: '${{ params.ks }}' },
  steps: {
    load: { uses: 'n/file', with: { path: 'x' } },
    select: { uses: '${{ axis.method.uses }}', in: { in: 'load.out' }, seed: '${{ axis.seed }}', offer: { k: '${{ axis.k }}' } },
    judge: { uses: 'n/sized', in: { in: 'select.out' }, with: { k: '${{ axis.k }}' } },
    perMethod: { uses: 'n/sum', in: { all: { from: 'judge.out', gather: ['seed'] } } },
    report: { uses: 'n/report', in: { all: { from: 'perMethod.out', gather: 'all' } } },
  },
};

describe('a plan', () => {
  it('computes once what does not depend on an axis', async () => {
    const made = await plan(benchmark);
    expect(made.cells).toBe(18);
    expect(count(made, 'load')).toBe(1);
    // plain: once; sized: once for each k; seeded: once for each seed.
    expect(count(made, 'select')).toBe(1 + 2 + 3);
    // plain and sized judged at 2 ks; seeded at 2 ks x 3 seeds.
    expect(count(made, 'judge')).toBe(2 + 2 + 6);
    expect(count(made, 'perMethod')).toBe(6);
    expect(count(made, 'report')).toBe(1);
  });

  it('writes defaults out, keeps the seed of seeded steps only, and reads files by content', async () => {
    const { tasks } = await plan(benchmark);
    expect(tasks.find((t) => t.uses === 'n/sized')!.params).toEqual({ k: 1, scale: 2 });
    expect(tasks.filter((t) => t.uses === 'n/seeded').map((t) => t.seed)).toEqual([0, 1, 2]);
    expect(tasks.find((t) => t.uses === 'n/plain')!.seed).toBeNull();
    expect(tasks[0]).toMatchObject({ params: { path: '/abs/x' }, files: [{ path: '/abs/x', sha256: 'a'.repeat(64) }] });
  });

  it('finds files at any depth of the params; their content decides the key, not where they lie', async () => {
    const pairs = [
      { a: 'x', b: 'y' },
      { a: 'x', b: 'z' },
    ];
    const [task] = (await plan({ steps: { load: { uses: 'n/files', with: { pairs } } } })).tasks;
    expect(task.params).toEqual({
      pairs: [
        { a: '/abs/x', b: '/abs/y' },
        { a: '/abs/x', b: '/abs/z' },
      ],
    });
    expect(task.files.map((f) => f.path)).toEqual(['/abs/x', '/abs/y', '/abs/z']);
    const moved = JSON.parse(JSON.stringify(task).replaceAll('/abs/', '/elsewhere/'));
    expect(keyText(moved, {})).toBe(keyText(task, {}));
    const changed = { ...task, files: task.files.map((f) => ({ ...f, sha256: 'b'.repeat(64) })) };
    expect(keyText(changed, {})).not.toBe(keyText(task, {}));
  });

  it('names a shared task by the axes that all its cells share', async () => {
    const { tasks } = await plan(benchmark);
    expect(tasks.find((t) => t.uses === 'n/plain')!.label).toBe('method=plain');
    expect(tasks.find((t) => t.uses === 'n/seeded')!.label).toBe('seed=0 method=seeded');
  });

  it('gathers over the axes named and keeps the others', async () => {
    const { tasks } = await plan(benchmark);
    const gathered = tasks.find((t) => t.step === 'perMethod' && t.label === 'method=seeded k=2')!.inputs.all;
    expect('gather' in gathered && gathered.gather.map((g) => g.cell)).toEqual([0, 1, 2].map((seed) => ({ seed, method: 'seeded', k: 2 })));
  });

  it('orders tasks so that each comes after what it needs, whatever the order in the file', async () => {
    const steps = Object.fromEntries(Object.entries(benchmark.steps).toReversed());
    const { tasks } = await plan({ ...benchmark, steps });
    const seen = new Set<string>();
    for (const task of tasks) {
      for (const input of Object.values(task.inputs))
        for (const s of 'gather' in input ? input.gather : [input]) expect(seen.has(s.task)).toBe(true);
      seen.add(task.id);
    }
  });

  it('drops cells by exclude, keeps only those of include, and takes lists in a rule', async () => {
    expect((await plan(benchmark, {}, { exclude: [{ method: 'seeded', seed: [1, 2] }] })).cells).toBe(18 - 4);
    expect((await plan(benchmark, {}, { include: [{ method: 'plain' }, { method: 'sized', k: 2 }] })).cells).toBe(6 + 3);
    expect((await plan(benchmark, {}, { include: [{ method: ['plain', 'sized'], k: [2] }] })).cells).toBe(3 + 3);
    expect(count(await plan(benchmark, {}, { include: [{ method: 'plain' }] }), 'select')).toBe(1);
  });

  it('lets an axis depend on those before it', async () => {
    const made = await plan({
      axes: { k: [1, 3], part: '${{ range(0, axis.k) }}' },
      steps: { a: { uses: 'n/file', with: { path: 'f${{ axis.part }}' } } },
    });
    expect(made.cells).toBe(4);
    expect(count(made, 'a')).toBe(3);
  });

  it('leaves a step out where its condition is false, with what needs it, and lets another output stand in', async () => {
    const made = await plan({
      axes: { k: [1, 2] },
      steps: {
        load: { uses: 'n/file', with: { path: 'x' } },
        twice: { uses: 'n/plain', in: { in: 'load.out' }, when: '${{ axis.k == 2 }}', otherwise: { out: 'load.out' } },
        use: { uses: 'n/sized', in: { in: 'twice.out' }, with: { k: '${{ axis.k }}' } },
        odd: { uses: 'n/plain', in: { in: 'load.out' }, when: '${{ axis.k == 1 }}' },
        afterOdd: { uses: 'n/sized', in: { in: 'odd.out' }, with: { k: '${{ axis.k }}' } },
      },
    });
    expect(made.tasks.filter((t) => t.step === 'use').map((t) => t.inputs.in)).toEqual([
      { task: expect.stringMatching(/^load-[0-9a-f]{12}$/), port: 'out' },
      { task: expect.stringMatching(/^twice-[0-9a-f]{12}$/), port: 'out' },
    ]);
    expect(count(made, 'afterOdd')).toBe(1);
    expect(made.left_out.map((l) => [l.step, l.cells])).toEqual([
      ['odd', 1],
      ['afterOdd', 1],
    ]);
  });

  it('asks a definition for its traits', async () => {
    const made = await plan({
      ...benchmark,
      steps: { ...benchmark.steps, extra: { uses: 'n/plain', in: { in: 'select.out' }, when: "${{ has(axis.method.uses, 'sized') }}" } },
    });
    expect(count(made, 'extra')).toBe(2);
  });

  it('fills resources from step, label, kind/id and step name, the last one winning', async () => {
    const steps = { ...benchmark.steps, load: { ...benchmark.steps.load, labels: ['heavy'], resources: { memory: '1 GB', time: '1h' } } };
    const { tasks } = await plan(
      { ...benchmark, steps },
      {},
      { resources: { 'label:heavy': { memory: '3 GB', queue: 'gpu' }, 'n/file': { memory: '2 GB' }, load: { retries: { crash: 7 } } } },
    );
    expect(tasks[0]).toMatchObject({
      queue: 'gpu',
      memoryBytes: 2 * 2 ** 30,
      timeoutMs: 3_600_000,
      retries: { crash: 7, resource: 4, artifact: 4 },
    });
  });

  it('changes defaults by presets, and the user wins', async () => {
    const definition = {
      params: { protocol: { type: 'string', default: 'a' }, k: { type: 'integer', default: 1 } },
      presets: { protocol: { b: { k: 9 } } },
      steps: { a: { uses: 'n/file', with: { path: '${{ params.k }}!' } } },
    };
    expect((await plan(definition)).params.k).toBe(1);
    expect((await plan(definition, { protocol: 'b' })).params.k).toBe(9);
    expect((await plan(definition, { protocol: 'b', k: 4 })).params.k).toBe(4);
  });

  it('lists all problems at once', async () => {
    const wrong = plan(benchmark, { ks: ['a', 1.5], methods: ['plane'], x: 1 });
    await expect(wrong).rejects.toBeInstanceOf(CompileError);
    await expect(wrong).rejects.toMatchObject({
      code: 'CONFIG',
      problems: [
        { path: ['params', 'x'], onKey: true },
        { path: ['params', 'ks', 0] },
        { path: ['params', 'ks', 1] },
        { path: ['params', 'methods', 0], mend: 'Did you mean "plain"?' },
      ],
    });
  });

  it('of 10,000 cells is made in seconds', async () => {
    const start = performance.now();
    const made = await plan(
      { ...benchmark, axes: { ...benchmark.axes, seed: Array.from({ length: 1000 }, (_, i) => i), k: [1, 2, 3, 4] } },
      { methods: ['plain', 'sized', 'seeded'] },
    );
    expect(made.cells).toBe(12_000);
    expect(performance.now() - start).toBeLessThan(60_000);
  });
});
