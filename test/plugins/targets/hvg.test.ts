import { describe, expect, it } from 'vitest';
import type { Targets } from '../../../plugins/spatial-contract.ts';
import hvg from '../../../plugins/targets/hvg.ts';
import { testContext, tinyAtlas } from '../../kit/tiny-atlas.ts';

const choose = async (params: object, { data = tinyAtlas(), seed = 0 } = {}): Promise<Targets> =>
  (await hvg.run(testContext({ seed }), { data }, hvg.params.parse(params))).outputs.targets as Targets;

describe('target/hvg', () => {
  it('puts every gene on one side', async () => {
    const { primary, auxiliary } = await choose({ count: 8 });
    expect([primary.length, auxiliary.length]).toEqual([8, 32]);
    expect(new Set([...primary, ...auxiliary]).size).toBe(40);
  });

  it('takes the most variable genes first', async () => {
    const data = tinyAtlas();
    const { primary, auxiliary } = await choose({ count: 8 }, { data });
    const { hvgRanking } = await import('../../../stats/hvg.ts');
    expect([...primary, ...auxiliary]).toEqual([...hvgRanking({ log: data.X }, { flavor: 'seurat' }).order]);
  });

  it('takes genes by name in the order given, each once', async () => {
    const { primary, auxiliary } = await choose({ genes: ['gene7', 'gene3', 'gene7'] });
    expect([...primary]).toEqual([7, 3]);
    expect(auxiliary.length).toBe(38);
  });

  it('names all unknown genes at once, with the nearest names', async () => {
    const wrong = choose({ genes: ['gene1', 'Gene2', 'gen3'] });
    await expect(wrong).rejects.toMatchObject({ code: 'DATA', context: { unknown: 2 }, mend: 'Did you mean gene2, gene3?' });
    await expect(wrong).rejects.toThrow('Gene2, gen3');
  });

  it('ranks the auxiliary genes by chance when asked to, by seed', async () => {
    const [a, b, ranked] = [
      await choose({ count: 8, order: 'random' }),
      await choose({ count: 8, order: 'random' }, { seed: 1 }),
      await choose({ count: 8 }),
    ];
    expect(a.primary).toEqual(ranked.primary);
    expect(a.auxiliary).not.toEqual(ranked.auxiliary);
    expect(a.auxiliary).not.toEqual(b.auxiliary);
    expect(a.auxiliary.slice().sort()).toEqual(ranked.auxiliary.slice().sort());
  });

  it('puts genes without a dispersion last', async () => {
    const data = tinyAtlas();
    if (data.X.kind !== 'csr') throw new Error('sparse expected');
    const { indices } = data.X;
    const silent = { ...data, X: { ...data.X, data: data.X.data.map((x, p) => (indices[p] === 0 ? 0 : x)) } };
    const { primary, auxiliary } = await choose({ count: 8 }, { data: silent });
    expect(primary).not.toContain(0);
    expect(auxiliary.at(-1)).toBe(0);
  });

  it('refuses counts, and more primary genes than there are', async () => {
    await expect(choose({}, { data: { ...tinyAtlas(), scale: 'counts' } })).rejects.toMatchObject({ code: 'DATA' });
    await expect(choose({ count: 40 })).rejects.toMatchObject({ code: 'DATA', context: { count: 40, genes: 40 } });
  });
});
