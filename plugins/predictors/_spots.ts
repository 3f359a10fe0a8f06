import { Random } from '../../stats/random.ts';
import { DataError, type Split } from '../contract.ts';

/** Throws where there is nothing to learn from. */
export function requireTrainSpots(train: Uint32Array, step: string): void {
  if (train.length >= 2) return;
  throw new DataError(`A fold of ${train.length} train spot${train.length === 1 ? '' : 's'}: predictor/${step} needs at least 2`, {
    context: { step: `predictor/${step}`, train_spots: train.length },
    mend: 'Take fewer folds, or slides with more spots.',
  });
}

/**
 * Spots to learn from, and spots that say when to stop. A correlation needs 2 spots: where the split has fewer for validation, a tenth of the
 * train spots (at least 2, by chance) is held out.
 */
export function learningSpots(split: Split, seed: number, step: string): { readonly train: Uint32Array; readonly validation: Uint32Array } {
  requireTrainSpots(split.train, step);
  if (split.validation.length >= 2) return split;
  const held = Math.max(2, Math.round(split.train.length / 10));
  if (split.train.length < held + 2) {
    throw new DataError(`A fold of ${split.train.length} train spots and ${split.validation.length} for validation is too small`, {
      context: { step: `predictor/${step}`, train_spots: split.train.length, validation_spots: split.validation.length },
      mend: 'Take fewer folds, slides with more spots, or a split with a validation part.',
    });
  }
  const order = Uint32Array.from(Random.of(seed, 'held out').permutation(split.train.length), (at) => split.train[at]);
  return { train: order.subarray(held).slice().sort(), validation: order.subarray(0, held).slice().sort() };
}
