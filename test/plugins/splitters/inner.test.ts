import { expect, it } from 'vitest';
import type { Split } from '../../../plugins/contract.ts';
import inner from '../../../plugins/splitters/inner.ts';
import { testContext, tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

it('learns from train cells only, judges on validation cells, and shows nobody the test cells', async () => {
  const split = tinySplit(tinyAtlas());
  const { learn, judge } = (await inner.run(testContext(), { split }, {})).outputs as Record<string, Split>;
  expect(learn).toEqual({ ...split, validation: new Uint32Array(0) });
  expect(judge).toEqual({ train: split.train, validation: new Uint32Array(0), test: split.validation });
});

it('refuses a split without a validation part', async () => {
  const split = { ...tinySplit(tinyAtlas()), validation: new Uint32Array(0) };
  await expect(inner.run(testContext(), { split }, {})).rejects.toThrow(/validation cells, and the split has none/);
});
