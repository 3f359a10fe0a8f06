import { describe, expect, it } from 'vitest';
import smash from '../../../plugins/selectors/smash.ts';
import { lacking, panelOn, SETS } from '../../kit/golden-panels.ts';
import { goldenSet } from '../../kit/golden-set.ts';
import { testGoldenAccuracy } from '../../kit/golden-tests.ts';
import { testSelector } from '../../kit/selector.ts';
import { golden, hasShared } from '../../kit/shared-data.ts';
import { tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

testSelector(smash, { params: { trees: 20 } });

describe('selector/smash', () => {
  it('ranks genes for a number', async () => {
    const data = tinyAtlas();
    const given = { params: { tasks: [{ column: 'age', kind: 'regression' }] }, column: 'age', k: 8 };
    expect((await panelOn(smash, { data, split: tinySplit(data) }, given)).genes[0]).toBeLessThan(16);
  });

  // The reference's own seeds share 25 to 33 of 50 genes with each other on Zeisel (scikit-learn 1.9.1, random_state 42, 0, 1, 2).
  it.skipIf(!hasShared).each(SETS)('shares as many genes with the reference on %s as its own seeds do', async (name, column, k) => {
    const { data, split } = await goldenSet(name);
    const { panel } = golden(`${name}/smash.json`)[0];
    const ours = await panelOn(smash, { data, split: split(0) }, { column, k });
    expect(k - lacking(ours, panel).length).toBeGreaterThanOrEqual(25);
  });

  testGoldenAccuracy(smash, { method: 'smash-rf' });
});
