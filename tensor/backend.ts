import { createRequire } from 'node:module';
import util from 'node:util';
import type * as TensorFlow from '@tensorflow/tfjs';

/** The TensorFlow.js namespace. */
export type Tf = typeof TensorFlow;

/** Raw operations of the native library, by the names of TensorFlow's op registry. */
export interface NativeOps {
  readonly binding: Readonly<Record<string, number>>;
  executeSingleOutput(name: string, attributes: readonly object[], inputs: readonly TensorFlow.Tensor[]): TensorFlow.Tensor;
  executeMultipleOutputs(
    name: string,
    attributes: readonly object[],
    inputs: readonly TensorFlow.Tensor[],
    outputs: number,
  ): TensorFlow.Tensor[];
}

/** A loaded backend. */
export interface Backend {
  readonly tf: Tf;
  readonly name: 'tensorflow' | 'cpu';
  /** Version of the library that does the sums. */
  readonly version: string;
  readonly device: 'CPU' | 'GPU';
  readonly isGpu: boolean;
  /** Present on the native backend only. */
  readonly native: NativeOps | undefined;
}

/** Variables to set before a process that trains starts: quiet logs, an allocator that keeps big blocks, GPU memory on demand, repeatable sums. */
export const TENSOR_ENV: Readonly<Record<string, string>> = {
  TF_CPP_MIN_LOG_LEVEL: '2',
  TF_FORCE_GPU_ALLOW_GROWTH: 'true',
  TF_DETERMINISTIC_OPS: '1',
  MALLOC_MMAP_THRESHOLD_: '4294967296',
  MALLOC_TRIM_THRESHOLD_: '8589934592',
  MALLOC_TOP_PAD_: '268435456',
};

let loading: Promise<Backend> | undefined;

/** Loads TensorFlow once per process: the native library, else pure JavaScript after one line to `log`. */
export function loadBackend(log: (line: string) => void = () => {}): Promise<Backend> {
  loading ??= load(log);
  return loading;
}

async function load(log: (line: string) => void): Promise<Backend> {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= TENSOR_ENV.TF_CPP_MIN_LOG_LEVEL;
  // tfjs-node 4.22 still calls these two, which Node 23 removed.
  Object.assign(util, {
    isNullOrUndefined: (x: unknown) => x === null || x === undefined,
    isArray: Array.isArray,
  });
  const require = createRequire(import.meta.url);
  try {
    const tf = require('@tensorflow/tfjs-node') as Tf;
    const backend = tf.backend() as unknown as NativeOps & { isUsingGpuDevice: boolean; binding: { TF_Version: string } };
    const isGpu = backend.isUsingGpuDevice;
    return { tf, name: 'tensorflow', version: backend.binding.TF_Version, device: isGpu ? 'GPU' : 'CPU', isGpu, native: backend };
  } catch (error) {
    const why = (error as Error).message.split('\n')[0].trim();
    log(
      `Native TensorFlow does not load (${why}); training runs in plain JavaScript, about 150x slower. Mend: npm start, or panelflow doctor.`,
    );
    const tf = require('@tensorflow/tfjs') as Tf;
    tf.env().set('PROD', true);
    await tf.setBackend('cpu');
    return { tf, name: 'cpu', version: tf.version.tfjs, device: 'CPU', isGpu: false, native: undefined };
  }
}
