import type { KernelConfig, KernelFunc, TensorInfo, TypedArray } from '@tensorflow/tfjs';
import type { Tf } from './backend.ts';

/** What kernels need of a backend. */
interface WasmBackend {
  makeOutput(shape: number[], dtype: string): TensorInfo;
  typedArrayFromHeap(info: TensorInfo): TypedArray;
  readSync(id: object): TypedArray;
  disposeData(id: object): boolean;
}

interface CpuBackend {
  makeTensorInfo(shape: number[], dtype: string, values: TypedArray): TensorInfo;
  readSync(id: object): TypedArray;
  disposeData(id: object): boolean;
}

type Given = { inputs: Record<string, TensorInfo>; backend: WasmBackend; attrs: Record<string, unknown> };

/**
 * Makes the WebAssembly backend fit for training. Its matrix product is about eight times slower with a transpose flag, and every gradient of
 * a dense layer has one: such inputs are transposed first. Kernels that it lacks (the gradient of gather, ...) run in plain JavaScript.
 */
export function mendKernels(tf: Tf): void {
  if (tf.getKernel('UnsortedSegmentSum', 'wasm')) return;
  for (const name of ['BatchMatMul', '_FusedMatMul']) replace(tf, name, (plain) => withoutFlags(tf, plain));
  borrowMissing(tf);
}

function replace(tf: Tf, kernelName: string, wrap: (plain: KernelFunc) => KernelFunc): void {
  const { setupFunc, disposeFunc, kernelFunc } = tf.getKernel(kernelName, 'wasm');
  tf.unregisterKernel(kernelName, 'wasm');
  tf.registerKernel({ kernelName, backendName: 'wasm', setupFunc, disposeFunc, kernelFunc: wrap(kernelFunc) });
}

function withoutFlags(tf: Tf, plain: KernelFunc): KernelFunc {
  const transpose = tf.getKernel('Transpose', 'wasm').kernelFunc as unknown as (given: object) => TensorInfo;
  const run = (given: Given): TensorInfo | TensorInfo[] => {
    const { inputs, backend, attrs } = given;
    const own: TensorInfo[] = [];
    const turned = (x: TensorInfo, flag: unknown): TensorInfo => {
      if (flag !== true) return x;
      const perm = x.shape.map((_, axis) => axis);
      [perm[perm.length - 2], perm[perm.length - 1]] = [perm.length - 1, perm.length - 2];
      own.push(transpose({ inputs: { x }, backend, attrs: { perm } }));
      return own.at(-1)!;
    };
    const { a, b } = inputs;
    const flat = { ...inputs, a: turned(a, attrs.transposeA), b: turned(b, attrs.transposeB) };
    const product = (plain as unknown as typeof run)({ inputs: flat, backend, attrs: { ...attrs, transposeA: false, transposeB: false } });
    for (const x of own) backend.disposeData(x.dataId);
    return product;
  };
  return run as unknown as KernelFunc;
}

/** Kernels of trainings that the WebAssembly backend lacks. */
const MISSING = [
  'UnsortedSegmentSum',
  'Einsum',
  'Conv2DBackpropFilter',
  'DepthwiseConv2dNativeBackpropFilter',
  'DepthwiseConv2dNativeBackpropInput',
];

/** Takes those of the JavaScript backend; their values go there and back. */
function borrowMissing(tf: Tf): void {
  for (const kernelName of MISSING) {
    tf.registerKernel({ kernelName, backendName: 'wasm', kernelFunc: borrowed(tf, tf.getKernel(kernelName, 'cpu')) });
  }
}

function borrowed(tf: Tf, { kernelFunc }: KernelConfig): KernelFunc {
  const run = ({ inputs, backend, attrs }: Given): TensorInfo | TensorInfo[] => {
    const cpu = tf.findBackend('cpu') as unknown as CpuBackend;
    const there = ({ dataId, shape, dtype }: TensorInfo): TensorInfo => cpu.makeTensorInfo(shape, dtype, backend.readSync(dataId));
    const back = ({ dataId, shape, dtype }: TensorInfo): TensorInfo => {
      const info = backend.makeOutput(shape, dtype);
      backend.typedArrayFromHeap(info).set(cpu.readSync(dataId));
      cpu.disposeData(dataId);
      return info;
    };
    const moved = Object.fromEntries(Object.entries(inputs).map(([name, x]) => [name, there(x)]));
    const out = (kernelFunc as unknown as (given: object) => TensorInfo | TensorInfo[])({ inputs: moved, backend: cpu, attrs });
    const result = Array.isArray(out) ? out.map(back) : back(out);
    for (const { dataId } of Object.values(moved)) cpu.disposeData(dataId);
    return result;
  };
  return run as unknown as KernelFunc;
}
