import { expect, it } from 'vitest';
import { takeGenes } from '../../../data/dataset.ts';
import random from '../../../plugins/selectors/random.ts';
import { testSelector } from '../../kit/selector.ts';
import { testContext, tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

testSelector(random);

it('gives another order for another seed', async () => {
  const data = tinyAtlas();
  const inputs = { data, split: tinySplit(data) };
  const order = async (seed: number): Promise<Uint32Array> =>
    ((await random.run(testContext({ seed }), inputs, {})).outputs.panel as { genes: Uint32Array }).genes;
  expect(await order(0)).not.toEqual(await order(1));
});

it('keeps the order of the genes that a filter leaves', async () => {
  const data = tinyAtlas();
  const names = async (d: typeof data): Promise<readonly string[]> =>
    ((await random.run(testContext({ seed: 3 }), { data: d, split: tinySplit(d) }, {})).outputs.panel as { names: readonly string[] })
      .names;
  const kept = takeGenes(
    data,
    data.var.index.flatMap((_, j) => (j % 2 === 0 ? [j] : [])),
  );
  const some = new Set(kept.var.index);
  expect(await names(kept)).toEqual((await names(data)).filter((name) => some.has(name)));
});

it('draws every gene about as often as any other', async () => {
  const data = tinyAtlas();
  const count = new Map<string, number>();
  for (let seed = 0; seed < 400; seed++) {
    const { panel } = (await random.run(testContext({ seed }), { data, split: tinySplit(data) }, {})).outputs as {
      panel: { names: readonly string[] };
    };
    for (const name of panel.names.slice(0, 10)) count.set(name, (count.get(name) ?? 0) + 1);
  }
  const expected = (400 * 10) / data.var.index.length;
  const chi2 = data.var.index.reduce((sum, name) => sum + ((count.get(name) ?? 0) - expected) ** 2 / expected, 0);
  const df = data.var.index.length - 1;
  expect(chi2).toBeLessThan(df + 4 * Math.sqrt(2 * df));
});
