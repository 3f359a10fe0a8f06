import { expect, it } from 'vitest';
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
