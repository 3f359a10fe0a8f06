import type { Scalar, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import type { Random } from '../stats/random.ts';
import type { NativeOps, Tf } from './backend.ts';

const EPSILON = 1e-5;
const MOMENTUM = 0.1;

/** Uniform in +-1/sqrt(inputs), as PyTorch draws the weights and the bias of a dense layer. */
function fanIn(random: Random, inputs: number, size: number): Float32Array {
  const bound = 1 / Math.sqrt(inputs);
  return Float32Array.from({ length: size }, () => bound * (2 * random.uniform() - 1));
}

/** Weights (inputs x outputs) and bias of a dense layer. */
export function denseInit(tf: Tf, random: Random, [inputs, outputs]: readonly [number, number]): [Tensor2D, Tensor1D] {
  return [tf.tensor2d(fanIn(random, inputs, inputs * outputs), [inputs, outputs]), tf.tensor1d(fanIn(random, inputs, outputs))];
}

/** Weights of a block (inputs x outputs; no bias, which batch norm would cancel), scale (ones) and shift (zeros). */
export function blockInit(tf: Tf, random: Random, [inputs, outputs]: readonly [number, number]): [Tensor2D, Tensor1D, Tensor1D] {
  return [tf.tensor2d(fanIn(random, inputs, inputs * outputs), [inputs, outputs]), tf.ones([outputs]), tf.zeros([outputs])];
}

/** Settings of a layer. */
export interface LayerOptions {
  /** What follows: nothing, or a (leaky) ReLU with this slope below zero. */
  readonly slope?: number;
  /** The input is data: no gradient flows into it. */
  readonly isData?: boolean;
}

/** One raw operation on floats; undefined where TensorFlow is not native. */
function native(tf: Tf, name: string, inputs: readonly Tensor[], alpha?: number): Tensor | undefined {
  const { executeSingleOutput, binding } = tf.backend() as unknown as Partial<NativeOps>;
  if (!executeSingleOutput || !binding) return undefined;
  const attributes: object[] = [{ name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT }];
  if (alpha !== undefined) attributes.push({ name: 'alpha', type: binding.TF_ATTR_FLOAT, value: alpha });
  return executeSingleOutput.call(tf.backend(), name, attributes, inputs);
}

/** dy y (1 - y): the gradient through a sigmoid whose output is `y`; one operation on native TensorFlow. */
export function throughSigmoid(tf: Tf, dy: Tensor, y: Tensor): Tensor {
  return native(tf, 'SigmoidGrad', [y, dy]) ?? dy.mul(y.sub(y.square()));
}

/** The gradient through what follows a layer, whose output is `y`; one operation on native TensorFlow. */
function throughSlope(tf: Tf, dy: Tensor, y: Tensor, slope: number | undefined): Tensor {
  if (slope === undefined) return dy;
  const found = slope === 0 ? native(tf, 'ReluGrad', [dy, y]) : native(tf, 'LeakyReluGrad', [dy, y], slope);
  if (found) return found;
  const isUp = y.greater(0).cast('float32');
  return dy.mul(slope === 0 ? isUp : isUp.mul(1 - slope).add(slope));
}

/** A function of tensors with a gradient of its own; `back` gets the upstream gradient and gives one gradient for each input. */
export function withGradient(
  tf: Tf,
  inputs: readonly Tensor[],
  run: () => { value: Tensor; keep: Tensor[]; back: (dy: Tensor, kept: Tensor[]) => Tensor[] },
): Tensor {
  const op = tf.customGrad((...given: unknown[]) => {
    const save = given.at(-1) as (tensors: Tensor[]) => void;
    const { value, keep, back } = run();
    save(keep);
    return { value, gradFunc: (dy: Tensor, kept: Tensor[]) => back(dy, kept) };
  });
  return op(...inputs);
}

/** x W + b, then a (leaky) ReLU if asked for: cells x outputs. One operation forward, at most five backward. */
export function dense(tf: Tf, x: Tensor2D, [weights, bias]: readonly Tensor[], { slope, isData = false }: LayerOptions = {}): Tensor2D {
  const inputs = isData ? [weights, bias] : [weights, bias, x];
  return withGradient(tf, inputs, () => {
    const linear = tf.matMul(x, weights as Tensor2D).add(bias);
    const value = slope === undefined ? linear : slope === 0 ? linear.relu() : linear.leakyRelu(slope);
    const back = (dy: Tensor, [x_, w, out]: Tensor[]): Tensor[] => {
      const d = throughSlope(tf, dy, out, slope);
      const own = [tf.matMul(x_, d, true), d.sum(0)];
      return isData ? own : [...own, tf.matMul(d, w, false, true)];
    };
    return { value, keep: slope === undefined ? [x, weights] : [x, weights, value], back };
  }) as Tensor2D;
}

/** x W; no gradient for x when it is data. */
function product(tf: Tf, x: Tensor2D, weights: Tensor2D, isData: boolean): Tensor2D {
  return withGradient(tf, isData ? [weights] : [weights, x], () => ({
    value: tf.matMul(x, weights),
    keep: [x, weights],
    back: (dy, [x_, w]) => {
      const own = tf.matMul(x_, dy, true);
      return isData ? [own] : [own, tf.matMul(dy, w, false, true)];
    },
  })) as Tensor2D;
}

/** x W, batch norm (Ioffe and Szegedy 2015, arXiv:1502.03167; running moments as in PyTorch), then a (leaky) ReLU if asked for. */
export class Block {
  readonly #tf: Tf;
  /** Running mean and variance, for use after training. */
  readonly mean: Float32Array;
  readonly variance: Float32Array;

  constructor(tf: Tf, width: number) {
    this.#tf = tf;
    this.mean = new Float32Array(width);
    this.variance = new Float32Array(width).fill(1);
  }

  /** x W, normalised by the batch; moves the running moments towards it. */
  train(x: Tensor2D, [weights, scale, shift]: readonly Tensor[], { slope, isData = false }: LayerOptions = {}): Tensor2D {
    return this.normalize(product(this.#tf, x, weights as Tensor2D, isData), [scale, shift], slope);
  }

  /** Normalises values by the batch, and moves the running moments towards it. */
  normalize(linear: Tensor2D, [scale, shift]: readonly Tensor[], slope?: number): Tensor2D {
    const tf = this.#tf;
    const rows = linear.shape[0];
    return withGradient(tf, [linear, scale, shift], () => {
      const mean = linear.mean(0);
      const centred = linear.sub(mean);
      const variance = centred.square().mean(0);
      const inverse = variance.add(EPSILON).rsqrt();
      const normal = centred.mul(inverse);
      const out = normal.mul(scale).add(shift);
      const value = slope === undefined ? out : slope === 0 ? out.relu() : out.leakyRelu(slope);
      this.#remember(mean, variance, rows);
      const back = (dy: Tensor, [hat, factor, y]: Tensor[]): Tensor[] => {
        const d = throughSlope(tf, dy, y, slope);
        const dShift = d.sum(0);
        const dScale = d.mul(hat).sum(0);
        return [d.sub(hat.mul(dScale.div(rows)).add(dShift.div(rows))).mul(factor), dScale, dShift];
      };
      return { value, keep: [normal, inverse.mul(scale), value], back };
    }) as Tensor2D;
  }

  #remember(mean: Tensor, variance: Tensor, rows: number): void {
    const [m, v] = [mean.dataSync(), variance.dataSync()];
    const unbiased = rows / Math.max(1, rows - 1);
    for (let j = 0; j < this.mean.length; j++) {
      this.mean[j] = (1 - MOMENTUM) * this.mean[j] + MOMENTUM * m[j];
      this.variance[j] = (1 - MOMENTUM) * this.variance[j] + MOMENTUM * unbiased * v[j];
    }
  }

  /** Normalises by the running moments. */
  infer(x: Tensor2D, [weights, scale, shift]: readonly Tensor[], { slope }: LayerOptions = {}): Tensor2D {
    const tf = this.#tf;
    return tf.tidy(() => {
      const factor = tf.tensor1d(this.variance).add(EPSILON).rsqrt().mul(scale);
      const out = tf
        .matMul(x, weights as Tensor2D)
        .sub(tf.tensor1d(this.mean))
        .mul(factor)
        .add(shift);
      return (slope === undefined ? out : slope === 0 ? out.relu() : out.leakyRelu(slope)) as Tensor2D;
    });
  }

  state(): { readonly mean: Float32Array; readonly variance: Float32Array } {
    return { mean: this.mean.slice(), variance: this.variance.slice() };
  }

  restore({ mean, variance }: { readonly mean: Float32Array; readonly variance: Float32Array }): void {
    this.mean.set(mean);
    this.variance.set(variance);
  }
}

/** Mean cross-entropy over the rows whose code is not negative; undefined when there is none. */
export function maskedCrossEntropy(tf: Tf, logits: Tensor2D, codes: Int32Array): Scalar | undefined {
  const known = codes.reduce((n, c) => n + (c >= 0 ? 1 : 0), 0);
  if (known === 0) return undefined;
  const width = logits.shape[1];
  const target = new Float32Array(codes.length * width);
  const weight = new Float32Array(codes.length);
  codes.forEach((c, i) => {
    if (c < 0) return;
    target[i * width + c] = 1 / known;
    weight[i] = 1 / known;
  });
  return withGradient(tf, [logits], () => {
    const log = tf.logSoftmax(logits);
    const wanted = tf.tensor2d(target, [codes.length, width]);
    const back = (dy: Tensor, [log_, wanted_]: Tensor[]): Tensor[] => [
      log_
        .exp()
        .mul(tf.tensor2d(weight, [codes.length, 1]))
        .sub(wanted_)
        .mul(dy),
    ];
    return { value: log.mul(wanted).sum().neg(), keep: [log, wanted], back };
  }) as Scalar;
}

/** Mean squared error over the rows whose value is not NaN; undefined when there is none. */
export function maskedSquaredError(tf: Tf, outputs: Tensor2D, values: Float32Array): Scalar | undefined {
  const weight = Float32Array.from(values, (v) => (Number.isNaN(v) ? 0 : 1));
  const known = weight.reduce((a, b) => a + b, 0);
  if (known === 0) return undefined;
  const target = tf.tensor1d(values.map((v) => (Number.isNaN(v) ? 0 : v)));
  return outputs.reshape([-1]).sub(target).square().mul(tf.tensor1d(weight)).sum().div<Scalar>(known);
}
