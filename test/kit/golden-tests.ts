import { expect, it } from 'vitest';
import type { StepDefinition } from '../../core/plugin.ts';
import { loadBackend } from '../../tensor/backend.ts';
import { type AccuracyCase, comparedAccuracy, lacking, panelOn, SETS } from './golden-panels.ts';
import { goldenSet } from './golden-set.ts';
import { golden, hasShared, THOROUGH, TRAINED_SPLITS } from './shared-data.ts';

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

/** A test: on Zeisel, panels of 50 genes reach the reference's accuracy, less half a point; trained ones on a single split, less 1.5 points. They need the native backend. */
export function testGoldenAccuracy(step: StepDefinition, given: AccuracyCase): void {
  const isShort = step.queue === 'gpu' && !THOROUGH;
  const [points, splits] = isShort ? [1.5, TRAINED_SPLITS] : [0.5, given.splits ?? Infinity];
  it.skipIf(!hasShared)(`comes within ${points} points of the reference's accuracy on Zeisel (${given.method})`, async ({ skip }) => {
    if (step.queue === 'gpu' && (await loadBackend()).name !== 'tensorflow') skip();
    const { knn, forest } = await comparedAccuracy(step, 'zeisel', { ...given, splits });
    for (const [evaluator, { ours, reference }] of Object.entries({ knn, forest }))
      expect(ours, `${evaluator}, reference ${reference}`).toBeGreaterThanOrEqual(reference - points / 100);
  });
}
