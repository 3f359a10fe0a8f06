import { describe, expect, it } from 'vitest';
import mrmrRf from '../../../plugins/selectors/mrmr-rf.ts';
import { lacking, panelOn, SETS } from '../../kit/golden-panels.ts';
import { goldenSet } from '../../kit/golden-set.ts';
import { testGoldenAccuracy } from '../../kit/golden-tests.ts';
import { testSelector } from '../../kit/selector.ts';
import { golden, hasShared } from '../../kit/shared-data.ts';
import { tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

testSelector(mrmrRf, { params: { trees: 20 } });

describe('selector/mrmr-rf', () => {
  it('ranks genes for a number', async () => {
    const data = tinyAtlas();
    const given = { params: { tasks: [{ column: 'age', kind: 'regression' }] }, column: 'age', k: 8 };
    expect((await panelOn(mrmrRf, { data, split: tinySplit(data) }, given)).genes[0]).toBeLessThan(16);
  });

  it.skipIf(!hasShared).each(SETS)('shares genes with the reference on %s', async (name, column, k) => {
    const { data, split } = await goldenSet(name);
    const { panel } = golden(`${name}/mrmr.json`)[0].rf;
    const ours = await panelOn(mrmrRf, { data, split: split(0) }, { column, k });
    expect(k - lacking(ours, panel).length).toBeGreaterThanOrEqual(20);
  });

  testGoldenAccuracy(mrmrRf, { method: 'mrmr-rf' });
});
