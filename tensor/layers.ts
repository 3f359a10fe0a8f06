import type { Scalar, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import type { Random } from '../stats/random.ts';
import type { Tf } from './backend.ts';

const EPSILON = 1e-5;
const MOMENTUM = 0.1;

/** Weights and bias of a dense layer, uniform in +-1/sqrt(inputs) as PyTorch draws them. */
export function denseInit(tf: Tf, random: Random, [inputs, outputs]: readonly [number, number]): Tensor[] {
  const bound = 1 / Math.sqrt(inputs);
  const draw = (n: number): Float32Array => Float32Array.from({ length: n }, () => bound * (2 * random.uniform() - 1));
  return [tf.tensor2d(draw(inputs * outputs), [inputs, outputs]), tf.tensor1d(draw(outputs))];
}

/** Scale and shift of a batch norm layer: ones and zeros. */
export const batchNormInit = (tf: Tf, width: number): Tensor[] => [tf.ones([width]), tf.zeros([width])];

/** Running mean and variance of one batch norm layer (Ioffe and Szegedy 2015, arXiv:1502.03167; momentum as in PyTorch). */
export class RunningMoments {
  readonly #tf: Tf;
  #mean: Tensor1D;
  #variance: Tensor1D;
  #seen: [Tensor1D, Tensor1D] | undefined;

  constructor(tf: Tf, width: number) {
    this.#tf = tf;
    this.#mean = tf.keep(tf.zeros([width]));
    this.#variance = tf.keep(tf.ones([width]));
  }

  /** Normalises by the batch and remembers its moments, for `update`; safe inside a gradient. */
  train(x: Tensor2D, scale: Tensor1D, shift: Tensor1D): Tensor2D {
    const tf = this.#tf;
    const { mean, variance } = tf.moments(x, 0);
    tf.dispose(this.#seen ?? []);
    this.#seen = [tf.keep(mean.clone()) as Tensor1D, tf.keep(variance.mul<Tensor1D>(x.shape[0] / Math.max(1, x.shape[0] - 1)))];
    return tf.batchNorm2d(x, mean as Tensor1D, variance as Tensor1D, shift, scale, EPSILON);
  }

  /** Moves the running moments towards those of the last batch. */
  update(): void {
    if (!this.#seen) return;
    const tf = this.#tf;
    const [mean, variance] = this.#seen;
    const mix = (old: Tensor1D, now: Tensor1D): Tensor1D => tf.tidy(() => old.mul(1 - MOMENTUM).add<Tensor1D>(now.mul(MOMENTUM)));
    const next = [mix(this.#mean, mean), mix(this.#variance, variance)];
    tf.dispose([this.#mean, this.#variance, mean, variance]);
    this.#seen = undefined;
    this.#mean = tf.keep(next[0]);
    this.#variance = tf.keep(next[1]);
  }

  /** Normalises by the running moments. */
  infer(x: Tensor2D, scale: Tensor1D, shift: Tensor1D): Tensor2D {
    return this.#tf.batchNorm2d(x, this.#mean, this.#variance, shift, scale, EPSILON);
  }

  dispose(): void {
    this.#tf.dispose([this.#mean, this.#variance, ...(this.#seen ?? [])]);
  }
}

/** Mean cross-entropy over the rows whose code is not negative; undefined when there is none. */
export function maskedCrossEntropy(tf: Tf, logits: Tensor2D, codes: Int32Array): Scalar | undefined {
  const known = codes.reduce((n, c) => n + (c >= 0 ? 1 : 0), 0);
  if (known === 0) return undefined;
  const target = new Float32Array(codes.length * logits.shape[1]);
  codes.forEach((c, i) => {
    if (c >= 0) target[i * logits.shape[1] + c] = -1 / known;
  });
  return tf
    .logSoftmax(logits)
    .mul(tf.tensor2d(target, [codes.length, logits.shape[1]]))
    .sum<Scalar>();
}

/** Mean squared error over the rows whose value is not NaN; undefined when there is none. */
export function maskedSquaredError(tf: Tf, outputs: Tensor2D, values: Float32Array): Scalar | undefined {
  const weight = Float32Array.from(values, (v) => (Number.isNaN(v) ? 0 : 1));
  const known = weight.reduce((a, b) => a + b, 0);
  if (known === 0) return undefined;
  const target = tf.tensor1d(values.map((v) => (Number.isNaN(v) ? 0 : v)));
  return outputs.reshape([-1]).sub(target).square().mul(tf.tensor1d(weight)).sum().div<Scalar>(known);
}
