import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StepContext, StepDefinition } from '../../core/plugin.ts';
import { simulateAtlas } from '../../data/simulate.ts';
import type { Panel, Split } from '../../plugins/contract.ts';
import simulated from '../../plugins/readers/simulated.ts';
import { testContext } from '../kit/tiny-atlas.ts';

// Built code: threads load JavaScript only.
const { default: smash } = (await import(resolve('dist/plugins/selectors/smash.js'))) as { default: StepDefinition };
const data = simulateAtlas(simulated.params.parse({ cells: 1500, genes: 800 }));
const all = Uint32Array.from({ length: 1500 }, (_, i) => i);
const split: Split = { train: all, validation: new Uint32Array(0), test: new Uint32Array(0) };
const params = smash.params.parse({ tasks: [{ column: 'cell_type' }] });
const panel = async (context: StepContext): Promise<Panel> => (await smash.run(context, { data, split }, params)).outputs.panel as Panel;

describe('a forest in threads', () => {
  it('is the same as in none', async () => {
    expect(await panel({ ...testContext({ seed: 2 }), threads: 3 })).toEqual(await panel(testContext({ seed: 2 })));
  });

  it('ends at once when cancelled', async () => {
    const controller = new AbortController();
    const running = panel({ ...testContext({ signal: controller.signal }), threads: 2 });
    setTimeout(() => controller.abort(new Error('cancelled')), 300);
    const start = performance.now();
    await expect(running).rejects.toThrow('cancelled');
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});
