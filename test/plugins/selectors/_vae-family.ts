import { describe, expect, it } from 'vitest';
import type { StepDefinition } from '../../../core/plugin.ts';
import type { Network, Panel } from '../../../plugins/contract.ts';
import { testGoldenAccuracy } from '../../kit/golden-tests.ts';
import { testSelector } from '../../kit/selector.ts';
import { testContext, tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

/** A member of MarkerMap's family that rebuilds the genes. */
export interface VaeCase {
  /** Params for a quick training. */
  readonly params?: Readonly<Record<string, unknown>>;
  /** Where the paper protocol's search for the learning rate ends. */
  readonly highestRate: number;
  /** The method in eval.json. */
  readonly method: string;
}

/** What all members of MarkerMap's family that rebuild the genes promise. */
export function testVae(step: StepDefinition, { params = {}, highestRate, method }: VaeCase): void {
  const small = { epochs: 10, hidden: 16, batch: 32, ...params };

  testSelector(step, { params: small });

  describe(`selector/${step.id}`, () => {
    const data = tinyAtlas();
    const inputs = { data, split: tinySplit(data) };
    const tasks = 'tasks' in step.params.shape ? { tasks: [{ column: 'type' }] } : {};
    const train = (given: object) => step.run(testContext({ seed: 2 }), inputs, step.params.parse({ k: 8, ...tasks, ...small, ...given }));

    it('learns to rebuild the genes, and gives the network that does', async () => {
      const { panel, model } = (await train({ epochs: 40 })).outputs as { panel: Panel; model: Network };
      const loss = panel.curves!['validation loss'];
      expect(loss.at(-1)).toBeLessThan(loss[0]);
      expect(model.genes).toEqual(panel.names);
      expect(model.heads.at(-1)).toMatchObject({ kind: 'genes', genes: data.var.index });
    });

    it('keeps the published settings under the paper protocol', async () => {
      const { outputs, facts } = await train({ protocol: 'paper', learning_rate: undefined, epochs: 27 });
      expect(facts!.learning_rate).toBeLessThanOrEqual(highestRate);
      expect((outputs.panel as Panel).curves!.temperature.length).toBe(facts!.epochs);
    });

    testGoldenAccuracy(step, { method, splits: 1 });
  });
}
