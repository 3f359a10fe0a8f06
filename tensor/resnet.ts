import type { Tensor, Tensor4D } from '@tensorflow/tfjs';
import { DataError, type ErrorContext } from '../core/errors.ts';
import { Random } from '../stats/random.ts';
import type { StoredTensor, StoredTensors } from '../data/safetensors.ts';
import type { Backend } from './backend.ts';

/** Weights of ResNet18 without its classifier, by torchvision's names, shapes and layout (outputs x inputs x height x width). */
export type ResnetWeights = ReadonlyMap<string, StoredTensor>;

/** Features after the global average. */
export const RESNET18_WIDTH = 512;

const EPSILON = 1e-5;
const WIDTHS = [64, 128, 256, 512] as const;

/** A convolution and the batch norm after it. */
interface Unit {
  readonly conv: string;
  readonly norm: string;
  readonly shape: readonly [outputs: number, inputs: number, height: number, width: number];
  readonly stride: 1 | 2;
}

/** Two convolutions, and the one that the shortcut takes where its size changes. */
interface Block {
  readonly first: Unit;
  readonly second: Unit;
  readonly shortcut: Unit | undefined;
}

/** He et al. 2016 (arXiv:1512.03385), table 1, 18 layers; the stride stands in the first convolution of a block. */
const STEM: Unit = { conv: 'conv1', norm: 'bn1', shape: [64, 3, 7, 7], stride: 2 };
const BLOCKS: readonly Block[] = WIDTHS.flatMap((width, stage) =>
  [0, 1].map((at) => {
    const name = `layer${stage + 1}.${at}`;
    const inputs = at === 1 || stage === 0 ? width : WIDTHS[stage - 1];
    const stride = at === 0 && stage > 0 ? 2 : 1;
    return {
      first: { conv: `${name}.conv1`, norm: `${name}.bn1`, shape: [width, inputs, 3, 3], stride },
      second: { conv: `${name}.conv2`, norm: `${name}.bn2`, shape: [width, width, 3, 3], stride: 1 },
      shortcut:
        inputs === width ? undefined : { conv: `${name}.downsample.0`, norm: `${name}.downsample.1`, shape: [width, inputs, 1, 1], stride },
    };
  }),
);
const UNITS: readonly Unit[] = [STEM, ...BLOCKS.flatMap((b) => [b.first, b.second, ...(b.shortcut ? [b.shortcut] : [])])];

/** Every tensor of the network with its shape. */
export const RESNET18_SHAPES: ReadonlyMap<string, readonly number[]> = new Map(
  UNITS.flatMap(({ conv, norm, shape }): [string, readonly number[]][] => [
    [`${conv}.weight`, shape],
    ...['weight', 'bias', 'running_mean', 'running_var'].map((part): [string, readonly number[]] => [`${norm}.${part}`, [shape[0]]]),
  ]),
);

/**
 * The network's tensors out of a file with torchvision's names (timm's are the same), also behind a common prefix such as `module.`;
 * what else is there (the classifier, counters) is left. DataError names the first tensor that is missing, of another shape, or of a deeper network.
 */
export async function readResnet(from: StoredTensors, file: string): Promise<ResnetWeights> {
  const prefix = from.names.find((name) => name.endsWith('conv1.weight') && !/layer\d/.test(name))?.slice(0, -'conv1.weight'.length) ?? '';
  const there = new Set(from.names);
  const missing = [...RESNET18_SHAPES.keys()].filter((name) => !there.has(prefix + name));
  if (missing.length > 0) {
    throw new DataError(`${missing.length} of ${RESNET18_SHAPES.size} tensors of ResNet18 are not in the file of weights`, {
      context: { file, missing: prefix + missing[0], there: from.names.slice(0, 3).join(', ') || 'none' },
      mend: "Give the state_dict of torchvision's (or timm's) resnet18, with its own names.",
    });
  }
  const deeper = from.names.find(
    (name) => name.startsWith(`${prefix}layer`) && !name.endsWith('num_batches_tracked') && !RESNET18_SHAPES.has(name.slice(prefix.length)),
  );
  if (deeper !== undefined) throw otherNetwork({ file, tensor: deeper });
  const stored = await from.read([...RESNET18_SHAPES.keys()].map((name) => prefix + name));
  const weights = new Map([...stored].map(([name, tensor]) => [name.slice(prefix.length), tensor]));
  for (const [name, shape] of RESNET18_SHAPES) {
    const found = weights.get(name)!;
    if (String(found.shape) === String(shape)) continue;
    throw otherNetwork({ file, tensor: prefix + name, shape: found.shape.join(' x '), expected: shape.join(' x ') });
  }
  return weights;
}

