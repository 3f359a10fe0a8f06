import { describe, expect, it } from 'vitest';
import hsicLasso from '../../../plugins/selectors/hsic-lasso.ts';
import type { Panel } from '../../../plugins/contract.ts';
import { panelOn, SETS } from '../../kit/golden-panels.ts';
import { goldenSet } from '../../kit/golden-set.ts';
import { testGoldenAccuracy } from '../../kit/golden-tests.ts';
import { farthest } from '../../kit/near.ts';
import { testSelector } from '../../kit/selector.ts';
import { golden, hasShared } from '../../kit/shared-data.ts';
import { testContext, tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

testSelector(hsicLasso);

describe('selector/hsic-lasso', () => {
  it('ranks genes for a number', async () => {
    const data = tinyAtlas();
    const given = { params: { tasks: [{ column: 'age', kind: 'regression' }] }, column: 'age', k: 8 };
    expect((await panelOn(hsicLasso, { data, split: tinySplit(data) }, given)).genes[0]).toBeLessThan(16);
  });

  it('ranks all genes when asked to, those without weight by relevance', async () => {
    const data = tinyAtlas();
    const params = hsicLasso.params.parse({ k: 40, tasks: [{ column: 'type' }] });
    const { outputs, facts } = await hsicLasso.run(testContext(), { data, split: tinySplit(data) }, params);
    const panel = outputs.panel as Panel;
    expect(new Set(panel.genes).size).toBe(40);
    expect(facts!.with_weight).toBe(panel.scores.filter((b) => b > 0).length);
    expect(Number(facts!.with_weight) + Number(facts!.filled_by_relevance)).toBe(40);
  });

  it('tells what it needs before it starts', async () => {
    const data = tinyAtlas();
    const params = hsicLasso.params.parse({ k: 8, tasks: [{ column: 'type' }], block: 100 });
    const run = hsicLasso.run(testContext({ memoryBytes: 1e6 }), { data, split: tinySplit(data) }, params);
    await expect(run).rejects.toMatchObject({ code: 'RESOURCE' });
  });

  it.skipIf(!hasShared).each(SETS)('gives the panels and the weights of the reference on %s', async (name, column, k) => {
    const { data, split } = await goldenSet(name);
    const reference = golden(`${name}/hsic.json`);
    for (const key of Object.keys(reference).filter((word) => word !== 'meta')) {
      const [, block, permutations] = /B=(\d+),M=(\d)/.exec(key)!.map(Number);
      const params = { block, permutations };
      const panel = await panelOn(hsicLasso, { data, split: split(0) }, { column, k, params });
      expect([...panel.genes], key).toEqual(reference[key].panel);
      // The reference's kernels are in single precision throughout.
      expect(farthest(panel.scores, reference[key].beta), key).toBeLessThan(2e-3);
    }
  });

  testGoldenAccuracy(hsicLasso, { method: 'hsic:B=5,M=3' });
});
