import { describe, expect, it } from 'vitest';
import type { Panel } from '../../../plugins/contract.ts';
import globalGumbel from '../../../plugins/selectors/global-gumbel-vae.ts';
import { testGoldenAccuracy } from '../../kit/golden-tests.ts';
import { testSelector } from '../../kit/selector.ts';
import { testTraining } from '../../kit/training.ts';
import { testContext, tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

const small = { epochs: 10, hidden: 16, batch: 32 };

testSelector(globalGumbel, { params: small });

describe('selector/global-gumbel-vae', () => {
  const data = tinyAtlas();
  const split = tinySplit(data);

  testTraining(globalGumbel, { data, split }, globalGumbel.params.parse({ k: 8, ...small, epochs: 8 }));

  const train = (params: object) =>
    globalGumbel.run(testContext({ seed: 2 }), { data, split }, globalGumbel.params.parse({ k: 8, ...small, ...params }));

  it('learns to rebuild the genes, and gives the network that does', async () => {
    const { panel, model } = (await train({ epochs: 40 })).outputs as Record<string, any>;
    const loss = (panel as Panel).curves!['validation loss'];
    expect(loss.at(-1)).toBeLessThan(loss[0]);
    expect(model.genes).toEqual(panel.names);
    expect(model.heads.at(-1)).toMatchObject({ kind: 'genes', genes: data.var.index });
  });

  it('keeps the published settings under the paper protocol', async () => {
    const { outputs, facts } = await train({ protocol: 'paper', epochs: 27 });
    expect(facts!.learning_rate).toBeLessThanOrEqual(1e-5);
    expect((outputs.panel as Panel).curves!.temperature.length).toBe(facts!.epochs);
  });

  testGoldenAccuracy(globalGumbel, { method: 'markermap:globalgate', splits: 1 }, 600_000);
});