function otherNetwork(context: ErrorContext): DataError {
  return new DataError('The weights are of another network than ResNet18: a tensor is not one of its own', {
    context,
    mend: 'ResNet34, ResNet50 and others go through encoder/onnx.',
  });
}

/** Untrained weights: normal with variance 2 / (outputs x height x width) (He et al. 2015, arXiv:1502.01852, fan out), batch norm the identity. */
export function randomResnet(seed: number): ResnetWeights {
  const weights = new Map<string, StoredTensor>();
  for (const [name, shape] of RESNET18_SHAPES) {
    const random = Random.of(seed, 'resnet18', name);
    const size = shape.reduce((a, b) => a * b, 1);
    const sd = Math.sqrt((2 * shape[1]) / size);
    const value = shape.length === 4 ? () => sd * random.normal() : () => Number(/running_var|\.weight/.test(name));
    const data = new Float32Array(size);
    for (let i = 0; i < size; i++) data[i] = value();
    weights.set(name, { shape, data });
  }
  return weights;
}

/** ResNet18 up to its global average, ready to run; batch norm is part of the convolutions. */
export interface Resnet {
  /** 512 features of each picture: `images` are pictures x height x width x 3, scaled as `imagenet` of data/pixels.ts does. */
  features(images: Tensor4D): Tensor;
  dispose(): void;
}

/** Puts weights on the device. */
export function openResnet({ tf }: Backend, weights: ResnetWeights): Resnet {
  const filters = new Map(
    UNITS.map((unit) => {
      const { kernel, bias } = folded(weights, unit);
      const [outputs, inputs, height, width] = unit.shape;
      return [unit, { kernel: tf.tensor4d(kernel, [height, width, inputs, outputs]), bias: tf.tensor1d(bias) }];
    }),
  );
  // PyTorch pads by half of the kernel on both sides; TensorFlow's "same" does so only where the stride is 1.
  const convolve = (x: Tensor4D, unit: Unit, activation: 'relu' | 'linear'): Tensor4D => {
    const { kernel, bias } = filters.get(unit)!;
    const { stride } = unit;
    const margin = stride === 1 ? 0 : unit.shape[2] >> 1;
    const padded = margin === 0 ? x : around(x, margin);
    return tf.fused.conv2d({ x: padded, filter: kernel, strides: stride, pad: stride === 1 ? 'same' : 'valid', bias, activation });
  };
  const around = (x: Tensor4D, margin: number): Tensor4D =>
    tf.pad4d(x, [
      [0, 0],
      [margin, margin],
      [margin, margin],
      [0, 0],
    ]);
  return {
    features: (images) =>
      tf.tidy(() => {
        // after a ReLU nothing is below zero, so zeros around do not change a maximum
        const stem = tf.maxPool(around(convolve(images, STEM, 'relu'), 1), 3, 2, 'valid');
        const last = BLOCKS.reduce((x, { first, second, shortcut }) => {
          const past = shortcut ? convolve(x, shortcut, 'linear') : x;
          return tf.relu(convolve(convolve(x, first, 'relu'), second, 'linear').add<Tensor4D>(past));
        }, stem);
        return last.mean([1, 2]);
      }),
    dispose: () => tf.dispose([...filters.values()]),
  };
}

/** A convolution's kernel (height x width x inputs x outputs) and bias with its batch norm in it. */
function folded(weights: ResnetWeights, { conv, norm, shape }: Unit): { kernel: Float32Array; bias: Float32Array } {
  const part = (name: string): Float32Array => weights.get(`${norm}.${name}`)!.data;
  const [outputs, inputs, height, width] = shape;
  const area = height * width;
  const from = weights.get(`${conv}.weight`)!.data;
  const factor = part('weight').map((w, o) => w / Math.sqrt(part('running_var')[o] + EPSILON));
  const bias = part('bias').map((b, o) => b - part('running_mean')[o] * factor[o]);
  const kernel = new Float32Array(from.length);
  for (let o = 0; o < outputs; o++)
    for (let i = 0; i < inputs; i++)
      for (let p = 0; p < area; p++) kernel[(p * inputs + i) * outputs + o] = from[(o * inputs + i) * area + p] * factor[o];
  return { kernel, bias };
}
