import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import type { Tf } from './backend.ts';

/** Keeps the denominator from 0. */
const EPSILON = 1e-8;
/** Keeps the norm of constant predictions from 0. */
const TINY = 1e-24;

/** What a batch has to say about each gene. */
export interface GeneTargets {
  /** Spots x genes, minus the mean of the batch. */
  readonly centred: Tensor2D;
  /** Norm of each centred column. */
  readonly norm: Tensor1D;
}

/** Correlation of predicted and true expression, gene by gene, and what its derivatives need. */
export interface Pearson {
  /** Predictions minus the mean of the batch, spots x genes. */
  readonly predicted: Tensor2D;
  readonly targets: GeneTargets;
  /** Norm of each predicted column. */
  readonly norm: Tensor1D;
  /** The product of both norms, plus epsilon. */
  readonly under: Tensor1D;
  /** Inner product of prediction and target over `under`. */
  readonly r: Tensor1D;
}

/** Centres the targets of a batch. */
export function geneTargets(tf: Tf, y: Tensor2D): GeneTargets {
  const centred = y.sub<Tensor2D>(y.mean(0));
  return { centred, norm: tf.sum<Tensor1D>(centred.square(), 0).sqrt() };
}

/**
 * r_j = <p_j, y_j> / (|p_j| |y_j| + 1e-8) of centred columns; the loss of a gene is 1 - r_j, so that of a gene that is constant in the batch is
 * 1, with gradient 0. Where a prediction is not a number r is none either, for the training to stop at (the code of the paper takes -1).
 */
export function pearson(tf: Tf, predicted: Tensor2D, targets: GeneTargets): Pearson {
  const norm: Tensor1D = tf.sum<Tensor1D>(predicted.square(), 0).add<Tensor1D>(TINY).sqrt();
  const under = norm.mul(targets.norm).add<Tensor1D>(EPSILON);
  return { predicted, targets, norm, under, r: tf.sum<Tensor1D>(predicted.mul(targets.centred), 0).div(under) };
}

/** dl/dp = a y + b p, for each gene. */
function slopes({ targets, norm, under, r }: Pearson): { readonly a: Tensor; readonly b: Tensor } {
  return { a: under.reciprocal().neg(), b: r.mul(targets.norm).div(norm.mul(under)) };
}

/** Gradient by the predictions of the losses 1 - r, weighted by gene: spots x genes, each column with mean 0. */
export function pearsonGradient(at: Pearson, weights: Tensor1D): Tensor2D {
  const { a, b } = slopes(at);
  return at.targets.centred.mul(a.mul(weights)).add(at.predicted.mul(b.mul(weights)));
}

/**
 * How losses and gradient change when the (centred) predictions move along `direction` (and the weights along `weightRate`): the product of
 * the Hessian and the direction, without the Hessian.
 */
export function pearsonCurvature(
  tf: Tf,
  at: Pearson,
  weights: Tensor1D,
  { direction, weightRate }: { readonly direction: Tensor2D; readonly weightRate?: ((lossRate: Tensor1D) => Tensor1D) | undefined },
): { readonly lossRate: Tensor1D; readonly gradientRate: Tensor2D } {
  const { predicted, targets, norm, under, r } = at;
  const { a, b } = slopes(at);
  const along = tf.sum<Tensor1D>(direction.mul(targets.centred), 0);
  const normRate = tf.sum(direction.mul(predicted), 0).div(norm);
  const underRate = normRate.mul(targets.norm);
  const rRate = along.sub(r.mul(underRate)).div<Tensor1D>(under);
  const aRate = underRate.div(under.square());
  const bRate = rRate
    .mul(targets.norm)
    .div(norm.mul(under))
    .sub(b.mul(normRate.div(norm).add(underRate.div(under))));
  const lossRate = rRate.neg();
  const own = weightRate?.(lossRate);
  const scale = (rate: Tensor, value: Tensor): Tensor => (own ? rate.mul(weights).add(value.mul(own)) : rate.mul(weights));
  const moved = targets.centred.mul(scale(aRate, a)).add(predicted.mul(scale(bRate, b)));
  return { lossRate, gradientRate: moved.add(direction.mul(b.mul(weights))) };
}
