import { describe, expect, it } from 'vitest';
import type { Panel } from '../../../plugins/contract.ts';
import lassonet from '../../../plugins/selectors/lassonet.ts';
import { testGoldenAccuracy } from '../../kit/golden-tests.ts';
import { testSelector } from '../../kit/selector.ts';
import { MARKERS, testContext, tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

const small = { hidden: 8, dense_epochs: 40, point_epochs: 5, path_step: 1.08, learning_rate: 1e-2 };

testSelector(lassonet, { params: small });

describe('selector/lassonet', () => {
  const data = tinyAtlas();
  const split = tinySplit(data);
  const select = async (given: object): Promise<Panel> =>
    (
      await lassonet.run(
        testContext({ seed: 1 }),
        { data, split },
        lassonet.params.parse({ k: 8, tasks: [{ column: 'type' }], ...small, ...given }),
      )
    ).outputs.panel as Panel;

  it.each(['clean', 'paper'])('finds markers (%s)', async (protocol) => {
    const { genes, scores, curves } = await select({ protocol });
    expect([...genes].filter((j) => MARKERS.includes(j)).length).toBeGreaterThanOrEqual(7);
    expect([...scores].every((score, i) => i === 0 || score <= scores[i - 1])).toBe(true);
    expect(curves!.genes.at(-1)).toBeLessThanOrEqual(protocol === 'paper' ? 0 : 8);
  });

  testGoldenAccuracy(lassonet, { method: 'lassonet' });
});
