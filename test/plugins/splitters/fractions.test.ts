import { expect, test } from 'vitest';
import fractions from '../../../plugins/splitters/fractions.ts';
import { testSplitter } from '../../kit/splitter.ts';
import { testContext, tinyAtlas } from '../../kit/tiny-atlas.ts';

testSplitter(fractions, { params: { train: 0.7, validation: 0.1, test: 0.2 } });

const split = async (params: object, seed = 0): Promise<{ train: Uint32Array; validation: Uint32Array; test: Uint32Array }> =>
  (await fractions.run(testContext({ seed }), { data: tinyAtlas() }, fractions.params.parse({ tasks: [{ column: 'type' }], ...params })))
    .outputs.split as any;

test('gives other parts for another seed', async () => {
  expect((await split({}, 1)).test).not.toEqual((await split({}, 2)).test);
});

test('keeps the shares within each class and among cells without a label', async () => {
  const { obs } = tinyAtlas();
  const type = obs.columns.type;
  const { test: held } = await split({ train: 0.7, validation: 0.1, test: 0.2 });
  for (const code of [-1, 0, 1, 2]) {
    const all = type.kind === 'category' ? type.codes.filter((c) => c === code).length : 0;
    const there = [...held].filter((i) => type.kind === 'category' && type.codes[i] === code).length;
    expect(Math.abs(there - 0.2 * all)).toBeLessThanOrEqual(1);
  }
});

test('the test part is the rest unless told', async () => {
  const { train, validation, test: held } = await split({ train: 0.6 });
  expect([train.length + held.length, validation.length]).toEqual([180, 0]);
  expect(held.length).toBe(72);
});

test('refuses shares that pass 1, before anything runs', () => {
  const { error } = fractions.params.safeParse({ train: 0.9, test: 0.3 });
  expect(error?.issues[0]).toMatchObject({ path: ['test'], message: 'train + validation + test is 1.2; it must not pass 1' });
  expect(fractions.params.safeParse({ train: 0.9, validation: 0.1 }).error?.issues[0].message).toContain('nothing is left for test');
  expect(fractions.params.safeParse({ train: 0 }).success).toBe(false);
});

test('says so when cells belong to no part, and when it cannot stratify', async () => {
  const lines: string[] = [];
  const context = testContext({ log: (line) => lines.push(line) });
  await fractions.run(
    context,
    { data: tinyAtlas() },
    fractions.params.parse({ train: 0.5, test: 0.2, tasks: [{ column: 'age', kind: 'regression' }] }),
  );
  expect(lines.join('\n')).toMatch(/regression task[\s\S]*belong to no part/);
});
