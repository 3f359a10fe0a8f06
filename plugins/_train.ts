import { NO_CHECKPOINTS, type Portable } from '../core/plugin.ts';
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
    const fresh = training.state();
    training.restore(saved.state);
    if (training.progress.fraction > context.until) {
      // Somebody is further than this is asked to go: what they saved is theirs.
      training.restore(fresh);
      return drive(training, { ...context, checkpoints: NO_CHECKPOINTS });
    }
    context.log(`Goes on from a checkpoint at ${training.progress.note}`);
  }
  const save = (): Promise<void> => checkpoints.save({ format: FORMAT, state: training.state() });
  const isEnough = (): boolean =>
    context.until < 1 && training.progress.fraction >= context.until && Object.values(training.curves).some((curve) => curve.length > 0);
  let savedAt = Date.now();
  let breathedAt = savedAt;
  while (!isEnough() && training.advance()) {
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
  if (context.until < 1) await save();
  return keptCurves(training.curves);
}
