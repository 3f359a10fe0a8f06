import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import type { Random } from '../stats/random.ts';
import type { Tf } from './backend.ts';
import { denseInit } from './layers.ts';
import { type GeneTargets, type Pearson, pearson, pearsonCurvature, pearsonGradient } from './pearson.ts';

/**
 * Parameters of a network from features to genes: weights and bias of each hidden layer (ReLU), then the weights of the head. The head has no
 * bias, since a correlation does not see one.
 */
export type Parameters = readonly Tensor[];

/** First parameters, as PyTorch draws them: `widths` are those of the features, of the hidden layers, and the number of genes. */
export function initParameters(tf: Tf, random: Random, widths: readonly number[]): Tensor[] {
  const layers = widths.slice(1).map((outputs, l) => denseInit(tf, random, [widths[l], outputs]));
  layers.at(-1)!.pop()!.dispose();
  return layers.flat();
}

/** What one batch went through. */
export interface Pass {
  /** The features, then the output of each hidden layer. */
  readonly layers: readonly Tensor2D[];
  /** The last of them minus its mean over the batch: the head of it gives centred predictions. */
  readonly centred: Tensor2D;
  readonly score: Pearson;
}

/** The way back through a pass. */
export interface Way {
  readonly gradients: Tensor[];
  /** Gradient by the predictions, and by what goes into each ReLU. */
  readonly output: Tensor2D;
  readonly deltas: readonly Tensor2D[];
}

/** Does some work and drops the tensors that it made, except those to keep. */
export function scoped<T>(tf: Tf, work: () => { readonly value: T; readonly keep?: readonly Tensor[] }): T {
  let found: T | undefined;
  tf.tidy(() => {
    const { value, keep = [] } = work();
    found = value;
    return [...keep];
  });
  return found as T;
}

const hiddenOf = (parameters: Parameters): number => (parameters.length - 1) / 2;
const isOn = (layer: Tensor2D): Tensor => layer.greater(0).cast('float32');

/** Outputs of the hidden layers for some features; the features alone without hidden layers. */
function layersOf(tf: Tf, parameters: Parameters, x: Tensor2D): Tensor2D[] {
  const layers = [x];
  for (let l = 0; l < hiddenOf(parameters); l++) {
    const linear = tf.matMul(layers[l], parameters[2 * l] as Tensor2D).add(parameters[2 * l + 1]);
    layers.push(linear.relu());
  }
  return layers;
}

/** Predictions, up to a shift of each gene: spots x genes. */
export function predict(tf: Tf, parameters: Parameters, x: Tensor2D): Tensor2D {
  return tf.matMul(layersOf(tf, parameters, x).at(-1)!, parameters.at(-1) as Tensor2D);
}

/** Sends a batch through. */
export function forward(tf: Tf, parameters: Parameters, x: Tensor2D, targets: GeneTargets): Pass {
  const layers = layersOf(tf, parameters, x);
  const last = layers.at(-1)!;
  const centred = last.sub<Tensor2D>(last.mean(0));
  return { layers, centred, score: pearson(tf, tf.matMul(centred, parameters.at(-1) as Tensor2D), targets) };
}

/** Gradient of the weighted sum of the genes' losses 1 - r by all parameters. */
export function backward(tf: Tf, parameters: Parameters, { layers, centred, score }: Pass, weights: Tensor1D): Way {
  const output = pearsonGradient(score, weights);
  const gradients: Tensor[] = [tf.matMul(centred, output, true)];
  const deltas: Tensor2D[] = [];
  for (let l = hiddenOf(parameters) - 1; l >= 0; l--) {
    // The columns of `output` have mean 0, so centring changes nothing on the way back.
    const into = tf.matMul(deltas[0] ?? output, parameters[2 * l + 2], false, true);
    deltas.unshift(into.mul(isOn(layers[l + 1])));
    gradients.unshift(tf.matMul(layers[l], deltas[0], true), deltas[0].sum(0));
  }
  return { gradients, output, deltas };
}

/**
 * What moving the parameters along a direction does (Pearlmutter 1994, doi:10.1162/neco.1994.6.1.147): `lossRate` of each gene's loss, and
 * `product`, the Hessian of the weighted loss times the direction. `weightRate` says how the weights follow the losses, where they do.
 */
export function curvature(
  tf: Tf,
  parameters: Parameters,
  { pass, way, weights }: { readonly pass: Pass; readonly way: Way; readonly weights: Tensor1D },
  direction: Parameters,
  {
    weightRate,
    isRateOnly = false,
  }: { readonly weightRate?: ((lossRate: Tensor1D) => Tensor1D) | undefined; readonly isRateOnly?: boolean } = {},
): { readonly lossRate: Tensor1D; readonly product: Tensor[] } {
  const { layers, centred, score } = pass;
  const depth = hiddenOf(parameters);
  const on = layers.slice(1).map(isOn);
  const rates: Tensor2D[] = [];
  for (let l = 0; l < depth; l++) {
    const own = tf.matMul(layers[l], direction[2 * l]).add<Tensor2D>(direction[2 * l + 1]);
    rates.push((l === 0 ? own : own.add<Tensor2D>(tf.matMul(rates[l - 1], parameters[2 * l] as Tensor2D))).mul(on[l]));
  }
  const own = tf.matMul<Tensor2D>(centred, direction.at(-1) as Tensor2D);
  const last = rates.at(-1);
  const centredRate = last?.sub<Tensor2D>(last.mean(0));
  const moved = centredRate ? own.add<Tensor2D>(tf.matMul(centredRate, parameters.at(-1) as Tensor2D)) : own;
  const { lossRate, gradientRate } = pearsonCurvature(tf, score, weights, { direction: moved, weightRate });
  if (isRateOnly) return { lossRate, product: [] };
  const head = tf.matMul(centred, gradientRate, true);
  const product: Tensor[] = [centredRate ? head.add(tf.matMul(centredRate, way.output, true)) : head];
  let back: Tensor2D = gradientRate;
  for (let l = depth - 1; l >= 0; l--) {
    const above = l === depth - 1 ? way.output : way.deltas[l + 1];
    const into: Tensor2D = tf.matMul(back, parameters[2 * l + 2], false, true);
    back = into.add<Tensor2D>(tf.matMul(above, direction[2 * l + 2] as Tensor2D, false, true)).mul(on[l]);
    const slope = tf.matMul(layers[l], back, true);
    product.unshift(l === 0 ? slope : slope.add(tf.matMul(rates[l - 1], way.deltas[l], true)), back.sum(0));
  }
  return { lossRate, product };
}
