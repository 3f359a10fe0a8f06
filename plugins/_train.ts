import type { Portable } from '../core/plugin.ts';
import type { Curves, Training } from '../tensor/fit.ts';
import type { Panel, StepContext } from './contract.ts';

/** Raise it when the state of any training changes its form: older checkpoints are then left alone. */
const FORMAT = 1;

/**
 * Runs a training to its end: from the last checkpoint where there is one, saving at the interval that the context asks for, reporting
 * progress, and letting a cancellation through (what was done so far is saved first). Gives its curves.
 */
export async function drive(training: Training & { readonly curves: Curves }, context: StepContext): Promise<NonNullable<Panel['curves']>> {
  const { checkpoints } = context;
  const { keptCurves } = await import('../tensor/fit.ts');
  const saved = (await checkpoints.load()) as { readonly format: number; readonly state: Portable } | undefined;
  if (saved?.format === FORMAT) {
    training.restore(saved.state);
    context.log(`Goes on from a checkpoint at ${training.progress.note}`);
  }
  const save = (): Promise<void> => checkpoints.save({ format: FORMAT, state: training.state() });
  let savedAt = Date.now();
  let breathedAt = savedAt;
  while (training.advance()) {
    const now = Date.now();
    if (now - savedAt >= checkpoints.everyMs) {
      await save();
      savedAt = Date.now();
    }
    if (now - breathedAt < 100) continue;
    breathedAt = now;
    const { fraction, note } = training.progress;
    context.progress(fraction, note);
    try {
      await context.breathe();
    } catch (stop) {
      await save();
      throw stop;
    }
  }
  return keptCurves(training.curves);
}
