import { describe, expect, it } from 'vitest';
import rankcorr from '../../../plugins/selectors/rankcorr.ts';
import { lacking, panelOn, SETS } from '../../kit/golden-panels.ts';
import { goldenSet } from '../../kit/golden-set.ts';
import { testGoldenAccuracy } from '../../kit/golden-tests.ts';
import { testSelector } from '../../kit/selector.ts';
import { golden, hasShared } from '../../kit/shared-data.ts';
import { tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

testSelector(rankcorr);

describe('selector/rankcorr', () => {
  it('ranks genes for a number', async () => {
    const data = tinyAtlas();
    const given = { params: { tasks: [{ column: 'age', kind: 'regression' }] }, column: 'age', k: 8 };
    expect((await panelOn(rankcorr, { data, split: tinySplit(data) }, given)).genes[0]).toBeLessThan(16);
  });

  it.skipIf(!hasShared).each(SETS)('gives the panel of the reference on %s', async (name, column, k) => {
    const { data, split } = await goldenSet(name);
    const { panel_k: reference } = golden(`${name}/rankcorr.json`).log;
    const ours = await panelOn(rankcorr, { data, split: split(0) }, { column, k });
    expect(lacking(ours, reference.panel)).toEqual([]);
  });

  it.skipIf(!hasShared)("has the wrapper's cut as an option", async () => {
    const { data, split } = await goldenSet('zeisel');
    const reference = golden('zeisel/rankcorr.json').log.markermap_wrapper_panel;
    const given = { column: 'cell_class', k: 50, params: { panel_of: 'markermap-paper' } };
    // Collisions in the hash table move a few genes across the cut.
    expect(lacking(await panelOn(rankcorr, { data, split: split(0) }, given), reference).length).toBeLessThanOrEqual(5);
  });

  testGoldenAccuracy(rankcorr, { method: 'rankcorr|log' });
});
