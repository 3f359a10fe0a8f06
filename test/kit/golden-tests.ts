import { expect, it } from 'vitest';
import type { StepDefinition } from '../../core/plugin.ts';
import { loadBackend } from '../../tensor/backend.ts';
import { type AccuracyCase, comparedAccuracy, lacking, panelOn, SETS } from './golden-panels.ts';
import { goldenSet } from './golden-set.ts';
import { golden, hasShared } from './shared-data.ts';

/** One test for each reference set: on all golden splits, the panel is that of panels.json under this key. */
export function testGoldenPanels(step: StepDefinition, key: string): void {
  it.skipIf(!hasShared).each(SETS)('gives the panels of the reference on %s', async (name, column, k) => {
    const { data, split } = await goldenSet(name);
    const reference = golden(`${name}/panels.json`);
    for (const seed of [0, 1, 2]) {
      const panel = await panelOn(step, { data, split: split(seed) }, { column, k });
      expect(lacking(panel, reference[seed][key].panel), `${key}, seed ${seed}`).toEqual([]);
    }
  });
}

/** A test: on Zeisel, panels of 50 genes reach the reference's accuracy, less half a point. Trained ones need the native backend. */
export function testGoldenAccuracy(step: StepDefinition, given: AccuracyCase, timeout = 60_000): void {
  it.skipIf(!hasShared)(
    `comes within half a point of the reference's accuracy on Zeisel (${given.method})`,
    async ({ skip }) => {
      if (step.queue === 'gpu' && (await loadBackend()).name !== 'tensorflow') skip();
      const { knn, forest } = await comparedAccuracy(step, 'zeisel', given);
      for (const [evaluator, { ours, reference }] of Object.entries({ knn, forest }))
        expect(ours, `${evaluator}, reference ${reference}`).toBeGreaterThanOrEqual(reference - 0.005);
    },
    timeout,
  );
}
