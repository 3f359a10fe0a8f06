import type { Tensor2D } from '@tensorflow/tfjs';
import type { Backend } from './backend.ts';
import type { Form } from './batches.ts';

/** One dense layer of a trained network. */
export type NetworkLayer = {
  readonly inputs: number;
  readonly outputs: number;
  /** inputs x outputs, row-major. */
  readonly weights: Float32Array;
  readonly bias: Float32Array;
  /** What follows: null for nothing, else a ReLU with this slope below zero. */
  readonly slope: number | null;
};

/** What a network says about a cell: the classes of a task, a number, or the expression of genes. */
export type NetworkHead =
  | { readonly kind: 'classes'; readonly task: string; readonly classes: readonly string[]; readonly layers: readonly NetworkLayer[] }
  | { readonly kind: 'value'; readonly task: string; readonly mean: number; readonly sd: number; readonly layers: readonly NetworkLayer[] }
  | {
      readonly kind: 'genes';
      readonly genes: readonly string[];
      /** Takes the outputs back to the scale of X: x mean + sd * output. */
      readonly mean: Float32Array;
      readonly sd: Float32Array;
      readonly layers: readonly NetworkLayer[];
    };

/** A trained network that reads a panel only: batch norm folded into the weights, the mask gone. Plain data, for later predictions. */
export type Network = {
  /** Selector that made it. */
  readonly method: string;
  /** The panel, in the order of the inputs. */
  readonly genes: readonly string[];
  /** How it sees the values of X (as the training data were: log-normalised, say). */
  readonly input:
    | { readonly kind: 'scaled'; readonly mean: Float32Array; readonly sd: Float32Array; readonly clip: number | null }
    | { readonly kind: 'binary' }
    | { readonly kind: 'plain' };
  /** Layers that all heads share. */
  readonly layers: readonly NetworkLayer[];
  readonly heads: readonly NetworkHead[];
  /** How X was made from counts: what its values are, the total that each cell was brought to (null: none), and whether logs were taken. */
  readonly preparation?: { readonly scale: string; readonly target_sum: number | null; readonly log1p: boolean };
};

/** How a network that reads these genes alone sees their values, when it learned on this form of all genes. */
export function inputOf(form: Form, genes: Uint32Array): Network['input'] {
  if (form.kind !== 'scaled') return form;
  const pick = (values: Float64Array): Float32Array => Float32Array.from(genes, (j) => values[j]);
  return { kind: 'scaled', mean: pick(form.scale.mean), sd: pick(form.scale.sd), clip: form.clip ?? null };
}

/** A layer out of a block's parameters and running moments: batch norm becomes part of weights and bias. */
export function foldBlock(
  weights: Float32Array,
  { scale, shift, mean, variance }: Readonly<Record<'scale' | 'shift' | 'mean' | 'variance', Float32Array>>,
  slope: number | null,
): NetworkLayer {
  const outputs = scale.length;
  const factor = scale.map((s, j) => s / Math.sqrt(variance[j] + 1e-5));
  const folded = weights.map((w, at) => w * factor[at % outputs]);
  const bias = shift.map((s, j) => s - mean[j] * factor[j]);
  return { inputs: weights.length / outputs, outputs, weights: folded, bias, slope };
}

/** Rows (inputs) of a weight matrix, in the order asked for. */
export function takeInputs(weights: Float32Array, outputs: number, inputs: Uint32Array): Float32Array {
  const out = new Float32Array(inputs.length * outputs);
  inputs.forEach((input, at) => out.set(weights.subarray(input * outputs, (input + 1) * outputs), at * outputs));
  return out;
}

/**
 * What each head says about cells, row-major: class probabilities (each row sums to 1), values, or expression on the scale of X.
 * `x` holds the panel's genes as they stand in X, cells x genes.
 */
export function runNetwork(backend: Backend, network: Network, x: Float32Array): Float32Array[] {
  const { tf } = backend;
  const width = network.genes.length;
  const cells = x.length / width;
  const outputs = network.heads.map((head) => new Float32Array(cells * head.layers.at(-1)!.outputs));
  for (let at = 0; at < cells; at += 1024) {
    const rows = Math.min(1024, cells - at);
    tf.tidy(() => {
      const input = tf.tensor2d(seen(network, x.subarray(at * width, (at + rows) * width)), [rows, width]);
      const shared = through(backend, network.layers, input);
      network.heads.forEach((head, h) => {
        const out = through(backend, head.layers, shared);
        const said = head.kind === 'classes' ? tf.softmax(out) : out.mul(tf.tensor(head.sd)).add(tf.tensor(head.mean));
        outputs[h].set(said.dataSync() as Float32Array, at * head.layers.at(-1)!.outputs);
      });
    });
  }
  return outputs;
}

function seen({ input }: Network, x: Float32Array): Float32Array {
  if (input.kind === 'plain') return x;
  if (input.kind === 'binary') return x.map((v) => (v > 0 ? 1 : 0));
  const { mean, sd } = input;
  const clip = input.clip ?? Infinity;
  return x.map((v, at) => Math.max(-clip, Math.min(clip, (v - mean[at % mean.length]) / sd[at % mean.length])));
}

function through({ tf }: Backend, layers: readonly NetworkLayer[], input: Tensor2D): Tensor2D {
  return layers.reduce((x, { inputs, outputs, weights, bias, slope }) => {
    const linear = x.matMul(tf.tensor2d(weights, [inputs, outputs])).add<Tensor2D>(tf.tensor1d(bias));
    return slope === null ? linear : slope === 0 ? linear.relu() : linear.leakyRelu(slope);
  }, input);
}
