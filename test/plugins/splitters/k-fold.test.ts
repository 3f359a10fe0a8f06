import { expect, test } from 'vitest';
import kFold from '../../../plugins/splitters/k-fold.ts';
import { testSplitter } from '../../kit/splitter.ts';
import { testContext, tinyAtlas } from '../../kit/tiny-atlas.ts';

testSplitter(kFold);

test('every cell is tested once, and validated by the fold before', async () => {
  const data = tinyAtlas();
  const folds = await Promise.all(
    [0, 1, 2, 3, 4].map(
      async (fold) =>
        (await kFold.run(testContext({ seed: 9 }), { data }, kFold.params.parse({ fold, tasks: [{ column: 'type' }] }))).outputs.split as {
          train: Uint32Array;
          validation: Uint32Array;
          test: Uint32Array;
        },
    ),
  );
  expect(new Set(folds.flatMap((f) => [...f.test])).size).toBe(180);
  folds.forEach((f, i) => expect(f.validation).toEqual(folds[(i + 1) % 5].test));
  for (const f of folds) expect([f.train.length, f.validation.length, f.test.length]).toEqual([108, 36, 36]);
});

test('refuses a fold that is not there, and two folds with validation', () => {
  expect(kFold.params.safeParse({ folds: 5, fold: 5 }).error?.issues[0].message).toContain('0 to 4');
  expect(kFold.params.safeParse({ folds: 2 }).success).toBe(false);
  expect(kFold.params.safeParse({ folds: 2, validation: false }).success).toBe(true);
});
