import { describe, expect, it } from 'vitest';
import { counts } from '../../data/dataset.ts';
import { denseBlock } from '../../data/matrix.ts';
import type { Panel } from '../../plugins/contract.ts';
import cosg from '../../plugins/selectors/cosg.ts';
import rankcorr from '../../plugins/selectors/rankcorr.ts';
import { testContext, tinyAtlas, tinySplit } from '../kit/tiny-atlas.ts';

const data = tinyAtlas();
const split = tinySplit(data);

async function choose(rules: object, step = cosg, given: object = {}): Promise<{ panel: Panel; facts: unknown }> {
  const params = step.params.parse({ tasks: [{ column: 'type' }], panel: rules, ...given });
  const { outputs, facts } = await step.run(testContext(), { data, split }, params);
  return { panel: outputs.panel as Panel, facts };
}

describe('the rules of a panel', () => {
  it('keep genes out by their mean count over the learning cells', async () => {
    const learning = Uint32Array.from([...split.train, ...split.validation]).sort();
    const genes = Uint32Array.from({ length: data.X.cols }, (_, j) => j);
    const block = denseBlock(counts(data, 'test'), learning, genes).data;
    const means = Array.from(genes, (j) => learning.reduce((sum, _, r) => sum + block[r * genes.length + j], 0) / learning.length);
    const { panel, facts } = await choose({ max_mean: 2, min_mean: 0.5 });
    const allowed = Array.from(genes).filter((j) => means[j] <= 2 && means[j] >= 0.5);
    expect([...panel.genes].sort((a, b) => a - b)).toEqual(allowed);
    expect(facts).toMatchObject({ genes_excluded: genes.length - allowed.length });
  });

  it('learn from at most so many cells of each class', async () => {
    const { facts } = await choose({ balance: { column: 'type', cells_per_class: 10 } });
    const unlabelled = [...split.train, ...split.validation].filter((i) => [7, 37, 67, 97, 127, 157].includes(i)).length;
    expect(facts).toMatchObject({ learning_cells: 30 + unlabelled });
  });

  it('name the gene that is not there, and those most like it', async () => {
    await expect(choose({ must_include: ['gene1000'] })).rejects.toThrow('There is no gene "gene1000"');
    await expect(choose({ must_include: ['gnee12'] })).rejects.toMatchObject({ mend: expect.stringContaining('gene12') });
  });

  it('refuse what cannot be', async () => {
    await expect(choose({ must_include: ['gene1'], exclude: ['gene1'] })).rejects.toThrow('both');
    await expect(choose({ must_include: ['gene1', 'gene2', 'gene3'] }, rankcorr, { k: 2 })).rejects.toThrow('more than k = 2');
    await expect(choose({ exclude_prefix: ['gene'] }, rankcorr, { k: 2 })).rejects.toThrow('k = 2 is more than the 0 genes');
    await expect(choose({ balance: { column: 'typ', cells_per_class: 10 } })).rejects.toMatchObject({
      mend: expect.stringContaining('type'),
    });
  });

  it('may fill the whole panel', async () => {
    const { panel } = await choose({ must_include: ['gene5', 'gene4'] }, rankcorr, { k: 2 });
    expect(panel.names).toEqual(['gene5', 'gene4']);
  });
});
